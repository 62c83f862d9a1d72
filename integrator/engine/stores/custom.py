"""A store that a Python class keeps: put(bytes), peek() and take() that give bytes or None (reference 5.9)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from integrator.engine.stores.base import Reserved, StoreError

if TYPE_CHECKING:
    from integrator.engine.runtime import Runtime

METHODS = ("put", "peek", "take")


class CustomStore:
    """Calls the object on worker threads. One consumer of a process holds the head."""

    def __init__(self, name: str, runtime: Runtime, kept: Any):
        self.name = name
        self.durable = bool(getattr(kept, "durable", False))
        self._runtime = runtime
        self._kept = kept
        self._held: str | None = None

    async def put(self, data: bytes) -> None:
        """Append."""
        await self._do("put", data)

    async def reserve(self) -> Reserved | None:
        """Hold what peek gives."""
        if self._held is not None:
            return None
        token = self._held = uuid.uuid4().hex
        data = None
        try:
            data = await self._do("peek")
        finally:
            if data is None:
                self._held = None
        return None if data is None else Reserved(bytes(data), token)

    async def keep(self, reserved: Reserved) -> None:
        """Nothing to do: the hold ends with the process."""

    async def ack(self, reserved: Reserved) -> None:
        """Take the held message away."""
        if self._held == reserved.token:
            await self._do("take")
            self._held = None

    async def release(self, reserved: Reserved) -> None:
        """Give up the hold."""
        if self._held == reserved.token:
            self._held = None

    async def size(self) -> int:
        """Messages waiting, -1 when the class has no size()."""
        return int(await self._do("size")) if callable(getattr(self._kept, "size", None)) else -1

    async def _do(self, name: str, *arguments: Any) -> Any:
        try:
            return await self._runtime.run(getattr(self._kept, name), *arguments)
        except Exception as error:
            raise StoreError(f"store {self.name!r}: {type(error).__name__}: {error}") from error
