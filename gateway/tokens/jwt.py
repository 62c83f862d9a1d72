"""Signed tokens taken apart and checked. What is not certain is refused; nothing here trusts a token's own word on how."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc.errors import JoseError

if TYPE_CHECKING:
    from gateway.tokens.verifier import Verifier

TOKEN_LIMIT = 8192
"""Longest token looked at, in bytes."""

LAST_MOMENT = 2**53
"""Unix seconds that no claim may reach: larger whole numbers do not fit a float, and infinity is no time."""

_object = msgspec.json.Decoder(dict[str, Any])


class Rejected(Exception):
    """A credential that is not accepted; the text says why, for our log only."""


class UnknownKey(Rejected):
    """A token of a known issuer names a key that the issuer is not known to have."""


class Token:
    """A JWT taken apart, before any check. Raises Rejected when it is none."""

    __slots__ = ("claims", "header", "signature", "signed")

    def __init__(self, raw: bytes) -> None:
        parts = raw.split(b".")
        if len(raw) > TOKEN_LIMIT or len(parts) != 3:
            raise Rejected("not a signed JWT")
        try:
            self.header = _object.decode(_decoded(parts[0]))
            self.claims = _object.decode(_decoded(parts[1]))
            self.signature = _decoded(parts[2])
        except (ValueError, RecursionError) as error:
            raise Rejected("not a signed JWT") from error
        self.signed = raw[: raw.rfind(b".")]

    @property
    def type(self) -> str:
        """Its `typ` header in lower case; a token without one is a plain `jwt`."""
        return str(self.header.get("typ", "JWT")).lower()


def check_signature(token: Token, issuer: Verifier) -> None:
    """Raises Rejected unless `issuer` signed the token with an algorithm that is accepted from it; UnknownKey before that."""
    name = token.header.get("alg")
    algorithm = issuer.algorithms.get(name) if isinstance(name, str) else None
    if algorithm is None:
        raise Rejected(f"algorithm {name!r} is not accepted by {issuer.key_manager}")
    if "crit" in token.header or token.header.get("b64") is False:
        raise Rejected("the header asks for extensions that are not known here")
    key = issuer.key(token.header.get("kid"))
    try:
        algorithm.check_key(key)
        genuine = algorithm.verify(token.signed, token.signature, key)
    except (JoseError, ValueError, TypeError) as error:
        raise Rejected(f"signature: {error}") from error
    if not genuine:
        raise Rejected("signature is wrong")


def expiry(claims: dict[str, Any], leeway: float, now: float) -> float:
    """When a token ends, with leeway. Raises Rejected when that has passed, or it is not valid yet."""
    expires = seconds(claims, "exp") + leeway
    if expires <= now:
        raise Rejected("expired")
    if "nbf" in claims and seconds(claims, "nbf") - leeway > now:
        raise Rejected("not valid yet")
    return expires


def seconds(claims: dict[str, Any], name: str) -> float:
    """A time claim in Unix seconds. Raises Rejected when it is missing or no time."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LAST_MOMENT:
        raise Rejected(f"claim {name} is missing or not a time")
    return float(value)


def words(value: object) -> frozenset[str]:
    """A claim that is a list, or words divided by blanks."""
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def bound_to(claims: dict[str, Any]) -> str:
    """Thumbprint of the certificate a token is bound to (RFC 8705), as lower-case hex; empty when it is bound to none.

    Raises Rejected for a confirmation that cannot be checked here (RFC 7800: it must not be ignored).
    """
    confirmation = claims.get("cnf")
    if confirmation is None:
        return ""
    value = confirmation.get("x5t#S256") if isinstance(confirmation, dict) else None
    try:
        digest = _decoded(value.encode()) if isinstance(value, str) else b""
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise Rejected("it is bound to a key in a way that is not known here")
    return digest.hex()


def _decoded(part: bytes) -> bytes:
    """Base64url without padding. Raises ValueError for anything else."""
    return binascii.a2b_base64(part.translate(_STANDARD) + b"=" * (-len(part) % 4), strict_mode=True)


_STANDARD = bytes.maketrans(b"-_+/", b"+/!!")
