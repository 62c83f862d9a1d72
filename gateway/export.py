"""Sends batches of analytics events out, to a Redis stream or to a log, off the path of calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import redis.asyncio
from redis.exceptions import RedisError

from gateway.analytics import Events
from gateway.schema.analytics import expand

log = logging.getLogger("gateway.analytics")

STREAM = "apim:analytics"
STREAM_LENGTH = 1000
"""Batches kept in the stream for a reader that is away."""

SECONDS = 0.2

Send = Callable[[bytes], Awaitable[None]]


class Export:
    """The task that empties `events`. `send` raises RedisError or OSError when its batch has to be tried again."""

    def __init__(self, events: Events, send: Send) -> None:
        self.events = events
        self._send = send
        self._unsent: tuple[int, bytes] | None = None
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the task; what waits goes out once more if it is taken."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._empty()
        except (RedisError, OSError):
            log.warning("the last analytics events were lost")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self._empty()
            except (RedisError, OSError):
                continue

    async def _empty(self) -> None:
        self.events.seal()
        while self._unsent is not None or self.events.batches:
            if self._unsent is None:
                self._unsent = self.events.take()
            await self._send(self._unsent[1])
            self._unsent = None


def to_stream(client: redis.asyncio.Redis) -> Send:
    """Sends batches to the Redis stream `apim:analytics`, each as the field `batch` of an entry."""

    async def send(batch: bytes) -> None:
        await client.xadd(STREAM, {"batch": batch}, maxlen=STREAM_LENGTH, approximate=True)

    return send


async def to_log(batch: bytes) -> None:
    """Writes events to the log `gateway.analytics`, one line each, as the original's ELK reporter does."""
    for one in expand(batch):
        log.info("apimMetrics", extra={"fields": one})
    await asyncio.sleep(0)
