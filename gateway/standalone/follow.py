"""What a standalone worker has in place of a control plane: reads the files, installs a state, and looks for changes."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from gateway.compile import Compiler
from gateway.schema import Refusal, Status
from gateway.settings import Settings
from gateway.standalone.loading import Loaded, load, signature
from gateway.standalone.source import Mistake
from gateway.state import Build, State
from gateway.sync import SLICE, VERSION

log = logging.getLogger("gateway.standalone")

LOOK_SECONDS = 1.0


class Follower:
    """Offers what pages and services ask of `gateway.sync.Sync`; `install(build)` is called with every state that shall serve."""

    def __init__(self, settings: Settings, path: Path, compiler: Compiler, install: Callable[[Build], None]) -> None:
        self.settings = settings
        self.path = path
        self.compiler = compiler
        self.state = State()
        self.loaded = False
        self.reached = False
        self.mistakes: list[Mistake] = []
        self._install = install
        self._task: asyncio.Task[None] | None = None
        self._seen: object = None
        self._files: set[Path] = set()
        self._started = time.time()

    async def start(self) -> None:
        """Loads the files once and then follows them."""
        await self._look()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stops following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def status(self) -> Status:
        """What this worker serves."""
        state, name = self.state, self.settings.shown_name
        refusals = [Refusal(state.sequence, "file", str(one.file), str(one)) for one in self.mistakes[:100]]
        return Status(
            f"{name}:{os.getpid()}", self.settings.environment, name, os.getpid(), state.sequence, len(state.apis),
            len(state.records["subscription"]), self._started, VERSION, refusals,
        )  # fmt: skip

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except Exception:  # the edge of this task: a surprise in one round must not end following unseen
                log.exception("files not taken in; what served goes on serving")

    async def _look(self) -> None:
        """Takes the files in when they changed since the last look; with mistakes in them all stays as it was."""
        seen = await asyncio.to_thread(signature, self.path, self._files)
        if seen == self._seen:
            return
        self._seen = seen
        loaded = await asyncio.to_thread(load, self.path, self.settings.environment)
        self._files = loaded.files
        build = await build_of(loaded, self.state, self.compiler) if not loaded.mistakes else None
        self.mistakes = loaded.mistakes
        for mistake in self.mistakes:
            log.error("mistake", extra={"fields": {"reason": str(mistake)}})
        if build is None or self.mistakes:
            return
        self.state = build.state
        self._install(build)
        self.loaded = True
        log.info("serving the files", extra={"fields": {"apis": len(self.state.apis), "load": self.state.sequence}})
        # Files may have come that were not known when the signature was made (keys beside the file).
        self._seen = await asyncio.to_thread(signature, self.path, self._files)


async def build_of(loaded: Loaded, before: State, compiler: Compiler) -> Build:
    """The next state; what cannot be compiled is added to the mistakes of `loaded`, with the place of its API."""
    build = Build(before, loaded.batch(before.sequence + 1), compiler)
    began = time.perf_counter()
    for _ in build.steps():
        if time.perf_counter() - began > SLICE:
            await asyncio.sleep(0)
            began = time.perf_counter()
    for (kind, key), refusal in build.state.refusals.items():
        file, line = loaded.places.get(key, (None, 0))
        loaded.mistakes.append(Mistake(file or Path(), line, f"{kind} {key}", refusal.reason))
    return build
