"""Tokens of the management API: given for Basic credentials, asked for by everything else."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict

LIFETIME_S = 3600
MAX_TOKENS = 200


class Tokens:
    """Tokens that were given out; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def issue(self, user: str) -> str:
        """A new token, valid for LIFETIME_S."""
        token = secrets.token_urlsafe(32)
        self._held[token] = (user, time.monotonic() + LIFETIME_S)
        while len(self._held) > MAX_TOKENS:
            self._held.popitem(last=False)
        return token

    def user(self, token: str) -> str | None:
        """The user of a valid token."""
        held = self._held.get(token)
        if held is None:
            return None
        if held[1] < time.monotonic():
            del self._held[token]
            return None
        return held[0]

    def revoke(self, token: str) -> None:
        """Forget a token."""
        self._held.pop(token, None)


def bearer(header: str | None) -> str:
    """The token of a Bearer Authorization header, empty when it is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
