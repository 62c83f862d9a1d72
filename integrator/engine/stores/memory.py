"""A store in this process: its messages are gone when the process ends."""

from __future__ import annotations

import uuid
from collections import deque

from integrator.engine.stores.base import Reserved, StoreError

LIMIT = 100_000


class MemoryStore:
    """Keeps messages in a deque of at most LIMIT."""

    durable = False

    def __init__(self, name: str):
        self.name = name
        self._items: deque[bytes] = deque()
        self._held: str | None = None

    async def put(self, data: bytes) -> None:
        """Append. Raises StoreError when full."""
        if len(self._items) >= LIMIT:
            raise StoreError(f"the store holds {LIMIT} messages already")
        self._items.append(data)

    async def reserve(self) -> Reserved | None:
        """Hold the oldest."""
        if not self._items or self._held is not None:
            return None
        self._held = uuid.uuid4().hex
        return Reserved(self._items[0], self._held)

    async def keep(self, reserved: Reserved) -> None:
        """Nothing to do: the hold ends with the process."""

    async def ack(self, reserved: Reserved) -> None:
        """Remove the held message."""
        if self._held == reserved.token:
            self._items.popleft()
            self._held = None

    async def release(self, reserved: Reserved) -> None:
        """Give up the hold."""
        if self._held == reserved.token:
            self._held = None

    async def size(self) -> int:
        """Messages waiting."""
        return len(self._items)
