"""One supervised process: honcho's, but without a shell, ended with its whole group, and never left an orphan."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from threading import Thread
from typing import Any

from honcho.process import Popen, Process

from apim.up.parts import Part

SHORT_LIFE = 60.0
"""Seconds a process has to live for its earlier deaths to be forgotten."""
LONGEST_PAUSE = 30.0
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Group(Popen):
    """Started in a session of its own, so that the whole group can be signalled."""

    def __init__(self, cmd: tuple[str, ...], **options: Any) -> None:
        super().__init__(cmd, shell=False, preexec_fn=_die_with_parent, **options)


@dataclass
class Child:
    """The life of one part: what it is, what runs, and how often it has died lately."""

    part: Part
    process: Process
    pid: int = 0
    ready: bool = False
    seen_ready: bool = False
    asked_to_end: int = 0
    ended: int | None = None
    started: float = 0.0
    deaths: int = 0
    again_at: float | None = 0.0

    @property
    def running(self) -> bool:
        """Whether a process is there."""
        return self.started > 0 and self.ended is None

    def reap(self) -> None:
        """End what is left of the group when its leader is gone; otherwise the group's open pipe hides the death."""
        leader = self.process._child
        if self.running and leader is not None and leader.pid == self.pid and leader.poll() is not None:
            self.signal(signal.SIGKILL)

    def launch(self, events: Any, now: float) -> None:
        """Start it in a thread that reads its output. The thread lives as long as the process does."""
        self.pid, self.ready, self.ended, self.started, self.again_at = 0, False, None, now, None
        Thread(target=self.process.run, args=(events,), name=self.part.name, daemon=True).start()

    def signal(self, number: int) -> None:
        """Signal the process; with SIGKILL its whole group."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (os.killpg if number == signal.SIGKILL else os.kill)(self.pid, number)

    def end(self) -> None:
        """Ask it, once, to finish what it is doing and go."""
        if self.pid and self.asked_to_end != self.pid:
            self.asked_to_end = self.pid
            self.signal(signal.SIGTERM)

    def died(self, now: float) -> float:
        """Note a death that nobody asked for; the seconds until it is started again."""
        self.deaths = self.deaths + 1 if now - self.started < SHORT_LIFE else 1
        pause = min(LONGEST_PAUSE, 0.25 * 2 ** (self.deaths - 1))
        self.again_at = now + pause
        return pause


def describe(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
