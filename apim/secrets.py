"""Secrets, keys and certificates: made at first start with owner-only access, never shipped."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def read_or_make(path: Path, make: bytes | None = None) -> str:
    """Text of the secret file `path`; made with `make` or 48 random characters when absent.

    Two processes that start together agree: the loser of the exclusive link reads the winner's file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        scratch.touch(mode=0o600)
        scratch.write_bytes(make if make is not None else secrets.token_urlsafe(36).encode())
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return path.read_text().strip()


def ensure_certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """Paths of the TLS certificate and key in `folder`; self-signed for `host` and this machine when absent."""
    cert_path, key_path = folder / "tls.crt", folder / "tls.key"
    if not cert_path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stored = serialization.load_pem_private_key(read_or_make(key_path, pem).encode(), None)
        read_or_make(cert_path, _self_signed(stored, host).public_bytes(serialization.Encoding.PEM))  # type: ignore[arg-type]
    return cert_path, key_path


def _self_signed(key: ec.EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    names = {host, "localhost", socket.gethostname()}
    alternatives: list[x509.GeneralName] = [x509.DNSName(entry) for entry in sorted(names) if not _is_ip(entry)]
    alternatives += [
        x509.IPAddress(ip_address(entry)) for entry in sorted({"127.0.0.1", "::1"} | set(filter(_is_ip, names)))
    ]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=825))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
