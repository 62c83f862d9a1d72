"""The processes of a sandbox: started when they are needed, kept while they are used, ended at their time."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
MOST = 64 * 1024 * 1024
"""Bytes that go into a run or come out of it."""
IDLE_S = 60.0
"""A process that had nothing to do for so long is ended."""


class ScriptError(Exception):
    """The script failed: its own words, in the first line; what the engine knows of the place in the others."""


class Ended(ScriptError):
    """The process was ended: out of time, or out of what a process may have."""


class Overloaded(ScriptError):
    """Too many runs are under way, or none of them ended within the time."""


@dataclass(frozen=True)
class Limits:
    """Of one run: bytes of memory and stack, seconds of processor time (the process is ended at twice of it), processes
    at once, runs that may be under way with the waiting ones, seconds that a run may take with its waiting.
    """

    memory: int
    stack: int
    seconds: float
    processes: int
    waiting: int
    wait_s: float


class Sandbox:
    """Runs steps (`set NAME`, `given`, `eval`, `call`, each with a text) in a fresh engine each time.

    `prelude` is a file whose value is a function: it gets what `given` carries, and gives a function that makes the result.
    """

    def __init__(self, limits: Limits, prelude: Path | None = None):
        self.limits = limits
        self.prelude = prelude
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._places = threading.BoundedSemaphore(self.limits.processes)
        self._threads: ThreadPoolExecutor | None = None
        self._timer: threading.Timer | None = None
        self._counting = threading.Lock()
        self._under_way = 0

    async def run(self, steps: list[tuple[str, str]]) -> str | None:
        """`evaluate` beside the event loop. Raises ScriptError; Overloaded also when too many wait."""
        if self._process != os.getpid():
            self._start()
        if self._under_way >= self.limits.waiting:
            raise Overloaded(f"{self.limits.waiting} scripts are under way already")
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.limits.processes, thread_name_prefix="sandbox")
        given_up = threading.Event()
        with self._counting:
            self._under_way += 1
        work = asyncio.wrap_future(self._threads.submit(self._counted, steps, given_up))
        try:
            done, _ = await asyncio.wait((work,), timeout=self.limits.wait_s)
            if not done:
                raise Overloaded(f"no outcome within {self.limits.wait_s:.0f} s")
            return work.result()
        finally:
            if not work.done():
                given_up.set()
                work.add_done_callback(_unheard)

    def _counted(self, steps: list[tuple[str, str]], given_up: threading.Event) -> str | None:
        """A run is under way until a thread is through with it, whether anybody still waits for it or not."""
        try:
            return None if given_up.is_set() else self.evaluate(steps)
        finally:
            with self._counting:
                self._under_way -= 1

    def evaluate(self, steps: list[tuple[str, str]]) -> str | None:
        """The text that the last step gave, None when it gave none. Blocks. Raises ScriptError."""
        if self._process != os.getpid():  # this process was forked after the first use
            self._start()
        request = packed(steps)
        with self._places:
            child = self._take()
            try:
                kind, text = child.ask(request, self.limits.wait_s)
            except BaseException:
                child.end()
                raise
            self._put_back(child, going=kind.isupper())
        if kind in b"Ee":
            raise ScriptError(text)
        return text if kind in b"Vv" else None

    def _take(self) -> Child:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return Child(self.limits, self.prelude)
            if child.process.poll() is None:
                return child
            child.end()

    def _put_back(self, child: Child, going: bool) -> None:
        if not going:
            child.end()
            return
        child.used = time.monotonic()
        with self._lock:
            self._idle.append(child)
            self._watch()

    def _watch(self) -> None:
        """Look after what nobody uses; called with the lock held. There is no timer while there is no process."""
        if self._timer is None and self._idle:
            self._timer = threading.Timer(IDLE_S / 2, self._end_idle)
            self._timer.daemon = True
            self._timer.start()

    def _end_idle(self) -> None:
        with self._lock:
            before = time.monotonic() - IDLE_S
            gone = [child for child in self._idle if child.used < before]
            self._idle = [child for child in self._idle if child.used >= before]
            self._timer = None
            self._watch()
        for child in gone:
            child.end()

    def close(self) -> None:
        """End the processes that nobody uses; a later run starts new ones."""
        with self._lock:
            gone, self._idle = self._idle, []
        for child in gone:
            child.end()


def _unheard(work: asyncio.Future[str | None]) -> None:
    """Take the outcome that nobody waits for, so that its error is not reported as forgotten."""
    if not work.cancelled():
        work.exception()


class Child:
    """One process of a sandbox."""

    def __init__(self, limits: Limits, prelude: Path | None):
        self.seconds = limits.seconds
        self.used = 0.0
        arguments = [str(value) for value in (_folder(), limits.memory, limits.stack, limits.seconds, prelude or "")]
        self.process = subprocess.Popen(  # noqa: S603  (our own file, run by our own interpreter)
            [sys.executable, "-I", "-S", str(CHILD), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.ready = select.poll()
        self.ready.register(self.output, select.POLLIN)

    def ask(self, request: bytes, wait_s: float) -> tuple[bytes, str]:
        """Send a request; kind and text of the answer. Raises Ended."""
        deadline = time.monotonic() + wait_s
        try:
            rest = memoryview(request)
            while rest:
                rest = rest[os.write(self.input, rest) :]
        except OSError:
            raise self.why() from None
        (size,) = struct.unpack("!I", self._read(4, deadline))
        if not 0 < size <= MOST:
            raise Ended(f"it gave more than {MOST} bytes")
        data = self._read(size, deadline)
        return data[:1], data[1:].decode("utf-8", "replace")

    def _read(self, size: int, deadline: float) -> bytes:
        parts = []
        while size:
            if not self.ready.poll(max(deadline - time.monotonic(), 0) * 1000):
                raise Ended("it took too long")
            part = os.read(self.output, size)
            if not part:
                raise self.why()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def why(self) -> Ended:
        """The reason why the process is gone."""
        code = self.process.wait()
        if code == -signal.SIGPROF:
            return Ended(f"stopped after {2 * self.seconds:g} s of processor time (a regular expression without end?)")
        return Ended(f"its process ended ({signal.Signals(-code).name if code < 0 else f'status {code}'})")

    def end(self) -> None:
        """Kill the process and take its remains away."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def packed(steps: list[tuple[str, str]]) -> bytes:
    """Steps as the child reads them. Raises ScriptError when they are too long."""
    parts = []
    for step in steps:
        for text in step:
            data = text.encode("utf-8", "surrogatepass")
            parts += [struct.pack("!I", len(data)), data]
    data = b"".join(parts)
    if len(data) > MOST:
        raise ScriptError(f"what it gets is longer than {MOST} bytes")
    return struct.pack("!I", len(data)) + data


def _folder() -> str:
    """Where QuickJS lies; it is not loaded here."""
    found = importlib.util.find_spec("_quickjs")
    if found is None or found.origin is None:
        raise ScriptError("the JavaScript engine is not installed")
    return str(Path(found.origin).parent)
