"""A store in Redis: a list per store, and a lease on its head that runs out when a consumer dies."""

from __future__ import annotations

import uuid
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from integrator.engine.stores.base import Reserved, StoreError

LEASE_MS = 15_000
"""A consumer that is killed blocks the head for at most this long; a living one prolongs its lease every third of it."""

RETRIES = 5
"""Tries after a lost connection, about a second together. A message put twice that way is delivered twice, never lost."""

_ACK = """
if redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('lpop', KEYS[1])
return redis.call('del', KEYS[2])
"""
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_KEEP = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"


class RedisStore:
    """Keys `{prefix}:store:{name}` and `...:lease`."""

    durable = True

    def __init__(self, name: str, client: Redis, prefix: str):
        self.name = name
        self._client: Any = client
        self._list = f"{prefix}:store:{name}"
        self._lease = f"{self._list}:lease"

    async def put(self, data: bytes) -> None:
        """Append; acknowledged by Redis when this returns."""
        await self._do(self._client.rpush(self._list, data))

    async def reserve(self) -> Reserved | None:
        """Hold the oldest message under a lease."""
        token = uuid.uuid4().hex
        if not await self._do(self._client.set(self._lease, token, nx=True, px=LEASE_MS)):
            return None
        data = await self._do(self._client.lindex(self._list, 0))
        if data is None:
            await self._do(self._client.eval(_RELEASE, 1, self._lease, token))
            return None
        return Reserved(data, token)

    async def keep(self, reserved: Reserved) -> None:
        """Prolong the lease."""
        await self._do(self._client.eval(_KEEP, 1, self._lease, reserved.token, LEASE_MS))

    async def ack(self, reserved: Reserved) -> None:
        """Remove the head if the lease is still ours."""
        await self._do(self._client.eval(_ACK, 2, self._list, self._lease, reserved.token))

    async def release(self, reserved: Reserved) -> None:
        """End the lease if it is still ours."""
        await self._do(self._client.eval(_RELEASE, 1, self._lease, reserved.token))

    async def size(self) -> int:
        """Messages waiting."""
        return int(await self._do(self._client.llen(self._list)))

    @staticmethod
    async def _do(command: Any) -> Any:
        try:
            return await command
        except (RedisError, OSError) as error:
            raise StoreError(f"Redis: {error}") from error


class RedisState:
    """State in one Redis hash."""

    def __init__(self, client: Redis, prefix: str):
        self._client: Any = client
        self._key = f"{prefix}:state"

    async def get(self, name: str) -> str | None:
        """Value, None when unset. Raises StoreError."""
        try:
            value = await self._client.hget(self._key, name)
        except (RedisError, OSError) as error:
            raise StoreError(f"Redis: {error}") from error
        return value.decode() if value is not None else None

    async def set(self, name: str, value: str | None) -> None:
        """Set, or remove with None. Raises StoreError."""
        try:
            await (self._client.hdel(self._key, name) if value is None else self._client.hset(self._key, name, value))
        except (RedisError, OSError) as error:
            raise StoreError(f"Redis: {error}") from error


class Shared:
    """One connection pool for the stores and the state of a home."""

    def __init__(self, url: str, prefix: str):
        # Pooled connections die with a restarted Redis; without a retry the next message would be refused for that.
        self._client: Any = Redis.from_url(url, retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES))
        self._prefix = prefix

    def store(self, name: str) -> RedisStore:
        """A store by name."""
        return RedisStore(name, self._client, self._prefix)

    def state(self) -> RedisState:
        """The state of the home."""
        return RedisState(self._client, self._prefix)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder has the lease of this name, now for so many seconds more. Raises StoreError."""
        key, milliseconds = f"{self._prefix}:lease:{name}", int(seconds * 1000)
        try:
            if await self._client.set(key, holder, nx=True, px=milliseconds):
                return True
            return bool(await self._client.eval(_KEEP, 1, key, holder, milliseconds))
        except (RedisError, OSError) as error:
            raise StoreError(f"Redis: {error}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
