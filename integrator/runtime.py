"""The engine inside a Celery worker: one per home and process, on an event loop in a thread of its own.

Celery's side is threads that wait; the engine's side is asyncio. This is the only place where the two meet.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

import structlog
from django.conf import settings

from integrator import glance, homes
from integrator.actions.status import Outcome
from integrator.engine import Engine
from integrator.engine.deployment import Deployment
from integrator.engine.processors import process_once as engine_process_once
from integrator.engine.stores.base import StoreError
from integrator.engine.switches import task_is_active
from integrator.engine.tasks import run_task as engine_run_task
from integrator.snapshot import Snapshot

T = TypeVar("T")
Renew = Callable[[], bool]
log = structlog.get_logger(__name__)
START_SECONDS = 60.0


class _Host:
    """The loop thread and the engines on it. A forked worker process makes its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engines: dict[str, Engine] = {}

    def engine(self, home: str) -> Engine:
        """The running engine of a home; started when first asked for."""
        with self._lock:
            loop = self._running_loop()
            if home not in self._engines:
                os.environ.setdefault("INTEGRATOR_URL", settings.APIM.integrator)
                engine = Engine(homes.settings_for(home))
                asyncio.run_coroutine_threadsafe(engine.start(), loop).result(START_SECONDS)
                self._engines[home] = engine
                log.info("integrator.engine_started", home=home)
            return self._engines[home]

    def wait(self, work: Coroutine[Any, Any, T], renew: Renew | None = None, every: float = 5.0) -> T:
        """Result of `work` on the loop. `renew` is called meanwhile; when it says False the work is cancelled.

        Raises LostLock then, else what the work raises.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        while True:
            try:
                return future.result(every)
            except NotYet:
                if future.done():
                    return future.result()
                if renew is not None and not renew():
                    future.cancel()
                    raise LostLock("the lock was lost while the work was under way") from None

    def stop(self) -> None:
        """Stop every engine; called when the worker leaves."""
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                return
            for engine in self._engines.values():
                asyncio.run_coroutine_threadsafe(engine.stop(), self._loop).result(10)
            self._engines.clear()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._pid != os.getpid():
            self._pid, self._engines = os.getpid(), {}
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="integrator-loop", daemon=True).start()
        return self._loop


class LostLock(Exception):
    """Somebody else may be doing this work now."""


host = _Host()


def run_task(home: str, name: str, renew: Renew, every: float) -> Outcome:
    """Run a scheduled task artifact once; what went wrong is in the outcome."""
    engine = host.engine(home)
    return _explained(lambda: host.wait(_run_unless_off(engine.deployment, name), renew, every))


async def _run_unless_off(deployment: Deployment, name: str) -> Outcome:
    if not await task_is_active(deployment.runtime.state, name):
        return Outcome(result="switched off, nothing was run")
    return glance.of_flow(await engine_run_task(deployment, name))


def process_once(home: str, name: str, renew: Renew, every: float) -> tuple[Outcome, str, float]:
    """One step of a message processor: outcome, the engine's word for it, and seconds until the next is due."""
    engine = host.engine(home)
    try:
        done = host.wait(engine_process_once(engine.deployment, name), renew, every)
    except (LookupError, StoreError, LostLock) as error:
        return Outcome(error=str(error)), "failed", 0.0
    return glance.of_step(done.result), done.result, done.next_s


def snapshot(home: str) -> Snapshot:
    """What the home has deployed and refused now."""
    engine = host.engine(home)
    return host.wait(glance.of_deployment(home, engine.deployment))


def _explained(work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except (LookupError, StoreError, LostLock) as error:
        return Outcome(error=str(error))
