"""The certificate with which a client reached us: from our own TLS socket, or told by a proxy we trust (RFC 8705)."""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from django.conf import settings

from apim import addresses

LONGEST = 16_384
"""Characters of a proxy's header that are read."""


@dataclass(frozen=True)
class Certificate:
    """A client's certificate; whether it is genuine the TLS handshake has shown."""

    der: bytes
    subject: str

    @property
    def thumbprint(self) -> str:
        """`x5t#S256`: base64url of its SHA-256."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).rstrip(b"=").decode()


def presented(meta: Mapping[str, Any]) -> Certificate | None:
    """The certificate of a request with this WSGI environment; None when there is none."""
    der = _of_socket(meta.get("gunicorn.socket")) or _of_proxy(meta)
    if not der:
        return None
    try:
        subject = x509.load_der_x509_certificate(der).subject.rfc4514_string()
    except ValueError:
        return None
    return Certificate(der, subject)


def _of_socket(socket: Any) -> bytes:
    """Only a certificate that our TLS checked against `APIM_CLIENT_CA` is handed out here."""
    ask = getattr(socket, "getpeercert", None)
    try:
        return (ask(binary_form=True) or b"") if ask else b""
    except (ValueError, OSError):
        return b""


def _of_proxy(meta: Mapping[str, Any]) -> bytes:
    name = settings.APIM.client_certificate_header
    if not name or not _trusted(str(meta.get("REMOTE_ADDR", ""))):
        return b""
    text = str(meta.get("HTTP_" + name.upper().replace("-", "_"), ""))[:LONGEST]
    return der_of(unquote(text)) if text else b""


def der_of(text: str) -> bytes:
    """A certificate as PEM, whose lines may have become blanks, or as base64; empty when it is neither."""
    body = text.replace("-----BEGIN CERTIFICATE-----", "").partition("-----END CERTIFICATE-----")[0]
    try:
        return ssl.PEM_cert_to_DER_cert(
            "-----BEGIN CERTIFICATE-----\n" + "".join(body.split()) + "\n-----END CERTIFICATE-----\n"
        )
    except ValueError:
        return b""


def _trusted(address: str) -> bool:
    try:
        here = ip_address(address)
        return any(here in network for network in addresses.networks(settings.APIM.trusted_proxies))
    except ValueError:
        return False
