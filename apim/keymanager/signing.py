"""The platform's signing keys: made, loaded once per process, published, replaced."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import RSAKey

from apim.keymanager import vault
from apim.keymanager.hooks import last_uses
from apim.keymanager.models import OAuthClient, SigningKey

ALGORITHM = "RS256"
KEY_BITS = 2048
SPREADING = 10
"""Seconds that a new key is published before it signs, so that no gateway meets a token by a key it does not know."""

LONGEST_TEST_TOKEN = 86400
"""Seconds that a token for trying out may at most be valid."""


def sign(claims: dict[str, Any], *, typ: str) -> str:
    """A compact JWS of `claims` by the present key. `typ` is `at+jwt` for access tokens (RFC 9068)."""
    kid, sealed = _signer()
    return jwt.encode({"alg": ALGORITHM, "kid": kid, "typ": typ}, claims, _private(kid, sealed), algorithms=[ALGORITHM])


def published() -> QuerySet[SigningKey]:
    """Keys whose tokens may still be valid, newest first."""
    return SigningKey.objects.filter(Q(published_until=None) | Q(published_until__gt=timezone.now())).order_by(
        "-created"
    )


def public_key(kid: str) -> RSAKey | None:
    """The published key of that id, for verifying."""
    found = published().filter(kid=kid).values_list("kid", "private_pem").first()
    return _private(*found) if found else None


def jwks() -> dict[str, Any]:
    """The public keys as an RFC 7517 document."""
    rows = published().values_list("kid", "private_pem")
    return {
        "keys": [
            _private(kid, sealed).as_dict(private=False, kid=kid, use="sig", alg=ALGORITHM) for kid, sealed in rows
        ]
    }


def jwks_text() -> str:
    """The same document as compact text, stable for equal keys."""
    return json.dumps(jwks(), sort_keys=True, separators=(",", ":"))


def ensure_key() -> None:
    """Make the first key when there is none."""
    if not SigningKey.objects.filter(retired=None).exists():
        add_key(_first_pem())


def new_key() -> SigningKey:
    """Make another key, which signs once it has been published for SPREADING seconds."""
    return add_key(generate_pem())


def add_key(pem: str) -> SigningKey:
    """Store the private key `pem`, sealed; adding the same key twice changes nothing."""
    kid = RSAKey.import_key(pem).thumbprint()
    return SigningKey.objects.get_or_create(kid=kid, defaults={"private_pem": vault.seal(pem), "algorithm": ALGORITHM})[
        0
    ]


def last_token_of_today() -> datetime:
    """When the longest-lived token that could be signed now expires."""
    longest = OAuthClient.objects.aggregate(most=Max("token_lifetime"))["most"] or 0
    ends = timezone.now() + timedelta(seconds=max(longest, settings.APIM.token_lifetime, LONGEST_TEST_TOKEN) + 60)
    return max([ends, *last_uses()])


def _signer() -> tuple[str, str]:
    """The newest key that gateways have had time to hear of; the very first one at once."""
    columns = ("kid", "private_pem", "created")
    rows = list(published().values_list(*columns))
    if not rows:
        ensure_key()
        rows = list(published().values_list(*columns))
    known = timezone.now() - timedelta(seconds=SPREADING)
    kid, sealed, _ = next((row for row in rows if row[2] <= known), rows[-1])
    return kid, sealed


@lru_cache(maxsize=32)
def _private(kid: str, sealed: str) -> RSAKey:
    """The loaded key. Loading checks the numbers, which takes longer than signing with it."""
    return RSAKey.import_key(vault.unseal(sealed), {"kid": kid})


@cache
def _first_pem() -> str:
    """Kept, so that two seedings that race in one process agree on the first key."""
    return generate_pem()


def generate_pem() -> str:
    """A new private key, unencrypted PKCS #8."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
