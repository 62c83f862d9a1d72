"""Who may use the management API: Basic credentials for a token, the token for everything else."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections import OrderedDict
from pathlib import Path

from integrator.certificates import write_secret
from integrator.engine.config import Config, User

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


def users(config: Config, folder: Path) -> tuple[User, ...]:
    """Users of deployment.toml; without any, admin with a password generated at first start (secrets/integrator_admin)."""
    if config.users:
        return config.users
    file = folder / "integrator_admin"
    if not file.exists():
        write_secret(file, secrets.token_urlsafe(18).encode())
    return (User("admin", file.read_text().strip(), True),)


def check_basic(header: str | None, known: tuple[User, ...]) -> str | None:
    """The user of a Basic Authorization header when name and password are right."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    found = None
    for user in known:
        same = hmac.compare_digest(user.name.encode(), name.encode())
        if hmac.compare_digest(user.password.encode(), password.encode()) and same and colon:
            found = user.name
    return found


def bearer(header: str | None) -> str:
    """The token of a Bearer Authorization header, empty when it is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
