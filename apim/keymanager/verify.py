"""Checks our own access tokens where the control plane itself is the resource: REST APIs, introspection, revocation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from apim.keymanager import opaque
from apim.keymanager.certificates import presented
from apim.keymanager.errors import InvalidToken
from apim.keymanager.issue import API_KEY_TYPE, TYPE, issuer
from apim.keymanager.models import RevokedToken
from apim.keymanager.signing import ALGORITHMS, public_key

LONGEST = 16_384
"""Characters of a token that are looked at."""

LEEWAY = 5
"""Seconds that the clocks of two machines may differ."""


def verify(token: str) -> dict[str, Any]:
    """Claims of a valid access token of ours, signed or opaque. Raises InvalidToken for everything else, also when revoked."""
    claims = verify_signature(token)
    now = time.time()
    if claims["exp"] <= now - LEEWAY or claims.get("nbf", 0) > now + LEEWAY:
        raise InvalidToken
    if RevokedToken.objects.filter(jti=claims["jti"]).exists():
        raise InvalidToken
    return claims


def require_holder(claims: dict[str, Any], meta: Mapping[str, Any]) -> None:
    """Raises InvalidToken when the token is bound to a certificate and the caller did not come with it (RFC 8705)."""
    if "cnf" not in claims:
        return
    certificate = presented(meta)
    if certificate is None or not isinstance(claims["cnf"], dict):
        raise InvalidToken
    if claims["cnf"].get("x5t#S256") != certificate.thumbprint:
        raise InvalidToken


def verify_signature(token: str) -> dict[str, Any]:
    """Claims of an access token that we signed or keep, be it expired or revoked. Raises InvalidToken.

    The algorithm is ours, never the header's word: neither `none` nor an HMAC with the public key passes.
    """
    if token and "." not in token and len(token) <= LONGEST:
        return _kept(token)
    found = _signed(token)
    if str(found.header.get("typ", "")).lower() != TYPE or not _complete(found.claims):
        raise InvalidToken
    return found.claims


def verify_api_key(key: str) -> dict[str, Any]:
    """Claims of an API key that we signed, be it expired or revoked. Raises InvalidToken."""
    found = _signed(key)
    claims = found.claims
    whole = isinstance(claims.get("jti"), str) and isinstance(claims.get("exp"), int) and claims.get("iss") == issuer()
    if found.header.get("typ") != API_KEY_TYPE or not whole or not isinstance(claims.get("application"), dict):
        raise InvalidToken
    return claims


def verify_id_token(token: str) -> dict[str, Any]:
    """Claims of an id token that we signed, be it expired: a hint of who logs out. Raises InvalidToken."""
    found = _signed(token)
    claims = found.claims
    texts = all(isinstance(claims.get(name), str) for name in ("sub", "aud"))
    if found.header.get("typ") != "JWT" or not texts or claims.get("iss") != issuer():
        raise InvalidToken
    return claims


def _signed(text: str) -> Any:
    """A token that we signed, of whatever kind. Raises InvalidToken."""
    if len(text) > LONGEST:
        raise InvalidToken
    try:
        return jwt.decode(text, _key, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidToken from error


def _kept(token: str) -> dict[str, Any]:
    claims = opaque.claims_of(token)
    if claims is None:
        raise InvalidToken
    return claims


def _key(token: Any) -> Any:
    kid, algorithm = token.headers().get("kid"), token.headers().get("alg")
    key = public_key(kid, str(algorithm)) if isinstance(kid, str) and "\x00" not in kid else None
    if key is None:
        raise InvalidToken
    return key


def _complete(claims: dict[str, Any]) -> bool:
    texts = all(isinstance(claims.get(name), str) for name in ("jti", "client_id", "sub", "scope"))
    return texts and isinstance(claims.get("exp"), int) and claims.get("iss") == issuer()
