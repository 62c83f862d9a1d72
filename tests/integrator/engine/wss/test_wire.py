"""Secured proxies and endpoints on real sockets; the other side is this engine's own, and zeep with its own code."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import etree
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature, MemorySignature
from zeep.wsse.username import UsernameToken

from integrator.engine.wss.inbound import enforce
from integrator.engine.wss.names import WSSE
from integrator.engine.wss.outbound import apply
from integrator.engine.wss.replay import Nonces
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import Answer, Backend, Running, backend, integrator, write
from tests.integrator.engine.wss.parties import (
    ENVELOPE,
    SCENARIOS,
    SIGNED,
    USER,
    asymmetric,
    envelope,
    policy,
    policy_text,
    private,
    store,
    write_p12,
)
from tests.support.redis_server import running_redis
from wire.client import Client

SYNAPSE = "http://ws.apache.org/ns/synapse"
SOAP = {"content-type": "text/xml", "soapaction": '"urn:order"'}
CLIENT = store("client", "server")
TOML = """
[keystore.primary]
file_name = "server.jks"
password = "changeit"
alias = "server"
[truststore]
file_name = "trust.pem"
[ws_security.passwords]
ann = "s3cret"
[[internal_apis.users]]
user.name = "ann"
user.password = "s3cret"
user.roles = ["clerk"]
[[internal_apis.users]]
user.name = "bob"
user.password = "b0b"
"""
PROXY = (
    f'<proxy xmlns="{SYNAPSE}" name="p"><target><inSequence><call><endpoint><address uri="{{backend}}/b"/></endpoint></call>'
    "<respond/></inSequence></target>{more}</proxy>"
)
SECURED = '<policy key="sec"/><enableSec/>'
PLAIN = {"path": "/b", "headers": {"content-type": "text/xml"}, "body": ENVELOPE}
TOKEN = USER.format(kind="").replace("Signed", "")


def known(user: str) -> str | None:
    """What the client knows of users."""
    return {"ann": "s3cret"}.get(user)


def home(
    tmp_path: Path, text: str, stub: Backend, more: str = SECURED, own: str = "server", peer: str = "client"
) -> Path:
    """A home with a secured proxy, keys and users."""
    place = tmp_path / "home"
    write(place, "proxy-services", "p", PROXY.format(backend=f"http://127.0.0.1:{stub.port}", more=more))
    write(place, "local-entries", "sec", f'<localEntry xmlns="{SYNAPSE}" key="sec">{text}</localEntry>')
    write(place, "conf", "deployment.toml", TOML)
    folder = place / "repository/resources/security"
    write_p12(folder / "server.p12", own)
    (folder / "trust.pem").write_bytes(private(peer).certificate.pem)
    return place


@pytest.fixture
async def stub() -> AsyncIterator[Backend]:
    """A backend that knows nothing of security."""
    async with backend([PLAIN]) as service:
        yield service


async def https(running: Running, body: bytes, headers: dict[str, str]) -> Answer:
    """A request to the https port, whatever its certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = Client(tls=context)
    try:
        given = Running(running.service, running.settings, client)
        return await given.request(f"https://127.0.0.1:{running.settings.https_port}/services/p", "POST", headers, body)
    finally:
        await client.close()


@covers("artifact.proxy.policy")
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "UTOverTransport"])
async def test_proxy(name: str, stub: Backend, tmp_path: Path) -> None:
    """A secured request passes, the backend sees it in clear without the header, the answer is secured; a bare one is refused."""
    rule = policy(SCENARIOS[name], "ann", "server")
    request = envelope()
    asked = apply(request, rule, CLIENT, known)
    async with integrator(home(tmp_path, policy_text(SCENARIOS[name], "server"), stub)) as running:
        assert running.service.engine.deployment.errors == ()
        answer = await running.call("POST", "/services/p", SOAP, etree.tostring(request))
        assert answer.status == 200, answer.body
        back = etree.fromstring(answer.body)
        enforce(back, rule, CLIENT, known, Nonces(), asked)
        assert back.findtext(".//{urn:orders}id") == "7"
        assert b"Security" not in stub.seen[0].body
        assert etree.fromstring(stub.seen[0].body).findtext(".//{urn:orders}id") == "7"
        bare = await running.call("POST", "/services/p", SOAP, ENVELOPE.encode())
        assert (bare.status, len(stub.seen)) == (500, 1)
        assert b"wsse:InvalidSecurity" in bare.body
        assert bare.headers["content-type"].startswith("text/xml")


