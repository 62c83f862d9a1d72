"""Calls that wait for a connection to their backend, served in order by links that get free and by new ones.

A burst of calls must not open a connection each: it takes longer to open them all than to use some of them several times, and a
process that is short of CPU time gets slower with every socket more. So up to AT_ONCE links are opened at need; beyond, more only
help when it is the backend we wait for, which shows in a thread that is idle, or in a call that waited too long.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from wire.errors import UpstreamError

if TYPE_CHECKING:
    from wire.upstream import Link, Origin

AT_ONCE = 64
"""Links of an origin that are opened as soon as a call finds none idle."""

CONNECTING = 32
"""Connections an origin is asked for at a time."""

LOOK_SECONDS = 0.005
"""How often it is looked whether more links would help."""

BUSY = 0.8
"""Share of CPU time above which this thread is what limits the calls, not the number of links."""

IDLE_LOOKS = 3
"""So many looks in a row must find the thread idle: a moment's pause of a fast backend means nothing."""

PATIENCE_SECONDS = 0.05
"""A call that waited for longer gets more links opened even when the thread is busy."""

T = TypeVar("T", contravariant=True)
L = TypeVar("L", bound="Link")


class Taker(Protocol[T]):
    """A call that waits for a link. One of the two is called, once."""

    since: float
    """Loop time of its asking."""

    def take(self, link: T) -> None:
        """Here is one. Whoever does not need it any more gives it back with `origin.keep(link)`."""

    def fail(self, error: UpstreamError) -> None:
        """There will be none."""


class Waiting(Generic[L]):
    """The queue of one origin. `calls` is empty whenever a link is idle, so that nobody overtakes."""

    def __init__(self, origin: Origin[Any]) -> None:
        self.origin = origin
        self.loop = origin.loop
        self.calls: deque[Taker[L]] = deque()
        self.allowed = AT_ONCE
        self._freed: deque[L] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None
        self._wall = self._cpu = 0.0
        self._idle_looks = 0

    def add(self, taker: Taker[L]) -> None:
        """Queues a call."""
        self.calls.append(taker)
        self._connect()
        if self._look is None:
            self._start_clock()

    def freed(self, link: L) -> None:
        """A link got free while calls wait: the first gets it, once the answer that freed it is through."""
        if not self._freed:
            self.loop.call_soon(self._serve)
        self._freed.append(link)

    def settle(self) -> None:
        """Now and then: with nobody waiting, the allowance falls back to what is in use."""
        if not self.calls:
            self.allowed = max(AT_ONCE, len(self.origin.links))

    def _serve(self) -> None:
        freed, self._freed = self._freed, deque()
        for link in freed:
            if link.closed or link.transport.is_closing():
                continue
            if self.calls:
                self.calls.popleft().take(link)
            else:
                self.origin.keep(link)

    def _connect(self) -> None:
        tasks = self._tasks
        while len(tasks) < min(CONNECTING, len(self.calls), self.allowed - len(self.origin.links)):
            task = self.loop.create_task(self._connect_one())
            tasks.add(task)
            task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._connect()

    async def _connect_one(self) -> None:
        """Fails the oldest waiting call when there is no connection; when that took long, all that waited as long."""
        origin = self.origin
        try:
            link = await origin.connect()
        except UpstreamError as error:
            latest = self.loop.time() - origin.connect_seconds if error.timeout else -1.0
            failed = [self.calls.popleft()] if self.calls else []
            while self.calls and self.calls[0].since <= latest:
                failed.append(self.calls.popleft())
            for taker in failed:
                taker.fail(error)
            return
        if self.calls:
            self.calls.popleft().take(link)
        else:
            origin.keep(link)

    def _start_clock(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.thread_time()
        self._look = self.loop.call_later(LOOK_SECONDS, self._grow)

    def _grow(self) -> None:
        self._look = None
        if not self.calls:
            return
        busy = (time.thread_time() - self._cpu) / (time.monotonic() - self._wall)
        links = len(self.origin.links)
        self._idle_looks = self._idle_looks + 1 if busy < BUSY else 0
        if self._idle_looks >= IDLE_LOOKS:
            self.allowed = max(self.allowed, links + max(links, CONNECTING))
        elif self.loop.time() - self.calls[0].since > PATIENCE_SECONDS:
            self.allowed = max(self.allowed, links + CONNECTING)
        self._connect()
        self._start_clock()
