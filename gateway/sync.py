"""Keeps one worker's state in step with the control plane: hints, polls, disk copy, reports, and patience in between."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import time
from collections.abc import Callable, Iterator

import redis.asyncio
from redis.exceptions import RedisError

from gateway import disk
from gateway.compile import Compiler
from gateway.hub import Hub, Unreachable
from gateway.schema import Batch, KeyUse, Status, Stranger
from gateway.settings import Settings
from gateway.state import Build, State
from gateway.withdrawn import Withdrawn

log = logging.getLogger("gateway.sync")

CHANNEL = "apim:hints"
LONGEST_BACKOFF = 2.0
FIRST_BACKOFF = 0.1
RECONNECT_SECONDS = 0.5
WRITE_PAUSE = 0.002
"""Seconds of serving between two pieces of the disk copy: it is never urgent."""

WRITE_DELAY = 0.2
"""Seconds that changes may gather before the disk copy is written."""

FIRST_ROUND = 1.0
"""Seconds a worker with a disk copy waits at its start for the first answer of the control plane: what was revoked since the copy
was written shall not pass."""

CLOCK_JUMP = 5.0
"""Seconds by which the clock may be set without a whole snapshot, which brings back what was dropped under a wrong clock."""

SLICE = 0.002
"""Seconds of building between two pauses in which calls are served."""


VERSION = "0.1.0"


class Sync:
    """One worker's follower. `install(build)` is called with every state that shall serve."""

    def __init__(self, settings: Settings, hub: Hub, compiler: Compiler, install: Callable[[Build], None]) -> None:
        self.settings = settings
        self.hub = hub
        self.compiler = compiler
        self.state = State()
        self.loaded = False
        self.reached = False
        self._install = install
        self._wake = asyncio.Event()
        self._report_due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._after = 0
        self._started = time.time()
        self._tried = asyncio.Event()
        self._building = asyncio.Lock()
        self.withdrawn = Withdrawn(settings.disk_copy.with_name(f"{settings.environment}.undeployed.json"))
        self._clock = time.time() - time.monotonic()
        self.strangers: Callable[[float], list[Stranger]] = lambda now: []
        self.key_uses: Callable[[], list[KeyUse]] = list

    async def start(self) -> None:
        """Loads the disk copy, looks for news once, and then follows in the background."""
        self.withdrawn.look()
        await self._load()
        self._tasks = [asyncio.create_task(one) for one in (self._follow(), self._listen(), self._report())]
        with contextlib.suppress(TimeoutError):
            if self.loaded:
                await asyncio.wait_for(self._tried.wait(), FIRST_ROUND)
                return
            async with asyncio.timeout(self.settings.poll_seconds):
                while not self.loaded:
                    await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Stops following; a disk copy that is due is written."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.hub.close()

    async def apply(self, batch: Batch) -> None:
        """Builds the next state aside, a slice at a time, and installs it."""
        build = await self._build(batch)
        self._after = 0 if build.wants_snapshot and not batch.snapshot else batch.sequence

    async def withdraw(self, key: str, gone: bool) -> None:
        """Takes an API off this gateway and all its workers, or brings it back, compiled anew. Raises OSError."""
        self.withdrawn.put(key, gone)
        await self._respect(frozenset([key]))
        with contextlib.suppress(RedisError, OSError):
            async with redis.asyncio.Redis.from_url(self.settings.redis, socket_timeout=1.0) as client:
                await client.publish(CHANNEL, str(self.state.sequence))

    async def _respect(self, again: frozenset[str] = frozenset()) -> None:
        """Follows the file of withdrawn APIs, which another worker may have changed."""
        moved = self.withdrawn.look() | again
        if moved and self.loaded:
            await self._build(None, moved)

    async def _build(self, batch: Batch | None, again: frozenset[str] = frozenset()) -> Build:
        """One build after the other; without a batch, of the records that are here."""
        async with self._building:
            if batch is None:
                batch = Batch(self.state.sequence, [], mark=self.state.mark)
            build = Build(self.state, batch, self.compiler, self.withdrawn.keys, again)
            with _without_collector(batch.snapshot):
                began = time.perf_counter()
                for _ in build.steps():
                    if time.perf_counter() - began > SLICE:
                        await asyncio.sleep(0)
                        began = time.perf_counter()
            known = self.state.refusals
            self.state = build.state
            self._install(build)
            self.loaded = True
        for place, refusal in build.state.refusals.items():
            if known.get(place) != refusal:
                log.error("record refused", extra={"fields": {"record": ":".join(place), "reason": refusal.reason}})
        return build

    async def _load(self) -> None:
        path = self.settings.disk_copy
        try:
            copy = disk.read(path)
        except (OSError, ValueError) as error:
            log.error("no disk copy", extra={"fields": {"reason": str(error)}})
            return
        if copy is not None:
            await self.apply(copy)
            log.info("serving from the disk copy", extra={"fields": {"sequence": copy.sequence}})

    async def _follow(self) -> None:
        backoff = FIRST_BACKOFF
        while True:
            self._wake.clear()
            self._watch_clock()
            try:
                await self._respect()
                await self._catch_up()
                backoff = FIRST_BACKOFF
                wait = self.settings.poll_seconds
            except Unreachable as error:
                if self.reached or backoff == FIRST_BACKOFF:
                    log.warning("control plane not reached", extra={"fields": {"reason": str(error)}})
                self.reached = False
                wait = backoff
                backoff = min(backoff * 2, LONGEST_BACKOFF)
            except Exception:  # the edge of this task: a surprise in one batch must not end following unseen
                if backoff == FIRST_BACKOFF:
                    log.exception("changes not taken in; what served goes on serving")
                wait = backoff
                backoff = min(backoff * 2, LONGEST_BACKOFF)
            self._tried.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    def _watch_clock(self) -> None:
        """Asks for a whole snapshot after the clock was set."""
        clock = time.time() - time.monotonic()
        if abs(clock - self._clock) > CLOCK_JUMP:
            log.warning("the clock was set", extra={"fields": {"seconds": round(clock - self._clock)}})
            self._clock, self._after = clock, 0

    async def _catch_up(self) -> None:
        more = True
        while more:
            batch = await self.hub.changes(self._after, self.state.mark)
            self.reached = True
            more = batch.more
            news = batch.snapshot or bool(batch.events)
            if news:
                await self.apply(batch)
                more = more or self._after == 0 != batch.sequence
                self._report_due.set()
                self._write_soon()
            else:
                self.state.sequence = self._after = batch.sequence
                self.state.mark = batch.mark
                self.loaded = True

    def _write_soon(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(WRITE_DELAY)
        state = self.state
        pieces = []
        for piece in disk.pieces(state):
            pieces.append(piece)
            # A thread would take the interpreter from the calls for longer than these moments.
            await asyncio.sleep(WRITE_PAUSE)
        try:
            await asyncio.to_thread(disk.write, self.settings.disk_copy, pieces)
        except OSError as error:
            log.error("disk copy not written", extra={"fields": {"reason": str(error)}})
        if self.state is not state:
            asyncio.get_running_loop().call_soon(self._write_soon)

    async def _listen(self) -> None:
        """Hints from Redis. A lost connection costs nothing but the poll's wait."""
        while True:
            client = redis.asyncio.Redis.from_url(
                self.settings.redis, socket_connect_timeout=2.0, socket_timeout=None, socket_keepalive=True
            )
            try:
                async with client, client.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    self._wake.set()
                    async for message in channel.listen():
                        if message["type"] == "message":
                            self._wake.set()
            except (RedisError, OSError) as error:
                log.debug("no hints", extra={"fields": {"reason": str(error)}})
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _report(self) -> None:
        while True:
            self._report_due.clear()
            if self.reached:
                try:
                    await self.hub.report(self.status())
                except Unreachable as error:
                    log.debug("status not reported", extra={"fields": {"reason": str(error)}})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._report_due.wait(), self.settings.status_seconds)

    def status(self) -> Status:
        """What this worker serves."""
        state = self.state
        name = self.settings.shown_name
        return Status(
            gateway=f"{name}:{self.settings.tls_port}:{os.getpid()}",
            environment=self.settings.environment,
            host=name,
            pid=os.getpid(),
            sequence=state.sequence,
            apis=len(state.apis),
            subscriptions=len(state.records["subscription"]),
            started=self._started,
            version=VERSION,
            refusals=list(state.refusals.values())[:100],
            strangers=self.strangers(time.time()),
            key_uses=self.key_uses(),
        )


@contextlib.contextmanager
def _without_collector(snapshot: bool) -> Iterator[None]:
    """Building makes a great many lasting objects: looking for cycles among them would hold up the calls for tens of
    milliseconds, and after a snapshot costs three times the build itself, then and in every later full collection. So nobody
    looks meanwhile, and those of a snapshot are set aside for good."""
    gc.disable()
    try:
        yield
    finally:
        if snapshot:
            gc.freeze()
        gc.enable()
