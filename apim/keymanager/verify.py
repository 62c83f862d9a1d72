"""Checks our own access tokens where the control plane itself is the resource: REST APIs, introspection, revocation."""

from __future__ import annotations

import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from apim.keymanager.errors import InvalidToken
from apim.keymanager.issue import API_KEY_TYPE, TYPE, issuer
from apim.keymanager.models import RevokedToken
from apim.keymanager.signing import ALGORITHM, public_key

LONGEST = 16_384
"""Characters of a token that are looked at."""

LEEWAY = 5
"""Seconds that the clocks of two machines may differ."""


def verify(token: str) -> dict[str, Any]:
    """Claims of a valid access token of ours. Raises InvalidToken for everything else, also when revoked."""
    claims = verify_signature(token)
    now = time.time()
    if claims["exp"] <= now - LEEWAY or claims.get("nbf", 0) > now + LEEWAY:
        raise InvalidToken
    if RevokedToken.objects.filter(jti=claims["jti"]).exists():
        raise InvalidToken
    return claims


def verify_signature(token: str) -> dict[str, Any]:
    """Claims of an access token that we signed, be it expired or revoked. Raises InvalidToken.

    The algorithm is ours, never the header's word: neither `none` nor an HMAC with the public key passes.
    """
    if len(token) > LONGEST:
        raise InvalidToken
    try:
        found = jwt.decode(token, _key, algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidToken from error
    if str(found.header.get("typ", "")).lower() != TYPE or not _complete(found.claims):
        raise InvalidToken
    return found.claims


def verify_api_key(key: str) -> dict[str, Any]:
    """Claims of an API key that we signed, be it expired or revoked. Raises InvalidToken."""
    if len(key) > LONGEST:
        raise InvalidToken
    try:
        found = jwt.decode(key, _key, algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidToken from error
    claims = found.claims
    whole = isinstance(claims.get("jti"), str) and isinstance(claims.get("exp"), int) and claims.get("iss") == issuer()
    if found.header.get("typ") != API_KEY_TYPE or not whole or not isinstance(claims.get("application"), dict):
        raise InvalidToken
    return claims


def _key(token: Any) -> Any:
    kid = token.headers().get("kid")
    key = public_key(kid) if isinstance(kid, str) and "\x00" not in kid else None
    if key is None:
        raise InvalidToken
    return key


def _complete(claims: dict[str, Any]) -> bool:
    texts = all(isinstance(claims.get(name), str) for name in ("jti", "client_id", "sub", "scope"))
    return texts and isinstance(claims.get("exp"), int) and claims.get("iss") == issuer()
