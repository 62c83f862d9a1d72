"""Sends analytics events to a Redis stream, in batches, dropping the oldest when Redis is slow or away."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

STREAM = "apim:analytics"
STREAM_LENGTH = 100_000
BATCH = 500
SECONDS = 1.0


class Export:
    """The task that empties `events` into the stream."""

    def __init__(self, events: deque[dict[str, Any]], url: str) -> None:
        self.events = events
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the task; what is queued goes out once more if Redis takes it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._send()
        except (RedisError, OSError):
            self.events.clear()
        await self._redis.aclose()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self._send()
            except (RedisError, OSError):
                continue

    async def _send(self) -> None:
        while self.events:
            batch = [self.events.popleft() for _ in range(min(BATCH, len(self.events)))]
            pipeline = self._redis.pipeline(transaction=False)
            for event in batch:
                pipeline.xadd(STREAM, {"event": msgspec.json.encode(event)}, maxlen=STREAM_LENGTH, approximate=True)
            await pipeline.execute()
