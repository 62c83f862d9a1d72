"""Certificates that people upload: read, checked and described."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

LONGEST = 64 * 1024
"""Bytes of an upload that are looked at."""


@dataclass(frozen=True)
class Certificate:
    """One X.509 certificate. `thumbprint`: lower-case hex SHA-256 of its DER form."""

    pem: str
    thumbprint: str
    subject: str
    issuer: str
    serial: str
    version: str
    not_before: datetime
    not_after: datetime


def read(content: bytes) -> Certificate:
    """The one certificate in `content`, PEM or DER. Raises ValueError, saying what it is instead."""
    if len(content) > LONGEST:
        raise ValueError(f"is {len(content)} bytes long; {LONGEST} at most")
    if b"PRIVATE KEY-----" in content:
        raise ValueError("holds a private key, which must stay with its owner; send the certificate alone")
    try:
        if b"-----BEGIN" in content:
            found = x509.load_pem_x509_certificates(content)
        else:
            found = [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        raise ValueError("This is no X.509 certificate in PEM or DER form.") from error
    if len(found) != 1:
        raise ValueError(f"holds {len(found)} certificates; send one")
    return describe(found[0])


def describe(certificate: x509.Certificate) -> Certificate:
    """What is known of it."""
    return Certificate(
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        thumbprint=sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        subject=certificate.subject.rfc4514_string()[:500],
        issuer=certificate.issuer.rfc4514_string()[:500],
        serial=str(certificate.serial_number),
        version=f"V{certificate.version.value + 1}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def ended(certificate: Certificate) -> bool:
    """Whether its time is over."""
    return certificate.not_after <= datetime.now(UTC)
