"""Metadata documents and certificates of SAML 2.0 identity providers, as administrators enter them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apim.keymanager import saml
from apim.keymanager.assertions import BadAssertion
from apim.login.saml import METADATA

LONGEST = 512 * 1024
"""Bytes of a metadata document that are read."""
MOST_CERTIFICATES = 10
SMALLEST_KEY = 2048
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
NAMES = {"md": METADATA, "ds": "http://www.w3.org/2000/09/xmldsig#"}


@dataclass(frozen=True)
class Described:
    """What a metadata document says of its provider."""

    issuer: str
    sso_address: str
    certificates: str


def read(raw: bytes) -> Described:
    """The one identity provider of a metadata document. Raises ValueError saying what is wrong with it."""
    if len(raw) > LONGEST:
        raise ValueError(f"It is longer than {LONGEST // 1024} KiB.")
    try:
        root = saml.hardened(raw)
    except BadAssertion as error:
        raise ValueError(str(error)) from error
    entities = [
        one
        for one in root.iter(f"{{{METADATA}}}EntityDescriptor")
        if one.find("md:IDPSSODescriptor", NAMES) is not None
    ]
    if len(entities) != 1:
        raise ValueError(f"It describes {len(entities)} identity providers; it must be exactly one.")
    role = entities[0].find("md:IDPSSODescriptor", NAMES)
    services = [one for one in role.findall("md:SingleSignOnService", NAMES) if one.get("Binding") == REDIRECT]
    if not services:
        raise ValueError("It names no single sign-on service for the HTTP-Redirect binding.")
    return Described(entities[0].get("entityID", ""), services[0].get("Location", ""), "\n".join(_certificates(role)))


def _certificates(role: Any) -> list[str]:
    found = []
    for key in role.findall("md:KeyDescriptor", NAMES):
        if key.get("use") in (None, "signing"):
            found += [
                "".join(one.itertext()) for one in key.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)
            ]
    bodies = dict.fromkeys("".join(one.split()) for one in found)
    return [
        f"-----BEGIN CERTIFICATE-----\n{textwrap.fill(body, 64)}\n-----END CERTIFICATE-----" for body in bodies if body
    ]


def certificates_problem(text: str) -> str:
    """What is wrong with the certificates; empty when they will do."""
    found = saml.PEM.findall(text)
    if not 0 < len(found) <= MOST_CERTIFICATES:
        return f"One to {MOST_CERTIFICATES} certificates in PEM (-----BEGIN CERTIFICATE-----)."
    if "PRIVATE KEY" in text:
        return "Only certificates: it holds a private key."
    for number, one in enumerate(found, 1):
        try:
            key = x509.load_pem_x509_certificate(one.encode()).public_key()
        except ValueError:
            return f"Certificate {number} cannot be read."
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            return f"Certificate {number} has a key that is neither RSA nor EC."
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_KEY:
            return f"The RSA key of certificate {number} is shorter than {SMALLEST_KEY} bits."
    return ""
