"""The platform's signing keys: made, loaded once per process, published, replaced."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from apim.keymanager import vault
from apim.keymanager.hooks import last_uses
from apim.keymanager.models import OAuthClient, SigningKey

ALGORITHM = "RS256"
ALGORITHMS = ("RS256", "ES256")
"""How tokens may be signed; which it is the setting `APIM_TOKEN_ALGORITHM` says."""

KEY_BITS = 2048
SPREADING = 10
"""Seconds that a new key is published before it signs, so that no gateway meets a token by a key it does not know."""

LONGEST_TEST_TOKEN = 86400
"""Seconds that a token for trying out may at most be valid."""


def sign(claims: dict[str, Any], *, typ: str) -> str:
    """A compact JWS of `claims` by the present key. `typ` is `at+jwt` for access tokens (RFC 9068)."""
    kid, sealed, algorithm = _signer()
    header = {"alg": algorithm, "kid": kid, "typ": typ}
    return jwt.encode(header, claims, _private(kid, sealed, algorithm), algorithms=[algorithm])


def algorithm_now() -> str:
    """The algorithm that new keys are made for."""
    return str(settings.APIM.token_algorithm)


def published() -> QuerySet[SigningKey]:
    """Keys whose tokens may still be valid, newest first."""
    return SigningKey.objects.filter(Q(published_until=None) | Q(published_until__gt=timezone.now())).order_by(
        "-created"
    )


def public_key(kid: str, algorithm: str) -> RSAKey | ECKey | None:
    """The published key of that id, for verifying; None also when it signs by another algorithm."""
    found = published().filter(kid=kid, algorithm=algorithm).values_list("kid", "private_pem", "algorithm").first()
    return _private(*found) if found else None


def jwks() -> dict[str, Any]:
    """The public keys as an RFC 7517 document."""
    rows = published().values_list("kid", "private_pem", "algorithm")
    return {
        "keys": [
            _private(kid, sealed, algorithm).as_dict(private=False, kid=kid, use="sig", alg=algorithm)
            for kid, sealed, algorithm in rows
        ]
    }


def jwks_text() -> str:
    """The same document as compact text, stable for equal keys."""
    return json.dumps(jwks(), sort_keys=True, separators=(",", ":"))


def ensure_key() -> None:
    """Make the first key when there is none."""
    if not SigningKey.objects.filter(retired=None, algorithm=algorithm_now()).exists():
        add_key(_first_pem(algorithm_now()), algorithm_now())


def new_key() -> SigningKey:
    """Make another key, which signs once it has been published for SPREADING seconds."""
    return add_key(generate_pem(algorithm_now()), algorithm_now())


def add_key(pem: str, algorithm: str = ALGORITHM) -> SigningKey:
    """Store the private key `pem`, sealed; adding the same key twice changes nothing."""
    kid = _kind(algorithm).import_key(pem).thumbprint()
    columns = {"private_pem": vault.seal(pem), "algorithm": algorithm}
    return SigningKey.objects.get_or_create(kid=kid, defaults=columns)[0]


def last_token_of_today() -> datetime:
    """When the longest-lived token that could be signed now expires."""
    longest = OAuthClient.objects.aggregate(most=Max("token_lifetime"))["most"] or 0
    ends = timezone.now() + timedelta(seconds=max(longest, settings.APIM.token_lifetime, LONGEST_TEST_TOKEN) + 60)
    return max([ends, *last_uses()])


def _signer() -> tuple[str, str, str]:
    """The newest key of the present algorithm that gateways have had time to hear of; the very first one at once.

    After the algorithm was changed, the key of the one before signs on until they have heard.
    """
    rows = _signers()
    if not any(row[2] == algorithm_now() for row in rows):
        ensure_key()
        rows = _signers()
    ours = [row for row in rows if row[2] == algorithm_now()]
    known = timezone.now() - timedelta(seconds=SPREADING)
    heard_of = [row for rows_of in (ours, rows) for row in rows_of if row[3] <= known]
    kid, sealed, algorithm, _ = (heard_of or ours[-1:])[0]
    return kid, sealed, algorithm


def _signers() -> list[tuple[Any, ...]]:
    return list(published().values_list("kid", "private_pem", "algorithm", "created"))


@lru_cache(maxsize=32)
def _private(kid: str, sealed: str, algorithm: str) -> RSAKey | ECKey:
    """The loaded key. Loading checks the numbers, which takes longer than signing with it."""
    return _kind(algorithm).import_key(vault.unseal(sealed), {"kid": kid})


def _kind(algorithm: str) -> type[RSAKey] | type[ECKey]:
    return ECKey if algorithm.startswith("ES") else RSAKey


@cache
def _first_pem(algorithm: str) -> str:
    """Kept, so that two seedings that race in one process agree on the first key."""
    return generate_pem(algorithm)


def generate_pem(algorithm: str = ALGORITHM) -> str:
    """A new private key, unencrypted PKCS #8."""
    key: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm.startswith("ES")
        else rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    )
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
