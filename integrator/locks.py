"""A lock in Redis with a heartbeat: one worker runs a processor at a time, and a killed worker's lock goes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import redis
from django.conf import settings
from redis.exceptions import LockError
from redis.lock import Lock

LEASE = 15.0
"""Seconds a lock lives without a heartbeat: how long work waits after its worker was killed."""


@cache
def client(url: str) -> redis.Redis:
    """The process's connection pool to Redis."""
    return redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, health_check_interval=30)


def connection() -> redis.Redis:
    """Redis as configured."""
    return client(settings.APIM.redis)


class Held:
    """A lock that is held; `renew` says whether it still is."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    def renew(self) -> bool:
        """Begin a new lease. False when the lock was lost; redis errors pass, the lease runs on for a while."""
        try:
            return bool(self._lock.reacquire())
        except LockError:
            return False


@contextmanager
def held(name: str) -> Iterator[Held | None]:
    """Hold the lock `name` inside the block; None when somebody else does. Raises redis.RedisError."""
    lock = connection().lock(f"apim:integrator:lock:{name}", timeout=LEASE, thread_local=False)
    if not lock.acquire(blocking=False):
        yield None
        return
    try:
        yield Held(lock)
    finally:
        if lock.owned():
            lock.release()


def counted(name: str, limit: int) -> bool:
    """Whether one more run of `name` is within `limit`; counts it in the same step."""
    return int(connection().incr(f"apim:integrator:count:{name}")) <= limit


def forget_count(name: str) -> None:
    """Begin counting the runs of `name` anew."""
    connection().delete(f"apim:integrator:count:{name}")
