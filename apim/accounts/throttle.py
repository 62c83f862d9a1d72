"""Slows down guessing of passwords: failures are counted in Redis by name and address together, by address, and by name."""

from __future__ import annotations

import hashlib
import secrets

import redis
import structlog
from django.core.cache import cache

from apim.accounts.doors import Limits

log = structlog.get_logger(__name__)
USUAL = Limits()
WINDOW = USUAL.window
"""Seconds for which failures are remembered; the lock lasts as long. Organisations may choose others."""
LONGEST_WINDOW = 86_400
SIGN_UPS, SIGN_UP_WINDOW = 20, 3600
"""New accounts from one address, and the seconds in which they are counted."""
LIMITS = {"pair": USUAL.pair, "address": 50, "name": USUAL.name}
"""Failures in a window before log-in is refused. A name alone has a high limit, so that nobody can lock others out cheaply."""


def _keys(username: str, address: str) -> dict[str, str]:
    """Names of the counters. An unlocked name has new ones: the old ones are forgotten by themselves."""
    name = username.lower()
    unlocked = cache.get(_unlock_key(name))
    mark = f"|{unlocked}" if unlocked else ""
    parts = {"pair": f"{name}|{address}{mark}", "address": address, "name": f"{name}{mark}"}
    return {kind: f"login:{kind}:{_short(text)}" for kind, text in parts.items()}


def locked(username: str, address: str, limits: Limits = USUAL) -> bool:
    """Whether log-in with this name from this address is refused for now. Without Redis nobody is locked out."""
    most = {**LIMITS, "pair": limits.pair, "name": limits.name}
    try:
        keys = _keys(username, address)
        counts = cache.get_many(keys.values())
    except redis.RedisError as error:
        log.warning("accounts.throttle_unavailable", reason=str(error))
        return False
    return any(counts.get(key, 0) >= most[kind] for kind, key in keys.items())


def note_failure(username: str, address: str, limits: Limits = USUAL) -> None:
    """Count a failed attempt."""
    try:
        for kind, key in _keys(username, address).items():
            cache.add(key, 0, WINDOW if kind == "address" else limits.window)
            cache.incr(key)
    except (redis.RedisError, ValueError) as error:  # ValueError: the key expired between the two calls
        log.warning("accounts.failure_not_counted", reason=str(error))


def unlock(username: str) -> None:
    """Forget the failures of a name, wherever they came from. Those of addresses stay counted."""
    try:
        cache.set(_unlock_key(username.lower()), secrets.token_hex(4), LONGEST_WINDOW)
    except redis.RedisError as error:
        log.warning("accounts.throttle_unavailable", reason=str(error))


def _unlock_key(name: str) -> str:
    return f"login:unlocked:{_short(name)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
