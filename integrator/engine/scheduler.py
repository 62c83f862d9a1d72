"""Drives tasks and message processors of a stand-alone integrator; in the platform Celery does it instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from integrator.engine.deployment import Deployment
from integrator.engine.metrics import RUNS
from integrator.engine.processors import Processor, process_once
from integrator.engine.stores.base import StoreError
from integrator.engine.switches import task_is_active
from integrator.engine.tasks import Task, run_task

log = logging.getLogger("integrator.scheduler")

STORE_WAIT_S = 5.0
STOP_AGAIN_S = 0.5
GRACE_S = 5.0
"""How long a run may go on when the engine stops."""


class Scheduler:
    """One loop for each task and processor; loops follow the deployment."""

    def __init__(self, current: Callable[[], Deployment]):
        self.current = current
        self._loops: dict[tuple[str, str], tuple[Task | Processor, asyncio.Task[None]]] = {}
        self._busy: set[asyncio.Task[None]] = set()

    def follow(self, deployment: Deployment) -> None:
        """Start and stop loops so that they fit the deployment; an unchanged record keeps its loop."""
        wanted: dict[tuple[str, str], Task | Processor] = {
            ("task", name): task for name, task in deployment.tasks.items()
        }
        wanted |= {("processor", name): processor for name, processor in deployment.processors.items()}
        for key in [key for key, (record, _) in self._loops.items() if wanted.get(key) is not record]:
            self._end(self._loops.pop(key)[1])
        for key, record in wanted.items():
            if key not in self._loops:
                work = self._task(record) if isinstance(record, Task) else self._processor(record)
                self._loops[key] = (record, asyncio.get_running_loop().create_task(work))

    def _end(self, loop: asyncio.Task[None]) -> None:
        """Cancel a loop that waits; one that works ends after its run."""
        if loop not in self._busy:
            loop.cancel()

    async def stop(self) -> None:
        """Stop all loops; what runs now gets GRACE_S to end."""
        loops = {loop for _, loop in self._loops.values()}
        self._loops.clear()
        for loop in loops:
            self._end(loop)
        if self._busy:
            await asyncio.wait(set(self._busy), timeout=GRACE_S)
        while loops:
            # Asked again and again: before Python 3.12 asyncio.wait_for, in the Redis client, can lose a cancellation.
            for loop in loops:
                loop.cancel()
            _, loops = await asyncio.wait(loops, timeout=STOP_AGAIN_S)

    def _runs(self, kind: str, record: Task | Processor) -> bool:
        """Whether `record` is still the one to be driven; a loop that missed its cancellation ends by this."""
        return self._loops.get((kind, record.name), (None,))[0] is record

    async def _task(self, task: Task) -> None:
        runs = 0
        while self._runs("task", task):
            wait = task.next_run(datetime.now().astimezone(), runs)
            if wait is None:
                return
            await asyncio.sleep(wait)
            if not self._runs("task", task):
                return
            runs += 1
            await self._guarded("task", task.name, self._run_task(task.name))

    async def _run_task(self, name: str) -> float:
        deployment = self.current()
        if await task_is_active(deployment.runtime.state, name):
            await run_task(deployment, name)
        return 0.0

    async def _processor(self, processor: Processor) -> None:
        while self._runs("processor", processor):
            await asyncio.sleep(await self._guarded("processor", processor.name, self._round(processor.name)))

    async def _round(self, name: str) -> float:
        outcome = await process_once(self.current(), name)
        if outcome.result not in ("idle", "inactive"):
            RUNS.labels("processor", name, outcome.result).inc()
        return outcome.next_s

    async def _guarded(self, kind: str, name: str, work: object) -> float:
        """The edge of a loop: an error is logged and the loop goes on."""
        loop = asyncio.current_task()
        assert loop is not None
        self._busy.add(loop)
        try:
            return float(await work)  # type: ignore[misc]
        except LookupError:
            return STORE_WAIT_S
        except StoreError as error:
            log.error("%s %s: %s", kind, name, error)
        except Exception:
            log.exception("%s %s failed", kind, name)
        finally:
            self._busy.discard(loop)
        RUNS.labels(kind, name, "error").inc()
        return STORE_WAIT_S
