"""TLS listeners: the right certificate for the host asked for, callers' certificates, files that change."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.wire.support import serving
from wire.exchange import Exchange
from wire.tls import ClientMode, Clients, Listener, Pair

GET = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def certificate(folder: Path, name: str, *hosts: str) -> Pair:
    """A certificate of its own making for `hosts`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(days=2))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    if hosts:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(alternatives, critical=False)
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    pem = serialization.Encoding.PEM
    pair.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    pair.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return pair


def trusting(mine: Pair | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    if mine is not None:
        context.load_cert_chain(mine.certificate, mine.key)
    return context


async def shown(port: int, name: str | None) -> str:
    """The common name of the certificate that a caller for `name` sees."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(), server_hostname=name or "")
    der = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    return str(x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


async def ask(port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="x")
    try:
        writer.write(GET)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def tell(exchange: Exchange) -> None:
    der = exchange.peer_certificate
    assert der is exchange.peer_certificate
    name = b"nobody"
    if der is not None:
        subject = x509.load_der_x509_certificate(der).subject
        name = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value).encode()
    exchange.respond(200, [], exchange.scheme.encode() + b" " + name)


async def test_the_host_asked_for_chooses_the_certificate(tmp_path: Path) -> None:
    pairs = [
        certificate(tmp_path, "first", "a.example"),
        certificate(tmp_path, "second", "b.example", "*.wild.example"),
        certificate(tmp_path, "plain.example"),
    ]
    async with serving(tell, tls=Listener(lambda: pairs).front) as (_, port):
        assert await shown(port, "a.example") == "first"
        assert await shown(port, "B.Example") == "second"
        assert await shown(port, "x.wild.example") == "second"
        assert await shown(port, "wild.example") == "first"
        assert await shown(port, "plain.example") == "plain.example"
        assert await shown(port, "unknown.example") == "first"
        assert await shown(port, None) == "first"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_any_client_certificate_is_handed_to_the_exchange(tmp_path: Path, version: ssl.TLSVersion) -> None:
    own, caller = certificate(tmp_path, "own"), certificate(tmp_path, "caller")
    front = Listener(lambda: [own], Clients("optional", unchecked=True)).front
    async with serving(tell, tls=front) as (_, port):
        assert (await ask(port, trusting(caller, version))).endswith(b"https caller")
        assert (await ask(port, trusting(None, version))).endswith(b"https nobody")


@pytest.mark.parametrize(("mode", "stranger"), [("optional", True), ("required", False)])
async def test_authorities_are_checked_in_the_handshake(tmp_path: Path, mode: ClientMode, stranger: bool) -> None:
    own, known, unknown = (certificate(tmp_path, name) for name in ("own", "known", "unknown"))
    front = Listener(lambda: [own], Clients(mode, known.certificate)).front
    async with serving(tell, tls=front) as (_, port):
        assert (await ask(port, trusting(known))).endswith(b"https known")
        with pytest.raises(OSError):
            assert not await ask(port, trusting(unknown))
            raise ConnectionError
        if stranger:
            assert (await ask(port, trusting())).endswith(b"https nobody")
        else:
            with pytest.raises(OSError):
                assert not await ask(port, trusting())
                raise ConnectionError


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_without_a_mode_nobody_is_asked_and_tls_1_1_is_refused(tmp_path: Path) -> None:
    own, caller = certificate(tmp_path, "own"), certificate(tmp_path, "caller")
    async with serving(tell, tls=Listener(lambda: [own]).front) as (_, port):
        assert (await ask(port, trusting(caller))).endswith(b"https nobody")
        old = trusting()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError):
            await ask(port, old)


async def test_changed_files_are_taken_in_and_open_connections_stay(tmp_path: Path) -> None:
    pairs = [certificate(tmp_path, "old", "a.example")]
    listener = Listener(lambda: pairs)
    async with serving(tell, tls=listener.front) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
        assert not listener.reload_if_changed()
        pairs[:] = [certificate(tmp_path, "new", "a.example"), certificate(tmp_path, "more", "b.example")]
        assert listener.reload_if_changed()
        assert not listener.reload_if_changed()
        assert await shown(port, "a.example") == "new"
        assert await shown(port, "b.example") == "more"

        pairs[0].certificate.write_text("half of a certificate")
        assert not listener.reload_if_changed()
        assert await shown(port, "a.example") == "new"
        pairs[0] = certificate(tmp_path, "new", "c.example")
        assert listener.reload_if_changed()
        assert await shown(port, "c.example") == "new"

        writer.write(GET)
        async with asyncio.timeout(5):
            assert (await reader.read()).endswith(b"https nobody")
        writer.close()


def test_unusable_files_are_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a certificate"):
        Listener(list)
    pair = certificate(tmp_path, "own")
    pair.key.write_text("no key")
    with pytest.raises(ValueError, match="own.key"):
        Listener(lambda: [pair])
    with pytest.raises(ValueError, match="missing"):
        Listener(lambda: [Pair(tmp_path / "missing.crt", pair.key)])
