"""Something asynchronous on a thread and an event loop of its own, so that Django's tests and a browser can use it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

T = TypeVar("T")
START_S = 30.0
PATIENCE_S = 20.0


class OnAThread(Generic[T]):
    """Enters what `make` gives on the thread, holds it until it is stopped."""

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self.loop = asyncio.new_event_loop()
        self._make = make
        self._made: T | None = None
        self._failure: BaseException | None = None
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def here(self) -> T:
        """What runs; it has to be started."""
        assert self._made is not None, self._failure
        return self._made

    def do(self, work: Callable[[T], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine on its loop."""
        return asyncio.run_coroutine_threadsafe(work(self.here), self.loop).result(PATIENCE_S)

    def start(self) -> None:
        """Start. Fails when it is not ready in time."""
        self._thread.start()
        assert self._ready.wait(START_S), "it does not start"
        assert self._made is not None, self._failure

    def stop(self) -> None:
        """Stop; may be called twice."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._over.set)
            self._thread.join(15)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            self._failure = error
        finally:
            self._ready.set()
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    async def _serve(self) -> None:
        async with self._make() as made:
            self._made = made
            self._ready.set()
            await self._over.wait()
