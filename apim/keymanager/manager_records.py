"""Turns key managers into the records that gateways load; the one place that knows both forms."""

from __future__ import annotations

import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from joserfc.jwk import import_key

from apim.keymanager.models import KeyManager
from apim.keymanager.properties import introspection
from gateway import schema

OWN_ALGORITHMS = ("RS256", "ES256")
EXTERNAL_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures taken from key managers elsewhere; our own tokens have fewer."""

BEGIN_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def record(manager: KeyManager) -> schema.KeyManager:
    """The key manager as gateways see it. One whose tokens are only to be exchanged is switched off there."""
    user, password = introspection(manager)
    keys = manager.self_validate or manager.resident
    return schema.KeyManager(
        organisation=manager.organisation.domain,
        name=manager.name,
        issuer=manager.issuer,
        jwks=(jwks_of_certificate(manager.certificate_pem) or manager.jwks) if keys else "",
        client_claim=manager.client_claim,
        scope_claim=manager.scope_claim,
        algorithms=OWN_ALGORITHMS if manager.resident else EXTERNAL_ALGORITHMS,
        enabled=manager.enabled and manager.token_type != "EXCHANGED",  # noqa: S105 - a kind, not a secret
        jwks_url=manager.jwks_url if keys else "",
        introspection_url=manager.introspection_url,
        introspection_user=user,
        introspection_password=password,
        resident=manager.resident,
        claim_mapping=tuple((one["remoteClaim"], one["localClaim"]) for one in manager.claim_mapping),
        patterns=tuple(pattern(one) for one in manager.token_validation if one.get("enable", True)),
        audience=manager.alias if manager.token_type == "DIRECT" and not manager.resident else "",  # noqa: S105
    )


def pattern(one: dict[str, Any]) -> schema.TokenPattern:
    """A token pattern of the contract's form."""
    value = one.get("value")
    if one["type"] != "JWT":
        return schema.TokenPattern(one["type"], value=expression(value))
    parts = value if isinstance(value, dict) else {}
    return schema.TokenPattern("JWT", header=_pairs(parts.get("header")), body=_pairs(parts.get("body")))


def expression(value: Any) -> str:
    """The expression for a whole token: a text, or the one text in an object, as the contract would have every value."""
    if isinstance(value, dict):
        value = next((one for one in value.values() if isinstance(one, str)), "")
    return value if isinstance(value, str) else ""


def jwks_of_certificate(pem: str) -> str:
    """The key of a certificate, or a bare public key, as RFC 7517 JSON without a name; empty for none. Raises ValueError."""
    if not pem.strip():
        return ""
    data = pem.strip().encode()
    if BEGIN_CERTIFICATE in pem:
        public = x509.load_pem_x509_certificate(data).public_key()
    else:
        public = load_pem_public_key(data)  # type: ignore[assignment]  # the caller checks the kind
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kind = {"RSAPublicKey": "RSA", "EllipticCurvePublicKey": "EC", "Ed25519PublicKey": "OKP"}
    key = import_key(text, next((name for part, name in kind.items() if part in type(public).__name__), "RSA"))
    return json.dumps({"keys": [key.as_dict(private=False) | {"use": "sig"}]})


def _pairs(members: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(text)) for name, text in members.items()) if isinstance(members, dict) else ()
