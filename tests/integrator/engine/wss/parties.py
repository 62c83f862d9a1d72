"""Keys, policies and envelopes for the tests of WS-Security: what both sides of a secured message have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from lxml import etree

from integrator.engine.reader import read_xml
from integrator.engine.wss.keystore import Certificate, KeyStore, Private
from integrator.engine.wss.policy import Policy, read_policy

SP = "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy"
TO_RECIPIENT, NEVER = f"{SP}/IncludeToken/AlwaysToRecipient", f"{SP}/IncludeToken/Never"
ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<o:order xmlns:o="urn:orders"><o:id>7</o:id><o:price cur="EUR">12 &amp; 3</o:price></o:order></s:Body></s:Envelope>'
)
_X509 = "<sp:X509Token sp:IncludeToken='{include}'><wsp:Policy>{reference}<sp:WssX509V3Token10/></wsp:Policy></sp:X509Token>"
_THUMB = "<sp:RequireThumbprintReference/>"
_SUITE = (
    "<sp:AlgorithmSuite><wsp:Policy><sp:{suite}/></wsp:Policy></sp:AlgorithmSuite>"
    "<sp:Layout><wsp:Policy><sp:Lax/></wsp:Policy></sp:Layout>"
)
SIGNED, ENCRYPTED = "<sp:SignedParts><sp:Body/></sp:SignedParts>", "<sp:EncryptedParts><sp:Body/></sp:EncryptedParts>"
USER = (
    f"<sp:SignedSupportingTokens><wsp:Policy><sp:UsernameToken sp:IncludeToken='{TO_RECIPIENT}'>{{kind}}"
    "</sp:UsernameToken></wsp:Policy></sp:SignedSupportingTokens>"
)
CONFIRM = "<sp:Wss11><wsp:Policy><sp:RequireSignatureConfirmation/></wsp:Policy></sp:Wss11>"


def token(include: str = NEVER, reference: str = _THUMB) -> str:
    """An X509Token."""
    return _X509.format(include=include, reference=reference)


def asymmetric(suite: str = "Basic256", extra: str = "", reference: str = _THUMB, include: str = TO_RECIPIENT) -> str:
    """An AsymmetricBinding as the original's templates have it."""
    return (
        f"<sp:AsymmetricBinding><wsp:Policy><sp:InitiatorToken><wsp:Policy>{token(include, reference)}</wsp:Policy>"
        f"</sp:InitiatorToken><sp:RecipientToken><wsp:Policy>{token(NEVER, reference)}</wsp:Policy></sp:RecipientToken>"
        f"{_SUITE.format(suite=suite)}<sp:IncludeTimestamp/>{extra}<sp:OnlySignEntireHeadersAndBody/>"
        "</wsp:Policy></sp:AsymmetricBinding>"
    )


def symmetric(suite: str = "Basic256", extra: str = "") -> str:
    """A SymmetricBinding as the original's templates have it."""
    return (
        f"<sp:SymmetricBinding><wsp:Policy><sp:ProtectionToken><wsp:Policy>{token()}</wsp:Policy></sp:ProtectionToken>"
        f"{_SUITE.format(suite=suite)}<sp:IncludeTimestamp/>{extra}<sp:OnlySignEntireHeadersAndBody/>"
        "</wsp:Policy></sp:SymmetricBinding>"
    )


TRANSPORT = (
    "<sp:TransportBinding><wsp:Policy><sp:TransportToken><wsp:Policy><sp:HttpsToken RequireClientCertificate='false'/>"
    f"</wsp:Policy></sp:TransportToken>{_SUITE.format(suite='Basic256')}<sp:IncludeTimestamp/></wsp:Policy></sp:TransportBinding>"
)
SCENARIOS = {
    "UTOverTransport": TRANSPORT + USER.format(kind=""),
    "SigOnly": asymmetric() + SIGNED,
    "SgnOnlyAnonymous": symmetric() + SIGNED + CONFIRM,
    "EncrOnlyAnonymous": symmetric() + ENCRYPTED + CONFIRM,
    "SigEncr": asymmetric() + CONFIRM + SIGNED + ENCRYPTED,
    "SgnEncrAnonymous": symmetric() + SIGNED + ENCRYPTED + CONFIRM,
    "EncrOnlyUsername": symmetric() + ENCRYPTED + USER.format(kind="") + CONFIRM,
    "SgnEncrUsername": symmetric() + SIGNED + ENCRYPTED + USER.format(kind="") + CONFIRM,
}
"""The scenarios that the original's tools offer for a proxy."""


def policy_text(assertions: str, user: str = "", peer: str = "useReqSigCert", config: str = "", roles: str = "") -> str:
    """A policy document with its RampartConfig."""
    carbon = (
        '<sec:CarbonSecConfig xmlns:sec="http://www.wso2.org/products/carbon/security"><sec:Authorization>'
        f'<sec:property name="org.wso2.carbon.security.allowedroles">{roles}</sec:property>'
        "</sec:Authorization></sec:CarbonSecConfig>"
    )
    return (
        f'<wsp:Policy xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:sp="{SP}"><wsp:ExactlyOne><wsp:All>'
        f"{assertions}</wsp:All></wsp:ExactlyOne><rampart:RampartConfig xmlns:rampart='http://ws.apache.org/rampart/policy'>"
        f"<rampart:user>{user}</rampart:user><rampart:encryptionUser>{peer}</rampart:encryptionUser>{config}"
        f"</rampart:RampartConfig>{carbon if roles else ''}</wsp:Policy>"
    )


def policy(assertions: str, user: str = "", peer: str = "useReqSigCert", config: str = "") -> Policy:
    """The record of a policy."""
    return read_policy(*read_xml(policy_text(assertions, user, peer, config), "policy.xml"))


@lru_cache
def private(name: str, bits: int = 2048) -> Private:
    """A key with a self-signed certificate; the same one each time."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return Private(key, Certificate(name, certificate(name, key)))


def certificate(name: str, key: rsa.RSAPrivateKey, days: int = 10) -> x509.Certificate:
    """A self-signed certificate that ends in some days."""
    label, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(label).issuer_name(label).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=30))
    return made.not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256())


def store(own: str, *others: str) -> KeyStore:
    """Somebody's key and the certificates that they trust."""
    return KeyStore((private(own),), tuple(private(name).certificate for name in others))


def write_p12(file: Path, own: str, *others: str, password: str = "changeit") -> None:  # noqa: S107
    """A PKCS#12 file of a key and trusted certificates."""
    held, trusted = private(own), [private(name).certificate for name in others]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            own.encode(),
            held.key,
            held.certificate.x509,
            [pkcs12.PKCS12Certificate(item.x509, item.alias.encode()) for item in trusted],
            serialization.BestAvailableEncryption(password.encode()),
        )
    )


def envelope(text: str = ENVELOPE) -> etree._Element:
    """The envelope, parsed."""
    return etree.fromstring(text)


def sent(root: etree._Element) -> etree._Element:
    """The envelope as the other side gets it: written and parsed again."""
    return etree.fromstring(etree.tostring(root))
