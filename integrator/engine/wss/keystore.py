"""Private keys and trusted certificates, from PEM or PKCS#12 files, found by alias or by what a message says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from integrator.engine.users import write_secret
from integrator.engine.wss.names import UNAVAILABLE, SecurityRefusal

BITS, DAYS = 3072, 825
MIN_BITS = 2048
MAX_BYTES = 4 * 1024 * 1024
CONVERT = "keytool -importkeystore -srckeystore x.jks -destkeystore x.p12 -deststoretype PKCS12"


class KeyStoreError(Exception):
    """A store cannot be read; the text says which file and why."""


@dataclass(frozen=True)
class Certificate:
    """A certificate with what messages name it by."""

    alias: str
    x509: x509.Certificate

    @property
    def der(self) -> bytes:
        """Its encoding."""
        return self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """Its encoding as text."""
        return self.x509.public_bytes(serialization.Encoding.PEM)

    @property
    def thumbprint(self) -> bytes:
        """SHA-1 of its encoding, as WS-Security 1.1 names it."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest()

    @property
    def ski(self) -> bytes:
        """Subject key identifier: the extension, else SHA-1 of the public key."""
        try:
            return self.x509.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except x509.ExtensionNotFound:
            return x509.SubjectKeyIdentifier.from_public_key(self.x509.public_key()).digest

    @property
    def public(self) -> rsa.RSAPublicKey:
        """Its RSA key. Raises SecurityRefusal for another kind or a short one."""
        key = self.x509.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_BITS:
            raise SecurityRefusal(UNAVAILABLE, f"an RSA key of at least {MIN_BITS} bits is needed")
        return key


@dataclass(frozen=True)
class Private:
    """A private key and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: Certificate

    @property
    def pem(self) -> bytes:
        """The key as PEM text, for the signature library."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, form, serialization.NoEncryption())


@dataclass(frozen=True)
class KeyStore:
    """Keys of our own and certificates that we trust."""

    keys: tuple[Private, ...]
    trusted: tuple[Certificate, ...]

    def key(self, alias: str) -> Private:
        """Our key of an alias; the only one when there is just one. Raises SecurityRefusal."""
        for held in self.keys:
            if held.certificate.alias.lower() == alias.lower():
                return held
        if len(self.keys) == 1:
            return self.keys[0]
        raise SecurityRefusal(UNAVAILABLE, "no private key of that alias is in the key store")

    def certificate(self, alias: str) -> Certificate:
        """A certificate to encrypt for. Raises SecurityRefusal."""
        held = [*self.trusted, *(key.certificate for key in self.keys)]
        for certificate in held:
            if certificate.alias.lower() == alias.lower():
                return certificate
        raise SecurityRefusal(UNAVAILABLE, f"no certificate of alias {alias!r} is in the key store")

    def known(self) -> list[Certificate]:
        """All certificates, for look-ups by reference."""
        return [*self.trusted, *(key.certificate for key in self.keys)]

    def private_for(self, certificate: Certificate) -> Private | None:
        """Our key of a certificate."""
        return next((key for key in self.keys if key.certificate.thumbprint == certificate.thumbprint), None)

    def trusts(self, certificate: x509.Certificate, now: datetime | None = None) -> bool:
        """Whether a certificate is held, or issued by a held authority; in both cases within its time."""
        now = now or datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        return any(held.x509 == certificate for held in self.known()) or any(
            _issued(certificate, held.x509, now) for held in self.trusted
        )


def _issued(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> bool:
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return constraints.ca and authority.not_valid_before_utc <= now <= authority.not_valid_after_utc


def read_store(file: Path, password: str) -> KeyStore:
    """Read one file: PKCS#12 (.p12, .pfx) or PEM with keys and certificates. Raises KeyStoreError."""
    if file.suffix.lower() in (".jks", ".jceks"):
        raise KeyStoreError(f"{file}: Java key stores are not read; allowed are PKCS#12 and PEM ({CONVERT})")
    try:
        data = file.read_bytes()
        if len(data) > MAX_BYTES:
            raise KeyStoreError(f"{file}: longer than {MAX_BYTES} bytes")
        if data.lstrip().startswith(b"-----BEGIN"):
            return _pem(data, password, file.stem)
        return _pkcs12(data, password)
    except (OSError, ValueError, TypeError) as error:
        raise KeyStoreError(f"{file}: {error}") from error


def _pkcs12(data: bytes, password: str) -> KeyStore:
    held = pkcs12.load_pkcs12(data, password.encode() or None)
    keys = []
    if isinstance(held.key, rsa.RSAPrivateKey) and held.cert is not None:
        keys.append(Private(held.key, _named(held.cert)))
    elif held.key is not None:
        raise ValueError("its private key is no RSA key")
    return KeyStore(tuple(keys), tuple(_named(item) for item in held.additional_certs))


def _named(held: pkcs12.PKCS12Certificate) -> Certificate:
    name = (held.friendly_name or b"").decode("utf-8", "replace")
    return Certificate(name or _common_name(held.certificate), held.certificate)


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _pem(data: bytes, password: str, stem: str) -> KeyStore:
    certificates = x509.load_pem_x509_certificates(data) if b"BEGIN CERTIFICATE" in data else []
    if b"PRIVATE KEY" not in data:
        several = len(certificates) > 1
        return KeyStore((), tuple(Certificate(_common_name(item) if several else stem, item) for item in certificates))
    begin = data.index(b"-----BEGIN", data.index(b"PRIVATE KEY") - 40 if data.index(b"PRIVATE KEY") > 40 else 0)
    key = serialization.load_pem_private_key(data[begin:], password.encode() or None)
    if not isinstance(key, rsa.RSAPrivateKey) or not certificates:
        raise ValueError("an RSA private key and its certificate are expected")
    own = next((item for item in certificates if item.public_key() == key.public_key()), None)
    if own is None:
        raise ValueError("none of its certificates belongs to its key")
    others = tuple(Certificate(_common_name(item), item) for item in certificates if item is not own)
    return KeyStore((Private(key, Certificate(stem, own)),), others)


def joined(stores: Iterable[KeyStore]) -> KeyStore:
    """Several stores as one."""
    held = list(stores)
    return KeyStore(
        tuple(key for store in held for key in store.keys), tuple(item for store in held for item in store.trusted)
    )


def generated(secrets: Path, hostname: str) -> KeyStore:
    """The key made at first use when the configuration names no store: `secrets/wss.pem`, readable by its owner only."""
    file = secrets / "wss.pem"
    if not file.exists():
        write_secret(file, _make(hostname))
    return read_store(file, "")


def _make(hostname: str) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()) + made.public_bytes(encoding)
