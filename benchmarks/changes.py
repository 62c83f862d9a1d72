"""Policies that change under full load: no call fails, and the slowest calls are not much slower."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from benchmarks.hub import ORGANISATION
from benchmarks.load import Target, interleave
from benchmarks.results import Result, result
from benchmarks.stage import Stage, gateway_with
from gateway.schema import Limit, Policy

APIS = 1_000


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """p99 while a policy that 1,000 APIs use changes every second, beside p99 without changes."""
    with gateway_with(folder, APIS, APIS, GATEWAY_POLL_SECONDS="0.2") as stage:
        calm = Target("gateway.unchanged", stage.url, stage.process, stage.bearer)
        busy = Target("gateway.changing", stage.url, stage.process, stage.bearer)
        for _ in range(rounds):
            interleave([calm], (64,), 1, seconds, say)
            over = time.monotonic() + seconds + 1.5
            publisher = Thread(target=_change, args=(stage, over), daemon=True)
            publisher.start()
            interleave([busy], (64,), 1, seconds, say)
            publisher.join()
    return [
        result("scale.changes.p99", busy.p99(64), "ms", "unchanged", calm.p99(64)),
        result("scale.changes.rate", busy.rate(64), "requests/s", "unchanged", calm.rate(64)),
    ]


def _change(stage: Stage, over: float) -> None:
    number = 0
    while time.monotonic() < over:
        number += 1
        limit = Limit(amount=10**12 + number, seconds=60)
        stage.hub.publish("policy", f"{ORGANISATION}:api:plenty", Policy(ORGANISATION, "api", "plenty", limit))
        time.sleep(1)
