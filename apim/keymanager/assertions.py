"""Signed assertions of others (RFC 7521, RFC 7523): checked by keys known beforehand, each accepted once."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from apim.keymanager.grant_models import SeenAssertion
from apim.keymanager.issue import API_KEY_TYPE, TEST_KEY_TYPE, TYPE

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures that need no shared secret. `none` and HMAC are never accepted, so no public key can pass for a secret."""

LONGEST = 16_384
LEEWAY = 30
"""Seconds that the clock of the other side may differ."""

LONGEST_LIFE = 3600
"""Seconds into the future that an assertion may be valid, as it is remembered that long."""


class BadAssertion(Exception):
    """An assertion that is not accepted; the text says why, and may be told to the client."""


def unverified(token: str) -> dict[str, Any]:
    """The claims as they stand there, to learn who claims to have signed. Raises BadAssertion."""
    try:
        if len(token) > LONGEST or token.count(".") != 2:
            raise BadAssertion("It is not a signed JWT.")
        # joserfc offers no reading without a key, on purpose; the claims are used to choose the key only.
        body = token.split(".")[1]
        claims = json.loads(_decoded(body))
    except ValueError as error:
        raise BadAssertion("It is not a signed JWT.") from error
    if not isinstance(claims, dict):
        raise BadAssertion("It is not a signed JWT.")
    return claims


def read(token: str, jwks: str, *, issuer: str, audiences: Iterable[str]) -> dict[str, Any]:
    """The claims of an assertion that `issuer` signed for one of `audiences`, by one of its keys. Raises BadAssertion."""
    if len(token) > LONGEST:
        raise BadAssertion("It is too long.")
    keys = _keys(jwks)
    try:
        found = jwt.decode(token, lambda made: _choose(keys, made.headers()), algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise BadAssertion("Its signature is not right.") from error
    # Tokens of our own kinds are for other places: a leaked access token must not say who a client is.
    if str(found.header.get("typ", "")).lower() in (TYPE, API_KEY_TYPE, TEST_KEY_TYPE, "logout+jwt"):
        raise BadAssertion("It is a token of another kind.")
    claims = found.claims
    if claims.get("iss") != issuer:
        raise BadAssertion("Its issuer is another one.")
    _check_times(claims)
    named = claims.get("aud")
    if not set(audiences) & set(named if isinstance(named, list) else [named]):
        raise BadAssertion("It is not made for this server.")
    return claims


def accept_once(scope: str, identifier: object, expires: float) -> None:
    """Remember the assertion `identifier` of `scope` (who made it) until `expires`. Raises BadAssertion when it was here."""
    if not isinstance(identifier, str) or not identifier or len(identifier) > LONGEST:
        raise BadAssertion("It has no id of its own.")
    mark = hashlib.sha256(f"{scope}\n{identifier}".encode(errors="replace")).hexdigest()
    until = datetime.fromtimestamp(expires + LEEWAY, UTC)
    try:
        with transaction.atomic():
            SeenAssertion.objects.create(checksum=mark, expires=until)
    except IntegrityError as error:
        raise BadAssertion("It was used before.") from error


def prune() -> int:
    """Forget assertions that would be refused as expired; how many they were."""
    return SeenAssertion.objects.filter(expires__lt=timezone.now()).delete()[0]


def keys_problem(text: str) -> str:
    """What is wrong with a document of public keys; empty when it will do."""
    try:
        keys = _keys(text)
    except BadAssertion as error:
        return str(error)
    return "must not hold private keys" if any(key.is_private for key in keys) else ""


@lru_cache(maxsize=256)
def _keys(text: str) -> list[Any]:
    try:
        keys = KeySet.import_key_set(json.loads(text)).keys
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadAssertion("is not a set of RFC 7517 keys") from error
    if not keys or any(key.key_type not in ("RSA", "EC") for key in keys):
        raise BadAssertion("needs at least one key, and only of the types RSA, EC")
    return list(keys)


def _choose(keys: list[Any], header: dict[str, Any]) -> Any:
    kid = header.get("kid")
    fitting = [key for key in keys if key.key_type == ("EC" if str(header.get("alg")).startswith("ES") else "RSA")]
    named = [key for key in fitting if kid is not None and key.kid == kid]
    if named or (kid is None and len(fitting) == 1):
        return (named or fitting)[0]
    raise ValueError("no key")


def _check_times(claims: dict[str, Any]) -> None:
    now = time.time()
    for name, required in (("exp", True), ("nbf", False), ("iat", False)):
        value = claims.get(name)
        if value is None and not required:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**53:
            raise BadAssertion(f"Its {name} is missing or not a time.")
    if claims["exp"] <= now - LEEWAY:
        raise BadAssertion("It has expired.")
    if claims["exp"] > now + LONGEST_LIFE + LEEWAY:
        raise BadAssertion(f"It is valid for more than {LONGEST_LIFE} seconds.")
    if max(claims.get("nbf") or 0, claims.get("iat") or 0) > now + LEEWAY:
        raise BadAssertion("It is not valid yet.")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
