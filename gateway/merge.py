"""Joins the counters of all workers and hosts through Redis, off the path of calls; without Redis each worker counts alone.

Every `merge_seconds` a worker adds what it counted since to Redis and learns the totals. In between the workers do not
know of each other, so beyond a limit they let pass at most what the others admit in one such interval.
"""

from __future__ import annotations

import asyncio
import logging
import time

import redis.asyncio
from redis.exceptions import RedisError

from gateway.counters import Counter, Counters

log = logging.getLogger("gateway.merge")

RETRY_SECONDS = 1.0
KEEP_SECONDS = 10
"""How long a total outlives its window in Redis."""

SWEEP_SECONDS = 5.0


class Merge:
    """The task that joins `counters` with the other workers' through the Redis at `url`."""

    def __init__(self, counters: Counters, url: str, seconds: float) -> None:
        self.counters = counters
        self.seconds = seconds
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)
        self._task: asyncio.Task[None] | None = None
        self.joined = False

    def start(self) -> None:
        """Starts the task."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the task and the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._redis.aclose()

    async def _run(self) -> None:
        swept = time.time()
        while True:
            wait = self.seconds
            try:
                if await self._exchange() and not self.joined:
                    log.info("limits are shared through Redis")
                    self.joined = True
            except (RedisError, OSError) as error:
                if self.joined:
                    log.warning("limits are counted per worker", extra={"fields": {"reason": str(error)}})
                self.joined = False
                wait = RETRY_SECONDS
            now = time.time()
            if now - swept > SWEEP_SECONDS:
                swept = now
                self.counters.sweep(now)
            await asyncio.sleep(wait)

    async def _exchange(self) -> bool:
        """One round trip for all counters that moved; False when none did.

        Raises RedisError; what was not merged then waits for the next time.
        """
        dirty = self.counters.dirty
        if not dirty:
            return False
        self.counters.dirty = []
        now = time.time()
        sent: list[tuple[Counter, float, int]] = []
        pipeline = self._redis.pipeline(transaction=False)
        for counter in dirty:
            counter.clean = True
            if counter.ends > now:
                sent.append((counter, counter.ends, counter.used))
                name = f"apim:limit:{counter.key}:{int(counter.ends)}"
                pipeline.incrby(name, counter.used - counter.merged)
                pipeline.expireat(name, int(counter.ends) + KEEP_SECONDS)
        if not sent:
            return False
        try:
            totals = (await pipeline.execute())[::2]
        except (RedisError, OSError):
            for counter, _, _ in sent:
                if counter.clean:
                    counter.clean = False
                    self.counters.dirty.append(counter)
            raise
        for (counter, ends, used), total in zip(sent, totals, strict=True):
            if counter.ends == ends:
                counter.used = int(total) + counter.used - used
                counter.merged = int(total)
        return True
