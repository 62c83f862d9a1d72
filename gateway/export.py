"""Sends analytics events out in batches: to a Redis stream or to a log, the oldest dropped when that is slow or away."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

log = logging.getLogger("gateway.analytics")

STREAM = "apim:analytics"
STREAM_LENGTH = 400
"""Batches kept in the stream for a reader that is away."""

BATCH = 250
"""Events sent in one go."""

SECONDS = 0.2

Send = Callable[[list[bytes]], Awaitable[None]]


class Queue:
    """Events that wait to be sent, each as JSON. Bounded: the oldest is dropped for the newest, and counted."""

    def __init__(self, capacity: int) -> None:
        self.events: deque[bytes] = deque()
        self.capacity = capacity
        self.dropped = 0

    def add(self, event: bytes) -> None:
        """Takes one more."""
        events = self.events
        if len(events) >= self.capacity:
            events.popleft()
            self.dropped += 1
        events.append(event)


class Export:
    """The task that empties the queue. `send` raises RedisError or OSError when its batch has to be tried again."""

    def __init__(self, queue: Queue, send: Send) -> None:
        self.queue = queue
        self._send = send
        self._unsent: list[bytes] = []
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the task; what is queued goes out once more if it is taken."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._empty()
        except (RedisError, OSError):
            lost = len(self.queue.events) + len(self._unsent)
            log.warning("analytics events were lost at the stop", extra={"fields": {"events": lost}})

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self._empty()
            except (RedisError, OSError):
                continue

    async def _empty(self) -> None:
        events = self.queue.events
        while events or self._unsent:
            if not self._unsent:
                self._unsent = [events.popleft() for _ in range(min(BATCH, len(events)))]
            await self._send(self._unsent)
            self._unsent = []


def to_stream(client: redis.asyncio.Redis) -> Send:
    """Sends batches to the Redis stream `apim:analytics`: one entry a batch, its field `events` a JSON list."""

    async def send(events: list[bytes]) -> None:
        batch = b"[%b]" % b",".join(events)
        await client.xadd(STREAM, {"events": batch}, maxlen=STREAM_LENGTH, approximate=True)

    return send


async def to_log(events: list[bytes]) -> None:
    """Writes events to the log `gateway.analytics`, one line each, as the original's ELK reporter does."""
    for one in events:
        log.info("apimMetrics", extra={"fields": msgspec.json.decode(one)})
    await asyncio.sleep(0)
