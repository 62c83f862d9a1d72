"""Issuing tokens with a million issued before beside none: two scratch databases, measured in turn."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from apim.config import ROOT
from benchmarks.machine import free_port
from benchmarks.ours import embedded_redis
from benchmarks.results import Result, result

BEFORE = int(os.environ.get("ISSUED_BEFORE", "1000000"))
BATCH = 200
"""Requests of one kind in a round of one database."""

KINDS = ("client_credentials", "refresh_token", "opaque")
ALLOWED = 1.1


def measure(folder: Path, rounds: int, _seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Processor milliseconds (SQLite is in the process) for a token of each kind, with BEFORE issued; the peer is none."""
    times: dict[tuple[str, int], list[float]] = {(kind, issued): [] for kind in KINDS for issued in (0, BEFORE)}
    with ExitStack() as stack:
        redis = stack.enter_context(embedded_redis(folder, free_port()))
        workers = {issued: stack.enter_context(_worker(folder / str(issued), issued, redis)) for issued in (0, BEFORE)}
        for number in range(max(5, rounds)):
            for kind in KINDS:
                order = (0, BEFORE) if number % 2 else (BEFORE, 0)
                for issued in order:
                    times[kind, issued].append(workers[issued](kind))
    made = []
    for kind in KINDS:
        slow, quick = median(times[kind, BEFORE]), median(times[kind, 0])
        say(
            f"  {kind}: {slow:.2f} ms with {BEFORE} before, {quick:.2f} ms with none ({slow / quick:.3f}, allowed {ALLOWED})"
        )
        made.append(result(f"keymanager.issue.{kind}", slow, "ms", "none issued before", quick))
    return made


@contextmanager
def _worker(folder: Path, issued: int, redis: str) -> Iterator[Callable[[str], float]]:
    """A process with a database of its own: given a kind, it issues BATCH tokens and says how long one took."""
    folder.mkdir(parents=True)
    environment = os.environ | {
        "APIM_VAR": str(folder),
        "REDIS_URL": redis,
        "APIM_LOG_LEVEL": "ERROR",
        "DATABASE_URL": "",
    }
    words = [sys.executable, "-m", "benchmarks.issuing_worker", str(issued), str(BATCH)]
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout.readline().strip() != "ready":
            raise SystemExit("The issuing worker did not start.")

        def ask(kind: str) -> float:
            process.stdin.write(kind + "\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        yield ask
    finally:
        process.kill()
        process.wait()
