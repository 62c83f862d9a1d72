"""The façade: an engine opens a home, follows its files, and runs what is deployed there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from integrator.engine import synapse_handlers
from integrator.engine.databases import library
from integrator.engine.deploy.build import Builder, Stamp, scan
from integrator.engine.deploy.loaded import require_home
from integrator.engine.deployment import Deployment
from integrator.engine.metrics import ARTIFACTS, REFUSED
from integrator.engine.processors import Outcome, process_once
from integrator.engine.runtime import Runtime
from integrator.engine.scheduler import Scheduler
from integrator.engine.settings import Settings
from integrator.engine.tasks import run_task

log = logging.getLogger("integrator.deployment")

Observer = Callable[[Deployment], None]


class Engine:
    """Use inside an event loop: `await start()`, then `deployment`, `run_task`, `process_once`, and `await stop()`."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.runtime: Runtime | None = None
        self._files: dict[str, Stamp] = {}
        self._deployment: Deployment | None = None
        self._observers: list[Observer] = []
        self._watch: asyncio.Task[None] | None = None
        self._scheduler: Scheduler | None = None

    @property
    def deployment(self) -> Deployment:
        """The current snapshot. Raises RuntimeError before `start`."""
        if self._deployment is None:
            raise RuntimeError("the engine is not started")
        return self._deployment

    def on_change(self, callback: Observer) -> None:
        """Call with each new deployment, also with the present one when there is one."""
        self._observers.append(callback)
        if self._deployment is not None:
            callback(self._deployment)

    async def start(self, *, watch: bool = True) -> None:
        """Deploy what the home holds; with `watch`, follow its changes and drive tasks and processors."""
        self.runtime = Runtime(self.settings)
        self._builder = Builder(self.settings.home, self.runtime)
        self.on_change(self.runtime.tracing.follow)
        await self.refresh()
        if self.deployment.data_services or self.deployment.config.data_sources:
            self.runtime.spawn(self._warm_up())
        if not watch:
            return
        if self.settings.scheduler == "local":
            self._scheduler = Scheduler(lambda: self.deployment)
            self.on_change(self._scheduler.follow)
        self._watch = asyncio.create_task(self._follow())

    async def _warm_up(self) -> None:
        """Load what SQL needs beside the first requests, not during one."""
        assert self.runtime is not None
        await self.runtime.run(library)

    async def refresh(self) -> bool:
        """Look at the files; whether a new deployment was built and swapped in."""
        assert self.runtime is not None
        files = await self.runtime.run(scan, self.settings.home)
        if self._deployment is not None and files == self._files:
            return False
        if self._files and not files:
            await self.runtime.run(require_home, self.settings.home)
        started = time.perf_counter()
        built = await self.runtime.run(self._builder.build, files)
        before = set(self._deployment.artifacts) if self._deployment is not None else set()
        self._files = files
        self._deployment = built
        # Before anything is awaited: no message meets the new deployment with the listener of the last one.
        for observer in self._observers:
            observer(built)
        if self.runtime.client.routes is not built.config.routes:
            await self.runtime.client.change(built.config.routes)
        await self.runtime.run(synapse_handlers.told, before, set(built.artifacts))
        _report(built, time.perf_counter() - started)
        return True

    async def _follow(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self.settings.scan_s)
            if not self.deployment.config.hot_deployment:
                continue
            try:
                await self.refresh()
                told = ""
            except OSError as error:
                if told != str(error):
                    log.error("the home %s cannot be read: %s; what ran goes on", self.settings.home, error)
                told = str(error)
            except Exception:
                log.exception("the home %s could not be deployed; what ran goes on", self.settings.home)

    async def run_task(self, name: str) -> None:
        """Run a scheduled task once. Raises LookupError for an unknown one."""
        await run_task(self.deployment, name)

    async def process_once(self, name: str) -> Outcome:
        """Do one round of a message processor. Raises LookupError for an unknown one, StoreError."""
        return await process_once(self.deployment, name)

    async def stop(self) -> None:
        """Stop following, let running work end, close connections."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._scheduler is not None:
            await self._scheduler.stop()
        if self.runtime is not None:
            await self.runtime.close()


def _report(deployment: Deployment, seconds: float) -> None:
    counts: dict[str, int] = {}
    for kind, _ in deployment.artifacts:
        counts[kind] = counts.get(kind, 0) + 1
    counts["dataservices"] = len(deployment.data_services)
    ARTIFACTS.clear()
    for kind, count in counts.items():
        ARTIFACTS.labels(kind).set(count)
    REFUSED.set(len(deployment.errors))
    log.info(
        "deployed %s in %.0f ms",
        ", ".join(f"{count} {kind}" for kind, count in counts.items() if count),
        seconds * 1000,
    )
    for api in deployment.apis:
        log.debug("API %s at %s", api.full_name, api.root)


class Home:
    """A home opened outside the integrator process (a Celery worker): plain functions over one engine.

    Not for use inside an event loop. Files are looked at again before each call.
    """

    def __init__(self, settings: Settings):
        self._runner = asyncio.Runner()
        self._engine = Engine(settings)
        self._runner.run(self._engine.start(watch=False))

    @property
    def deployment(self) -> Deployment:
        """The current snapshot."""
        return self._engine.deployment

    def refresh(self) -> Deployment:
        """The snapshot of the files as they are now."""
        self._runner.run(self._engine.refresh())
        return self._engine.deployment

    def run_task(self, name: str) -> None:
        """Run a scheduled task once. Raises LookupError for an unknown one."""
        self.refresh()
        self._runner.run(self._engine.run_task(name))

    def process_once(self, name: str) -> Outcome:
        """Do one round of a message processor. Raises LookupError for an unknown one, StoreError."""
        self.refresh()
        return self._runner.run(self._engine.process_once(name))

    def close(self) -> None:
        """Close everything."""
        self._runner.run(self._engine.stop())
        self._runner.close()

    def __enter__(self) -> Home:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_home(settings: Settings | Path) -> Home:
    """Open a home for `run_task` and `process_once` from another process; a bare path uses default settings."""
    if isinstance(settings, Path):
        settings = Settings(home=settings, var=settings.parent, scheduler="none")
    return Home(settings)
