"""Where the numbers were taken, and how processes are kept to one core each."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

PROXY_CORE = "0"
LOAD_CORE = "1"
"""The core of the load generator and the backend."""


def require(tool: str, package: str) -> str:
    """Path of a program. Raises SystemExit naming the package that has it."""
    path = shutil.which(tool)
    if path is None:
        raise SystemExit(f"The benchmarks need {tool}; on Debian: apt install {package}.")
    return path


def enough_cores() -> None:
    """Raises SystemExit on a machine where proxy and load would share a core."""
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("The benchmarks need two cores: one for the proxy, one for the load.")


@contextmanager
def running(
    command: Sequence[str | Path],
    core: str,
    log: Path,
    environment: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[psutil.Process]:
    """A server pinned to `core`, its output in `log`; ended with its children."""
    words = [require("taskset", "util-linux"), "-c", core, *map(str, command)]
    with log.open("wb") as output:
        process = psutil.Popen(
            words, stdout=output, stderr=subprocess.STDOUT, env=os.environ | (environment or {}), cwd=cwd
        )
    try:
        yield process
    finally:
        end(process)


def end(process: psutil.Process, grace: float = 20.0) -> None:
    """Stop a process and its children, gently first."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    _gone, alive = psutil.wait_procs(family, grace)
    for one in alive:
        one.kill()
    psutil.wait_procs(alive, 5)


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its children so far."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total


def facts() -> dict[str, str]:
    """What a reader needs to compare with another machine."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
