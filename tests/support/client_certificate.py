"""Certificates of callers, signed by themselves or by an authority."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate with its key in one PEM file."""

    path: Path
    pem: str
    thumbprint: str

    def context(self, trusted: Path) -> ssl.SSLContext:
        """What a caller connects with; `trusted` is the server's certificate."""
        made = ssl.create_default_context(cafile=str(trusted))
        made.load_cert_chain(self.path)
        return made


def make_client_certificate(folder: Path, name: str, *, days: int = 2, begins: int = -1) -> ClientCertificate:
    """A self-signed certificate of `name`, valid from `begins` to `days` days from now; negative: it has ended."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_text(private.decode() + pem)
    der = certificate.public_bytes(serialization.Encoding.DER)
    return ClientCertificate(path, pem, sha256(der).hexdigest())
