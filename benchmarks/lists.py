"""Lists of 5,000 APIs, applications and subscriptions over REST: milliseconds of a page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from apim.config import ROOT
from benchmarks.machine import free_port
from benchmarks.ours import embedded_redis
from benchmarks.results import Result, result

ROWS = int(os.environ.get("LIST_ROWS", "5000"))
ALLOWED = 150.0


def measure(folder: Path, rounds: int, _seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Median wall milliseconds of each list in a process of its own, with a scratch SQLite file."""
    with embedded_redis(folder, free_port()) as redis:
        environment = os.environ | {
            "APIM_VAR": str(folder), "REDIS_URL": redis, "APIM_LOG_LEVEL": "ERROR", "DATABASE_URL": "",
        }  # fmt: skip
        words = [sys.executable, "-m", "benchmarks.lists_worker", str(ROWS), str(max(5, rounds))]
        told = subprocess.run(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    made = []
    for name, milliseconds in json.loads(told.splitlines()[-1]).items():
        say(f"  {name}: {milliseconds:.0f} ms")
        made.append(result(f"lists.{name}", milliseconds, "ms", "allowed", ALLOWED))
    return made
