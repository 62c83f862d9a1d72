"""Clients and pools that connectors keep between calls: made once for equal descriptions, bounded, closed with the engine."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

log = logging.getLogger("integrator")

MOST = 64
"""Connections kept; the one that was not used for longest makes room. Redeployed artifacts leave theirs behind."""

Close = Callable[[Any], Awaitable[None] | None]


class Connections:
    """Use inside the event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held: OrderedDict[Any, tuple[Any, Close | None]] = OrderedDict()
        self._making: WeakValueDictionary[Any, asyncio.Lock] = WeakValueDictionary()
        """A lock lives as long as somebody waits for it: also those who wait behind one that failed come one by one."""

    async def get(self, key: Any, make: Callable[[], Awaitable[Any]], close: Close | None = None) -> Any:
        """The object of a key, made when there is none. Two calls at once make one. Raises what `make` raises."""
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
            return held[0]
        async with self._making.setdefault(key, asyncio.Lock()):
            held = self._held.get(key)
            if held is None:
                held = self._held[key] = (await make(), close)
        while len(self._held) > self._most:
            await self._end(*self._held.popitem(last=False)[1])
        return held[0]

    async def drop(self, key: Any) -> None:
        """Forget and close one that does not work any more."""
        held = self._held.pop(key, None)
        if held is not None:
            await self._end(*held)

    async def close(self) -> None:
        """Close all."""
        while self._held:
            await self._end(*self._held.popitem()[1])

    @staticmethod
    async def _end(made: Any, close: Close | None) -> None:
        if close is None:
            return
        try:
            waiting = close(made)
            if waiting is not None:
                async with asyncio.timeout(5):
                    await waiting
        except Exception as error:  # noqa: BLE001  (a library's trouble at closing must not stop the others)
            log.warning("a connection could not be closed: %s", type(error).__name__)
