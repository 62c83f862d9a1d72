"""How calls leave: proxies, exceptions, TLS by server, client certificates, bounded connections; and who shows one to us."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from integrator.engine.errors import DeploymentError
from integrator.engine.outgoing import read_routes
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import backend, eventually, integrator, write
from tests.support.certificate import make_certificate
from wire.client import Client
from wire.exchange import Exchange
from wire.server import Server
from wire.service import Service

API = (
    '<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET"><inSequence><call><endpoint>'
    '<http method="GET" uri-template="{}"><suspendOnFailure><initialDuration>0</initialDuration></suspendOnFailure></http>'
    "</endpoint></call><respond/></inSequence><faultSequence>"
    '<payloadFactory media-type="text"><format>$1</format><args><arg expression="$ctx:ERROR_CODE"/></args>'
    "</payloadFactory><respond/></faultSequence></resource></api>"
)
PROFILE = (
    '<parameter name="customSSLProfiles"><profile><servers>{servers}</servers>{stores}'
    "<HttpsProtocols>TLSv1.2,TLSv1.3</HttpsProtocols></profile></parameter>"
)
FILE = '[transport.http]\nsender.ssl_profile.file_path = "conf/sslprofiles/senderprofiles.xml"\n'


class Whoever(Service):
    """Tells callers the name in their certificate."""

    def handle(self, exchange: Exchange) -> None:
        """Answer."""
        shown = exchange.peer_certificate
        name = "nobody" if shown is None else x509.load_der_x509_certificate(shown).subject.rfc4514_string()
        exchange.respond(200, [(b"content-type", b"text/plain")], name.encode())


@asynccontextmanager
async def secured(folder: Path, clients: bool = False) -> AsyncIterator[int]:
    """An https server with the certificate in a folder; with `clients` it wants to see one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "tls.crt")
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = Server(Whoever())
    await server.listen(sock, context)
    try:
        yield sock.getsockname()[1]
    finally:
        await server.stop(0)


def store(folder: Path) -> None:
    """The pair of a folder as one PEM file and as PKCS12."""
    certificate, key = (folder / "tls.crt").read_bytes(), (folder / "tls.key").read_bytes()
    (folder / "both.pem").write_bytes(certificate + key)
    loaded = load_pem_private_key(key, None)
    encryption = serialization.BestAvailableEncryption(b"changeit")
    parsed = x509.load_pem_x509_certificate(certificate)
    (folder / "both.p12").write_bytes(pkcs12.serialize_key_and_certificates(b"a", loaded, parsed, None, encryption))  # type: ignore[arg-type]


def stores(folder: Path, kind: str) -> str:
    """TrustStore and KeyStore elements."""
    name, trust = ("both.pem", "tls.crt") if kind == "PEM" else ("both.p12", "both.p12")
    inner = f"<Type>{kind}</Type><Password>{'' if kind == 'PEM' else 'changeit'}</Password>"
    return (
        f"<KeyStore><Location>{folder / name}</Location>{inner}</KeyStore>"
        f"<TrustStore><Location>{folder / trust}</Location>{inner}</TrustStore>"
    )


@pytest.mark.parametrize("kind", ["PEM", "PKCS12"])
async def test_profile_of_a_server(tmp_path: Path, kind: str) -> None:
    """The server's own authority is trusted, and it sees our certificate; other servers are not touched by it."""
    home = tmp_path / "home"
    make_certificate(tmp_path)
    store(tmp_path)
    async with secured(tmp_path, clients=True) as port, secured(tmp_path) as other:
        write(home, "conf", "deployment.toml", FILE)
        profile = PROFILE.format(servers=f"localhost:{port}, 127.0.0.1:1", stores=stores(tmp_path, kind))
        write(home, "conf", "sslprofiles/senderprofiles.xml", profile)
        write(home, "api", "t", API.format(f"https://localhost:{port}/"))
        write(home, "api", "o", API.format(f"https://localhost:{other}/").replace('"t"', '"o"').replace('"/t"', '"/o"'))
        async with integrator(home) as running:
            assert (await running.call("GET", "/t")).body == b"CN=localhost"
            assert (await running.call("GET", "/o")).body == b"101500"
            # a profile that is added while it runs holds for the next call
            both = PROFILE.format(servers=f"localhost:{port},localhost:{other}", stores=stores(tmp_path, kind))
            before = running.service.engine.deployment
            write(home, "conf", "sslprofiles/senderprofiles.xml", both)
            await eventually(lambda: running.service.engine.deployment is not before)
            assert (await running.call("GET", "/o")).body == b"nobody"


async def test_proxy_for_all_but_some(tmp_path: Path) -> None:
    home = tmp_path / "home"
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-type: text/plain\r\n\r\nvia")
        writer.close()

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with proxy, backend([{"headers": {"content-type": "text/plain"}, "body": "direct"}]) as stub:
        port = proxy.sockets[0].getsockname()[1]
        settings = f'sender.proxy_host = "127.0.0.1"\nsender.proxy_port = {port}\nsender.non_proxy_hosts = ["127.*", "*.inner"]\n'
        write(home, "conf", "deployment.toml", f"[transport.http]\n{settings}")
        write(home, "api", "t", API.format("http://far.example/x?y=1"))
        write(
            home, "api", "o", API.format(f"http://127.0.0.1:{stub.port}/").replace('"t"', '"o"').replace('"/t"', '"/o"')
        )
        async with integrator(home) as running:
            assert (await running.call("GET", "/t")).body == b"via"
            assert (await running.call("GET", "/o")).body == b"direct"
    assert heads[0].startswith(b"GET http://far.example/x?y=1 HTTP/1.1\r\n")


