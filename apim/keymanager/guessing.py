"""Slows down guessing of secrets and codes: failures are counted in the cache, by what is guessed and from where."""

from __future__ import annotations

import hashlib

import redis
import structlog
from django.core.cache import cache

log = structlog.get_logger(__name__)

WINDOW = 300
"""Seconds for which failures are remembered."""

MOST = 20
"""Failures in a window after which nothing is looked at any more."""


def blocked(kind: str, name: str, address: str) -> bool:
    """Whether `name` was guessed wrong too often from `address`. Without Redis nobody is blocked."""
    try:
        return bool(cache.get(_key(kind, name, address), 0) >= MOST)
    except redis.RedisError as error:
        log.warning("keymanager.throttle_unavailable", reason=str(error))
        return False


def note_failure(kind: str, name: str, address: str) -> None:
    """Count a wrong guess."""
    key = _key(kind, name, address)
    try:
        cache.add(key, 0, WINDOW)
        cache.incr(key)
    except (redis.RedisError, ValueError) as error:  # ValueError: the key expired between the two calls
        log.warning("keymanager.failure_not_counted", reason=str(error))


def _key(kind: str, name: str, address: str) -> str:
    return f"guess:{kind}:" + hashlib.sha256(f"{name}|{address}".encode(errors="replace")).hexdigest()[:32]
