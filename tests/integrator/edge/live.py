"""An integrator on a thread of its own, so that Django's tests can ask a real management API."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integrator.management.world import Session, managed

START_S = 30.0


class Live:
    """A running integrator with the home of `tests.integrator.management.world`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.session: Session | None = None
        self.failure: BaseException | None = None
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        """Address of the management API."""
        assert self.session is not None
        return f"https://localhost:{self.session.running.settings.management_port}"

    @property
    def certificate(self) -> str:
        """What a client has to trust."""
        assert self.session is not None
        return (self.session.running.settings.secrets / "tls.crt").read_text()

    def start(self) -> None:
        """Start. Fails when it is not ready in time."""
        self._thread.start()
        assert self._ready.wait(START_S) and self.session is not None, self.failure

    def do(self, work: Callable[[Session], Any]) -> Any:
        """Run a coroutine on its loop."""
        assert self.session is not None
        return asyncio.run_coroutine_threadsafe(work(self.session), self.loop).result(15)

    def call(self, path: str) -> Any:
        """One request to the http port."""
        return self.do(lambda session: session.running.call("GET", path))

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
            self.failure = error
        finally:
            self._ready.set()
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    async def _serve(self) -> None:
        async with managed(self.folder) as session:
            self.session = session
            self._ready.set()
            await self._over.wait()


@contextmanager
def live(folder: Path) -> Iterator[Live]:
    """A running integrator."""
    made = Live(folder)
    made.start()
    try:
        yield made
    finally:
        made.stop()
