"""honcho's manager, which restarts what dies instead of stopping everything, and knows when all are ready."""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Thread

from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Message, Printer

from apim.config import ROOT
from apim.up.children import Child, Group, describe
from apim.up.parts import Part
from apim.up.probe import wait_ready

GRACE = 20.0
"""Seconds that processes have for draining when everything stops."""
HOPELESS = 4
"""Deaths before it was ever ready after which a start is given up."""


class Supervisor(Manager):
    """Starts parts in order of need, restarts the dead with growing pauses, stops all in order.

    `on_ready` is called, in the supervisor's thread, each time a part is ready for the first time.
    """

    def __init__(self, printer: Printer, environment: dict[str, str], on_ready: Callable[[Supervisor], None]) -> None:
        super().__init__(printer)
        self.events: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.environment = environment
        self.on_ready = on_ready
        self.children: dict[str, Child] = {}
        self.returncode: int | None = None
        self._stop_by: float | None = None

    def add(self, parts: Iterable[Part]) -> None:
        """Put parts under supervision; each starts when what it needs is ready."""
        for part in parts:
            process = self.add_process(part.name, part.command, env=self.environment | part.environment, cwd=str(ROOT))
            process._child_ctor = Group
            self.children[part.name] = Child(part, process)

    def loop(self) -> int:
        """Run until a signal or a hopeless start; the exit code of `up`."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        while self._stop_by is None or self._alive():
            self._start_what_can()
            self._take()
            for child in self.children.values():
                child.reap()
            self._pursue_stop()
        self._drain()
        return self.returncode or 0

    def say(self, text: str) -> None:
        """One line of the supervisor itself."""
        self._printer.write(Message("line", text + "\n", datetime.now(), SYSTEM_PRINTER_NAME, None))  # noqa: DTZ005

    def stop(self, code: int = 0) -> None:
        """Begin to stop everything."""
        if self._stop_by is None:
            self.returncode = code
            self._stop_by = time.monotonic() + GRACE
            for child in self._alive():
                if not child.part.last:
                    child.end()

    def _on_signal(self, number: int, _frame: object) -> None:
        if self._stop_by is None:
            self.say(f"{signal.Signals(number).name}: stopping; once more kills")
            self.stop()
        else:
            self._stop_by = 0.0

    def _alive(self) -> list[Child]:
        return [child for child in self.children.values() if child.running]

    def _start_what_can(self) -> None:
        now = time.monotonic()
        for child in self.children.values() if self._stop_by is None else ():
            due = child.again_at is not None and child.again_at <= now
            if due and all(self.children[name].ready for name in child.part.after):
                child.launch(self.events, now)

    def _take(self) -> None:
        """One event of a process, or a short wait."""
        try:
            message = self.events.get(timeout=0.1)
        except queue.Empty:
            return
        if message.type == "line":
            self._printer.write(message)
        else:
            getattr(self, f"_take_{message.type}")(self.children[message.name], message.data)

    def _take_start(self, child: Child, data: dict[str, int]) -> None:
        child.pid = data["pid"]
        if self._stop_by is not None:
            child.end()
        elif not child.part.once:
            Thread(target=self._watch, args=(child, child.pid), daemon=True).start()

    def _watch(self, child: Child, pid: int) -> None:
        if wait_ready(child.part.probe, lambda: child.running and child.pid == pid):
            self.events.put(Message("ready", {"pid": pid}, datetime.now(), child.part.name, None))  # noqa: DTZ005

    def _take_ready(self, child: Child, data: dict[str, int]) -> None:
        if child.running and child.pid == data["pid"]:
            self._became_ready(child)

    def _became_ready(self, child: Child) -> None:
        first, child.ready, child.seen_ready = not child.seen_ready, True, True
        if first:
            self.on_ready(self)
        else:
            self.say(f"{child.part.name} is back")

    def _take_stop(self, child: Child, data: dict[str, int]) -> None:
        child.ended = data["returncode"]
        child.signal(signal.SIGKILL)  # whatever of its group is left
        if self._stop_by is not None:
            return
        if child.part.once and child.ended == 0:
            self._became_ready(child)
        elif child.part.once and child.part.optional:
            self.say(f"{child.part.name} {describe(child.ended)}, the reason is above; all else goes on")
            self._became_ready(child)
        else:
            self._lost(child, describe(child.ended))

    def _lost(self, child: Child, how: str) -> None:
        child.ready = False
        pause = child.died(time.monotonic())
        if child.part.once or (not child.seen_ready and child.deaths >= HOPELESS):
            self.say(f"{child.part.name} {how}; the platform cannot start, the reason is above")
            self.stop(1)
        else:
            self.say(f"{child.part.name} {how}; starting it again in {pause:g} s")

    def _pursue_stop(self) -> None:
        if self._stop_by is None:
            return
        alive = self._alive()
        if time.monotonic() > self._stop_by:
            for child in alive:
                child.signal(signal.SIGKILL)
        elif all(child.part.last for child in alive):
            for child in alive:
                child.end()

    def _drain(self) -> None:
        """Print what was said at the end."""
        while not self.events.empty():
            self._take()
        self.say("stopped")
