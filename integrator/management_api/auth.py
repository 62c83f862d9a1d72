"""Tokens of the management API: given for Basic credentials, asked for by everything else.

A token has the form of a JWT (subject, scope, expiry): clients of the original read it. Only what is held here is valid.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from typing import NamedTuple

import msgspec

LIFETIME_S = 3600
MAX_TOKENS = 200
ADMIN_SCOPE, DEFAULT_SCOPE = "admin", "default"


class Holder(NamedTuple):
    """Whose token it is, whether an administrator's, and until when (monotonic seconds)."""

    user: str
    admin: bool
    until: float


class Tokens:
    """Tokens that were given out; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Holder] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def issue(self, user: str, admin: bool) -> str:
        """A new token, valid for LIFETIME_S."""
        now = int(time.time())
        claims = {
            "iss": "integrator",
            "sub": user,
            "scope": ADMIN_SCOPE if admin else DEFAULT_SCOPE,
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": secrets.token_urlsafe(24),
        }
        signed = b".".join(_part(one) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
        token = (signed + b"." + _base64(hmac.digest(self._key, signed, hashlib.sha256))).decode()
        self._held[token] = Holder(user, admin, time.monotonic() + LIFETIME_S)
        while len(self._held) > MAX_TOKENS:
            self._held.popitem(last=False)
        return token

    def holder(self, token: str) -> Holder | None:
        """Who holds a valid token."""
        held = self._held.get(token)
        if held is None:
            return None
        if held.until < time.monotonic():
            del self._held[token]
            return None
        return held

    def revoke(self, token: str) -> None:
        """Forget a token."""
        self._held.pop(token, None)

    def revoke_user(self, user: str, but: str = "") -> None:
        """Forget the tokens of a user, all `but` one."""
        for token in [token for token, held in self._held.items() if held.user == user and token != but]:
            del self._held[token]


def bearer(header: str | None) -> str:
    """The token of a Bearer Authorization header, empty when it is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _part(value: object) -> bytes:
    return _base64(msgspec.json.encode(value))


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