def test_names_of_the_original(tmp_path: Path) -> None:
    """Parameters of the blocking sender's form, hosts separated by bars, credentials; the same object while nothing changes."""
    parameter = {"http": {"proxyHost": "p", "proxyPort": "8080", "nonProxyHosts": "localhost|*.inner"}}
    tables = {
        "transport": {"http": {"sender": {"parameter": parameter, "proxy_username": "ann", "proxy_password": "s"}}}
    }
    routes = read_routes(tables, tmp_path)
    found = routes.proxy("far.example")
    assert found is not None and (found.host, found.port, found.credentials) == ("p", 8080, "ann:s")
    assert routes.proxy("a.inner") is None and routes.proxy("localhost") is None
    assert read_routes(tables, tmp_path) is routes
    assert "ann" not in repr(routes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('sender.proxy_host = "p"\nsender.proxy_port = 70000', "proxy_port = 70000"),
        ('sender.proxy_host = "p"\nsender.proxy_port = "x"', "proxy_port = 'x'"),
        ("sender.max_connections_per_host = 0", "max_connections_per_host = 0"),
        ('sender.ssl_profile.file_path = "conf/none.xml"', "there is no such file below the home"),
    ],
)
async def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    """A wrong configuration is refused; the integrator runs with what it had."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", f"[transport.http]\n{text}\n")
    async with integrator(home) as running:
        errors = [str(error) for error in running.service.engine.deployment.errors]
    assert any(said in error and "conf/deployment.toml" in error for error in errors), errors


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ("<KeyStore><Location>k.jks</Location><Type>JKS</Type></KeyStore>", "keytool -importkeystore"),
        ("<TrustStore><Location>none.pem</Location></TrustStore>", "Location 'none.pem': there is no such file"),
        ("<TrustStore><Location>t.txt</Location></TrustStore>", "the store cannot be read"),
        ("<TrustStore><Location>t.txt</Location><Type>BKS</Type></TrustStore>", "Type 'BKS': allowed are PEM, PKCS12"),
        ("<HttpsProtocols>SSLv3</HttpsProtocols>", "HttpsProtocols 'SSLv3': allowed are TLSv1.2, TLSv1.3"),
    ],
)
def test_profiles_that_cannot_be_used(tmp_path: Path, inner: str, said: str) -> None:
    (tmp_path / "t.txt").write_text("no certificate")
    (tmp_path / "p.xml").write_text(f"<parameter><profile><servers>a:1</servers>{inner}</profile></parameter>")
    tables = {"transport": {"http": {"sender": {"ssl_profile": {"file_path": "p.xml"}}}}}
    with pytest.raises(DeploymentError, match="p.xml") as caught:
        read_routes(tables, tmp_path)
    assert said in str(caught.value)


WHO = (
    '<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET"><inSequence>'
    '<property name="pem" expression="$axis2:ssl.client.auth.cert.X509"/><payloadFactory media-type="text"><format>$1</format>'
    '<args><arg expression="$ctx:pem"/></args></payloadFactory><respond/></inSequence></resource></api>'
)


@covers("prop.ssl.client.auth.cert.X509")
async def test_certificate_of_the_caller(tmp_path: Path) -> None:
    """Asked for on the https port alone, and readable in the flow; one of another authority does not get in."""
    home = tmp_path / "home"
    certificate, key = make_certificate(tmp_path)
    listener = f'listener.ssl_verify_client = "optional"\nlistener.truststore.file_name = "{certificate}"\n'
    write(home, "conf", "deployment.toml", f"[transport.http]\n{listener}")
    write(home, "api", "t", WHO)
    async with integrator(home) as running:
        url = f"https://localhost:{running.settings.https_port}/t"
        for shown in (True, False):
            context = ssl.create_default_context(cafile=str(tmp_path / "var/secrets/tls.crt"))
            if shown:
                context.load_cert_chain(certificate, key)
            client = Client(tls=context)
            body = await (await client.request("GET", url)).body()
            await client.close()
            assert body.decode() == (certificate.read_text() if shown else "")


def test_host_names_that_are_not_verified(tmp_path: Path) -> None:
    """Only where it is asked for, for all servers or for those of a profile."""
    tables = {"transport": {"https": {"sender": {"parameter": {}, "hostname_verifier": "AllowAll"}}}}
    everywhere = read_routes(tables, tmp_path).tls("any.example", 443)
    assert everywhere is not None and not everywhere.check_hostname and everywhere.verify_mode == ssl.CERT_REQUIRED
    lenient = "<profile><servers>a:1</servers><HostnameVerifier>AllowAll</HostnameVerifier></profile>"
    (tmp_path / "p.xml").write_text(f"<parameter>{lenient}<profile><servers>b:1</servers></profile></parameter>")
    routes = read_routes({"transport": {"http": {"sender": {"ssl_profile": {"file_path": "p.xml"}}}}}, tmp_path)
    found = [routes.tls(host, 1) for host in ("a", "b", "c")]
    assert [context and context.check_hostname for context in found] == [False, True, None]


async def test_certificates_that_cannot_be_checked_stop_the_start(tmp_path: Path) -> None:
    """Fail closed: a port that should ask for certificates is not opened without asking."""
    for text, said in (("maybe", "allowed are none, optional, require"), ("require", "not a PEM file of authorities")):
        home = tmp_path / text
        write(home, "conf", "deployment.toml", f'[transport.http]\nlistener.ssl_verify_client = "{text}"\n')
        with pytest.raises(DeploymentError, match=said):
            async with integrator(home):
                pass