async def test_user_over_https(stub: Backend, tmp_path: Path) -> None:
    """zeep's UsernameToken as text; over plain http, with a wrong password or without the role it is refused."""
    text = policy_text(SCENARIOS["UTOverTransport"].replace("<sp:IncludeTimestamp/>", ""), roles="clerk,admin")
    async with integrator(home(tmp_path, text, stub)) as running:

        def token(user: str, password: str) -> bytes:
            made, _ = UsernameToken(user, password).apply(envelope(), {})
            return etree.tostring(made)

        assert (await https(running, token("ann", "s3cret"), SOAP)).status == 200
        assert len(stub.seen) == 1
        wrong = await https(running, token("ann", "nope"), SOAP)
        assert (wrong.status, b"wsse:FailedAuthentication" in wrong.body) == (500, True)
        role = await https(running, token("bob", "b0b"), SOAP)
        assert (role.status, b"wsse:FailedAuthentication" in role.body) == (500, True)
        clear = await running.call("POST", "/services/p", SOAP, token("ann", "s3cret"))
        assert (clear.status, b"https" in clear.body) == (500, True)
        basic = {"authorization": "Basic " + base64.b64encode(b"ann:s3cret").decode()}
        assert (await https(running, b"<a/>", {"content-type": "application/xml", **basic})).status == 200
        challenged = await https(running, b"<a/>", {"content-type": "application/xml"})
        assert (challenged.status, challenged.headers["www-authenticate"]) == (401, 'Basic realm="integrator"')
        assert len(stub.seen) == 2
        assert "authorization" not in stub.seen[1].headers


async def test_zeep_digest_and_replay(stub: Backend, tmp_path: Path) -> None:
    """zeep's digest passes once; the same bytes again are a replay."""
    digest = USER.format(kind="<wsp:Policy><sp:HashPassword/></wsp:Policy>").replace("Signed", "")
    made, _ = UsernameToken("ann", "s3cret", use_digest=True, zulu_timestamp=True).apply(envelope(), {})
    body = etree.tostring(made)
    async with integrator(home(tmp_path, policy_text(digest), stub)) as running:
        assert (await running.call("POST", "/services/p", SOAP, body)).status == 200
        again = await running.call("POST", "/services/p", SOAP, body)
        assert (again.status, b"FailedAuthentication" in again.body, len(stub.seen)) == (500, True, 1)


