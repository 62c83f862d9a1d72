"""Slows down guessing of passwords: failures are counted in Redis by name and address together, by address, and by name."""

from __future__ import annotations

import hashlib

import redis
import structlog
from django.core.cache import cache

log = structlog.get_logger(__name__)
WINDOW = 300
"""Seconds for which failures are remembered; the lock lasts as long."""
SIGN_UPS, SIGN_UP_WINDOW = 20, 3600
"""New accounts from one address, and the seconds in which they are counted."""
LIMITS = {"pair": 5, "address": 50, "name": 100}
"""Failures in a window before log-in is refused. A name alone has a high limit, so that nobody can lock others out cheaply."""


def _keys(username: str, address: str) -> dict[str, str]:
    parts = {"pair": f"{username.lower()}|{address}", "address": address, "name": username.lower()}
    return {kind: f"login:{kind}:{hashlib.sha256(text.encode()).hexdigest()[:32]}" for kind, text in parts.items()}


def locked(username: str, address: str) -> bool:
    """Whether log-in with this name from this address is refused for now. Without Redis nobody is locked out."""
    keys = _keys(username, address)
    try:
        counts = cache.get_many(keys.values())
    except redis.RedisError as error:
        log.warning("accounts.throttle_unavailable", reason=str(error))
        return False
    return any(counts.get(key, 0) >= LIMITS[kind] for kind, key in keys.items())


def note_failure(username: str, address: str) -> None:
    """Count a failed attempt."""
    try:
        for key in _keys(username, address).values():
            cache.add(key, 0, WINDOW)
            cache.incr(key)
    except (redis.RedisError, ValueError) as error:  # ValueError: the key expired between the two calls
        log.warning("accounts.failure_not_counted", reason=str(error))


def sign_up_allowed(address: str) -> bool:
    """Count a sign-up from `address`; False when there were too many. Without Redis all are allowed."""
    key = "signup:" + hashlib.sha256(address.encode()).hexdigest()[:32]
    try:
        cache.add(key, 0, SIGN_UP_WINDOW)
        return cache.incr(key) <= SIGN_UPS
    except (redis.RedisError, ValueError) as error:
        log.warning("accounts.throttle_unavailable", reason=str(error))
        return True


def forget(username: str, address: str) -> None:
    """A right password clears what this person mistyped; the address and the name alone stay counted."""
    try:
        cache.delete(_keys(username, address)["pair"])
    except redis.RedisError as error:
        log.warning("accounts.throttle_unavailable", reason=str(error))
