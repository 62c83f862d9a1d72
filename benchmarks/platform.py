"""The whole platform, embedded: how long until all is ready, and how much memory each process takes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from apim.config import ROOT
from benchmarks.machine import end
from benchmarks.results import Result, result

OFFSET = 8100
LONGEST = 180.0
READY = re.compile(r"all processes are ready after ([\d.]+) s")
SETTLE = 5.0
"""Seconds after which memory is read: the first requests are over, pools are filled."""


def measure(folder: Path, rounds: int, _seconds: int, say: Callable[[str], None]) -> list[Result]:
    """First start (with migrations) once, then starts with data; memory of the last."""
    starts, memory = [], {}
    for _number in range(1 + max(1, rounds - 1)):
        with _platform(folder) as (process, seconds):
            starts.append(seconds)
            say(f"  ready after {seconds} s")
            time.sleep(SETTLE)
            memory = memory_by_part(process)
    made = [
        result("platform.first_start", starts[0], "s", "allowed", 10.0),
        result("platform.start", min(starts[1:]), "s", "allowed", 10.0),
        result("platform.memory", sum(memory.values()), "MB", "allowed", 700.0),
    ]
    return made + [result(f"platform.memory.{name}", size, "MB") for name, size in sorted(memory.items())]


@contextmanager
def _platform(folder: Path) -> Iterator[tuple[psutil.Process, float]]:
    words = [sys.executable, "manage.py", "up", "--no-sample", "--port-offset", str(OFFSET), "--var", str(folder)]
    process = psutil.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process, _ready(process)
    finally:
        end(process, 40)


def _ready(process: psutil.Popen) -> float:
    deadline, said = time.monotonic() + LONGEST, []
    for line in process.stdout:
        said.append(line)
        found = READY.search(line)
        if found:
            return float(found[1])
        if time.monotonic() > deadline:
            break
    raise SystemExit("The platform was not ready:\n" + "".join(said[-30:]))


def memory_by_part(up: psutil.Process) -> dict[str, float]:
    """Proportional set size (shared pages counted once) of each part with its children, in MB."""
    sizes = {"up": _own(up)}
    for child in up.children():
        name = _name(child.cmdline())
        family = [child, *child.children(recursive=True)]
        sizes[name] = sizes.get(name, 0.0) + sum(_own(one) for one in family)
    return sizes


def _own(process: psutil.Process) -> float:
    return process.memory_full_info().pss / 1e6


def _name(words: list[str]) -> str:
    text = " ".join(words)
    known = {"redis-server": "redis", "apim.wsgi": "control", "gateway.app": "gateway", "integrator.app": "integrator"}
    known |= {" worker ": "worker", " beat ": "beat"}
    return next((name for mark, name in known.items() if mark in text), words[-1])
