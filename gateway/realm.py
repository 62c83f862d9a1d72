"""Token verification for one organisation: its issuers, and the tokens verified already."""

from __future__ import annotations

import binascii
import json
import time
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key as JoseKey
from joserfc.jwk import KeySet

from gateway.principal import Principal
from gateway.schema import KeyManager

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signature algorithms a gateway can check without a shared secret. `none` and HMAC are never accepted."""

TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt"})
TOKEN_LIMIT = 8192
"""Longest token looked at, in bytes."""

LAST_MOMENT = 2**53
"""Unix seconds that no claim may reach: larger whole numbers do not fit a float, and infinity is no time."""


class Rejected(Exception):
    """A token that is not accepted; the text says why, for our log only."""


class Issuer:
    """A key manager with its keys parsed. Raises ValueError, naming what is wrong, for a record it cannot use."""

    def __init__(self, record: KeyManager) -> None:
        unknown = sorted(set(record.algorithms) - ASYMMETRIC)
        if unknown or not record.algorithms:
            raise ValueError(f"algorithms {unknown} are not among {sorted(ASYMMETRIC)}")
        self.record = record
        self.key_manager = f"{record.organisation}:{record.name}"
        self.registry = jws.JWSRegistry(algorithms=list(record.algorithms))
        try:
            self.keys = KeySet.import_key_set(json.loads(record.jwks))
        except (ValueError, KeyError, TypeError, JoseError) as error:
            raise ValueError(f"jwks is not a set of RFC 7517 keys: {error}") from error

    def key(self, header: dict[str, Any]) -> JoseKey:
        """The key a token names, or the only one. Raises Rejected for an unknown or ambiguous key."""
        wanted = header.get("kid")
        found = [key for key in self.keys.keys if wanted is None or key.kid == wanted]
        if len(found) != 1:
            raise Rejected(f"key {wanted!r} is not one of {self.key_manager}")
        return found[0]


class Realm:
    """The issuers of one organisation and its cache: raw authorization header → principal, oldest out first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.tokens: dict[bytes, Principal] = {}
        self.issuers: dict[str, tuple[Issuer, ...]] = {}
        self.revoked: dict[str, int] = {}
        self.steps: dict[str, Any] = {}
        """The steps of gateway.stages.authenticate that check for this realm, by the header they read."""

    def verify(self, raw: bytes, now: float) -> Principal:
        """The principal of an `Authorization` value, remembered until it expires. Raises Rejected."""
        scheme, _, token = raw.partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise Rejected("no bearer token")
        principal = self._check(token, now)
        if len(self.tokens) >= self.capacity:
            del self.tokens[next(iter(self.tokens))]
        self.tokens[raw] = principal
        return principal

    def forget(self, token_ids: set[str]) -> None:
        """Drops revoked tokens from the cache."""
        for raw in [raw for raw, known in self.tokens.items() if known.token_id in token_ids]:
            del self.tokens[raw]

    def _check(self, token: bytes, now: float) -> Principal:
        header, claims = _look_inside(token)
        if str(header.get("typ", "JWT")).lower() not in TOKEN_TYPES:
            raise Rejected(f"typ {header.get('typ')!r} is not an access token's")
        issuers = self.issuers.get(str(claims.get("iss", "")))
        if not issuers:
            raise Rejected(f"issuer {claims.get('iss')!r} is not accepted here")
        reason = "no issuer"
        for issuer in issuers:
            try:
                _check_signature(token, header, issuer)
            except Rejected as rejected:
                reason = str(rejected)
            else:
                return self._principal(issuer, claims, now)
        raise Rejected(reason)

    def _principal(self, issuer: Issuer, claims: dict[str, Any], now: float) -> Principal:
        record = issuer.record
        expires = _seconds(claims, "exp") + record.leeway_seconds
        if expires <= now:
            raise Rejected("expired")
        if "nbf" in claims and _seconds(claims, "nbf") - record.leeway_seconds > now:
            raise Rejected("not valid yet")
        token_id = str(claims.get("jti", ""))
        if token_id in self.revoked:
            raise Rejected("revoked")
        client_id = str(claims.get(record.client_claim, ""))
        if not client_id:
            raise Rejected(f"claim {record.client_claim} is missing")
        subject = str(claims.get("sub", ""))
        kind = claims.get("aut")
        return Principal(
            consumer=f"{issuer.key_manager}:{client_id}",
            client_id=client_id,
            key_manager=record.name,
            subject=subject,
            token_id=token_id,
            expires=expires,
            scopes=_words(claims.get(record.scope_claim)),
            audiences=_words(claims.get("aud")),
            is_application=kind == "APPLICATION" if kind is not None else subject in ("", client_id),
        )


def _look_inside(token: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims before any check, only to find the issuer. Raises Rejected when it is no JWT."""
    parts = token.split(b".")
    if len(token) > TOKEN_LIMIT or len(parts) != 3:
        raise Rejected("not a signed JWT")
    try:
        header, claims = (
            json.loads(binascii.a2b_base64(part + b"==", strict_mode=False)) for part in map(_standard, parts[:2])
        )
    except (ValueError, RecursionError) as error:
        raise Rejected("not a signed JWT") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Rejected("not a signed JWT")
    return header, claims


def _standard(part: bytes) -> bytes:
    return part.replace(b"-", b"+").replace(b"_", b"/")


def _check_signature(token: bytes, header: dict[str, Any], issuer: Issuer) -> None:
    if header.get("alg") not in issuer.record.algorithms:
        raise Rejected(f"algorithm {header.get('alg')!r} is not accepted by {issuer.key_manager}")
    try:
        jws.deserialize_compact(token, issuer.key(header), registry=issuer.registry)
    except (JoseError, ValueError, TypeError) as error:
        raise Rejected(f"signature: {error}") from error


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LAST_MOMENT:
        raise Rejected(f"claim {name} is missing or not a time")
    return float(value)


def _words(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def current() -> float:
    """Unix seconds; one place to ask, so that tests can say what time it is."""
    return time.time()
