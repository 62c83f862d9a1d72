"""The TLS key and self-signed certificate of the data planes, made when there is none."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrator.engine.users import write_secret

DAYS = 825


def server_context(secrets: Path, hostname: str) -> ssl.SSLContext:
    """A server context with `secrets/tls.crt` and `tls.key`, generated when absent."""
    certificate, key = secrets / "tls.crt", secrets / "tls.key"
    if not (certificate.exists() and key.exists()):
        generate(certificate, key, hostname)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def generate(certificate: Path, key: Path, hostname: str) -> None:
    """Write a new key (mode 600) and a self-signed certificate for the host name and localhost."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname)])
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in dict.fromkeys((hostname, "localhost"))]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    write_secret(key, private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    certificate.write_bytes(made.public_bytes(encoding))
