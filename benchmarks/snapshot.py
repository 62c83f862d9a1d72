"""A snapshot of 10,000 APIs and 100,000 subscriptions: how long it takes, how much memory, and what it costs each call."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

from benchmarks.load import Target, interleave
from benchmarks.results import Result, result
from benchmarks.stage import Stage, gateway_with

APIS, SUBSCRIPTIONS = 10_000, 100_000
ALLOWED_SECONDS, ALLOWED_MB = 3.0, 300.0


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """CPU seconds until it serves beyond those of a small snapshot, memory of the worker, and the rate beside 10 APIs."""
    for name in ("few", "many"):
        (folder / name).mkdir()
    with gateway_with(folder / "few", 10, 100) as few:
        small = _cpu(few)
        with gateway_with(folder / "many", APIS, SUBSCRIPTIONS) as crowd:
            took = _cpu(crowd) - small
            memory = _memory(crowd)
            say(f"  {_served(crowd)} APIs loaded in {took:.2f} CPU seconds, {memory:.0f} MB a worker")
            targets = [
                Target("gateway.apis_10", few.url, few.process, few.bearer),
                Target("gateway.apis_10000", crowd.url, crowd.process, crowd.bearer),
            ]
            interleave(targets, (64,), rounds, seconds, say)
    ten, thousands = (target.rate(64) for target in targets)
    return [
        result("scale.snapshot.seconds", took, "s", "allowed", ALLOWED_SECONDS),
        result("scale.snapshot.memory", memory, "MB", "allowed", ALLOWED_MB),
        result("scale.cost_of_10000_apis", ten / thousands, "× of 10 APIs", "allowed", 1.1),
    ]


def _cpu(stage: Stage) -> float:
    times = stage.workers()[0].cpu_times()
    return float(times.user + times.system)


def _memory(stage: Stage) -> float:
    return float(stage.workers()[0].memory_full_info().uss) / 2**20


def _served(stage: Stage) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{stage.port}/readyz", timeout=5) as answer:
        return int(json.load(answer)["apis"])