async def test_replay_at_another_process(stub: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis the processes of a home know each other's nonces."""
    digest = USER.format(kind="<wsp:Policy><sp:HashPassword/></wsp:Policy>").replace("Signed", "")
    made, _ = UsernameToken("ann", "s3cret", use_digest=True, zulu_timestamp=True).apply(envelope(), {})
    statuses = []
    (tmp_path / "redis").mkdir()
    with running_redis(tmp_path / "redis") as url:
        async with integrator(home(tmp_path, policy_text(digest), stub), redis_url=url) as running:
            for _ in range(2):
                monkeypatch.setattr("integrator.engine.wss.engaged.nonces", Nonces())  # as another process has its own
                statuses.append((await running.call("POST", "/services/p", SOAP, etree.tostring(made))).status)
    assert statuses == [200, 500]


@pytest.mark.parametrize("kind", [BinarySignature, MemorySignature])
async def test_zeep_signature(kind: type[MemorySignature], stub: Backend, tmp_path: Path) -> None:
    """zeep signs the request and verifies our answer; a body changed on the way is refused."""
    text = policy_text((asymmetric() + SIGNED).replace("<sp:IncludeTimestamp/>", ""), "server")
    key = private("client")
    for name, data in (("key", key.pem), ("cert", key.certificate.pem)):
        (tmp_path / name).write_bytes(data)
    signer = (
        kind(str(tmp_path / "key"), str(tmp_path / "cert"))
        if kind is BinarySignature
        else kind(key.pem, key.certificate.pem)
    )
    made, _ = signer.apply(envelope(), {})
    async with integrator(home(tmp_path, text, stub)) as running:
        answer = await running.call("POST", "/services/p", SOAP, etree.tostring(made))
        assert answer.status == 200, answer.body
        verifier = MemorySignature(private("server").pem, private("server").certificate.pem)
        verifier.verify(etree.fromstring(answer.body))
        with pytest.raises(SignatureVerificationFailed):
            verifier.verify(etree.fromstring(answer.body.replace(b">7<", b">8<")))
        forged = etree.tostring(made).replace(b">7<", b">8<")
        refused = await running.call("POST", "/services/p", SOAP, forged)
        assert (refused.status, b"wsse:FailedCheck" in refused.body) == (500, True)


async def test_a_changed_policy_counts(stub: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy of the registry that changes is compiled again; one that vanishes lets nothing through."""
    monkeypatch.setattr("integrator.engine.wss.engaged.RECHECK_S", 0.0)
    place = home(tmp_path, "<a/>", stub, more='<policy key="conf:/sec.xml"/><enableSec/>')
    file = write(place, "registry", "config/sec.xml", policy_text(TOKEN))
    body = etree.tostring(UsernameToken("ann", "s3cret").apply(envelope(), {})[0])
    async with integrator(place) as running:
        running.service.engine.deployment.registry.cache_s = 0.0
        assert (await running.call("POST", "/services/p", SOAP, body)).status == 200
        file.write_text(policy_text(TOKEN, roles="admin"))
        assert (await running.call("POST", "/services/p", SOAP, body)).status == 500
        file.unlink()
        assert (await running.call("POST", "/services/p", SOAP, body)).status == 500
        assert len(stub.seen) == 1


async def test_entities_in_the_header(stub: Backend, tmp_path: Path) -> None:
    """An expanding entity in a security header is never expanded."""
    token = "<w:UsernameToken><w:Username>&e;</w:Username></w:UsernameToken>"
    header = f'<s:Header><w:Security xmlns:w="{WSSE}">{token}</w:Security></s:Header>'
    bomb = '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;&a;&a;">]>' + ENVELOPE.replace(
        "<s:Body>", header + "<s:Body>"
    )
    async with integrator(home(tmp_path, policy_text(SCENARIOS["SigOnly"], "server"), stub)) as running:
        answer = await running.call("POST", "/services/p", SOAP, bomb.encode())
        assert (answer.status, stub.seen) == (400, [])
        assert b"601000" in answer.body


async def test_a_wrong_policy_is_told_and_lets_nothing_through(stub: Backend, tmp_path: Path) -> None:
    """An unknown assertion is named at deployment; calls get a fault, never the backend."""
    text = policy_text(asymmetric("TripleDes") + SIGNED, "server")
    async with integrator(home(tmp_path, text, stub)) as running:
        told = [str(error) for error in running.service.engine.deployment.errors]
        assert any("TripleDes" in error and "Basic256" in error for error in told), told
        assert (await running.call("POST", "/services/p", SOAP, ENVELOPE.encode())).status == 500
        assert stub.seen == []


async def test_passwords_are_not_logged(stub: Backend, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by log full and log headers, nor when a message is refused."""
    place = home(tmp_path, policy_text(TOKEN), stub)
    caplog.set_level("INFO", logger="integrator.log")
    logs = '<inSequence><log level="full"/><log level="headers"/>'
    text = PROXY.replace("<inSequence>", logs).format(backend=f"http://127.0.0.1:{stub.port}", more=SECURED)
    write(place, "proxy-services", "p", text)
    async with integrator(place) as running:
        for password, status in (("s3cret", 200), ("wr0ng-one", 500)):
            body = etree.tostring(UsernameToken("ann", password).apply(envelope(), {})[0])
            assert (await running.call("POST", "/services/p", SOAP, body)).status == status
    assert "Envelope: " in caplog.text
    assert "s3cret" not in caplog.text
    assert "wr0ng-one" not in caplog.text
    assert "FailedAuthentication" in caplog.text


async def test_python_callback(stub: Backend, tmp_path: Path) -> None:
    """passwordCallbackClass names a Python class of an allowed package; a Java name leaves it to the user store."""
    text = policy_text(
        TOKEN, config="<rampart:passwordCallbackClass>wsshouse.Passwords</rampart:passwordCallbackClass>"
    )
    place = home(tmp_path, text, stub)
    java = text.replace("wsshouse.Passwords", "org.wso2.PWCBHandler")
    write(place, "local-entries", "java", f'<localEntry xmlns="{SYNAPSE}" key="java">{java}</localEntry>')
    write(
        place,
        "proxy-services",
        "j",
        PROXY.format(backend=f"http://127.0.0.1:{stub.port}", more=SECURED)
        .replace('name="p"', 'name="j"')
        .replace('key="sec"', 'key="java"'),
    )
    write(place, "conf", "deployment.toml", TOML + '[python]\npackages = ["wsshouse"]\n')
    (place / "python").mkdir()
    (place / "python/wsshouse.py").write_text(
        "class Passwords:\n    def password(self, user):\n        return {'eve': 'x'}.get(user)\n"
    )

    def made(user: str, password: str) -> bytes:
        return etree.tostring(UsernameToken(user, password).apply(envelope(), {})[0])

    async with integrator(place) as running:
        for path, user, password, status in (
            ("p", "eve", "x", 200),
            ("p", "ann", "s3cret", 500),
            ("j", "ann", "s3cret", 200),
            ("j", "eve", "x", 500),
        ):
            answer = await running.call("POST", f"/services/{path}", SOAP, made(user, password))
            assert answer.status == status, (path, user, answer.body)


ENDPOINT = (
    f'<proxy xmlns="{SYNAPSE}" name="e"><target><inSequence><call><endpoint><address uri="{{secure}}/services/p" {{form}}>'
    "<enableSec {policies}/></address></endpoint></call><respond/></inSequence></target></proxy>"
)


@covers("endpoint.enableSec")
@pytest.mark.parametrize("name", ["SigEncr", "SgnEncrUsername"])
async def test_endpoint(name: str, stub: Backend, tmp_path: Path) -> None:
    """An endpoint secures what it sends and reads the secured answer: two integrators, each with its own key."""
    ours = policy_text(SCENARIOS[name], "ann" if "User" in name else "client", "server")
    async with integrator(home(tmp_path / "b", policy_text(SCENARIOS[name], "server"), stub)) as secure:
        address = f"http://127.0.0.1:{secure.settings.http_port}"
        place = home(tmp_path / "a", ours, stub, own="client", peer="server")
        (place / "repository/resources/security/trust.pem").rename(place / "repository/resources/security/server.pem")
        write(place, "conf", "deployment.toml", TOML.replace("trust.pem", "server.pem"))
        write(place, "proxy-services", "p", ENDPOINT.format(secure=address, form="", policies='policy="sec"'))
        for other, policies in (
            ("out", 'outboundPolicy="sec"'),
            ("in", 'inboundPolicy="sec"'),
            ("dyn", 'policy="{$trp:x-policy}"'),
        ):
            text = ENDPOINT.format(secure=address, form='format="soap11"', policies=policies).replace(
                '"e"', f'"{other}"'
            )
            write(place, "proxy-services", other, text)
        async with integrator(place) as running:
            answer = await running.call("POST", "/services/e", SOAP, ENVELOPE.encode())
            assert answer.status == 200, answer.body
            assert b"Security" not in answer.body
            assert etree.fromstring(answer.body).findtext(".//{urn:orders}price") == "12 & 3"
            assert len(stub.seen) == 1
            half = await running.call("POST", "/services/out", SOAP, ENVELOPE.encode())
            assert (half.status, b"EncryptedData" in half.body, len(stub.seen)) == (200, True, 2)
            computed = await running.call("POST", "/services/dyn", {**SOAP, "x-policy": "sec"}, ENVELOPE.encode())
            assert (computed.status, len(stub.seen)) == (200, 3)
            missing = await running.call("POST", "/services/dyn", {**SOAP, "x-policy": "none"}, ENVELOPE.encode())
            assert (missing.status, len(stub.seen)) == (500, 3)
            unsecured = await running.call("POST", "/services/in", SOAP, ENVELOPE.encode())
            assert (unsecured.status, b"InvalidSecurity" in unsecured.body, len(stub.seen)) == (500, True, 3)


async def test_endpoint_refuses_an_unsecured_answer(stub: Backend, tmp_path: Path) -> None:
    """A backend that answers in clear where the policy asks for a signature: the fault flow runs."""
    text = policy_text(SCENARIOS["SigOnly"], "server", "client")
    place = home(tmp_path, text, stub)
    uri = f"http://127.0.0.1:{stub.port}"
    write(
        place,
        "proxy-services",
        "e",
        ENDPOINT.format(secure=uri, form="", policies='policy="sec"').replace("/services/p", "/b"),
    )
    async with integrator(place) as running:
        answer = await running.call("POST", "/services/e", SOAP, ENVELOPE.encode())
        assert (answer.status, b"urn:orders" in answer.body, len(stub.seen)) == (500, False, 1)
        assert b"BinarySecurityToken" in stub.seen[0].body
