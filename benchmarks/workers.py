"""Two workers beside one, by CPU time: the load needs one of the two cores itself, so the clock would say nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.load import Target, interleave
from benchmarks.machine import cpu_seconds
from benchmarks.results import Result, result
from benchmarks.stage import gateway_with


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Requests per CPU second of two workers that share limits, doubled, beside those of one."""
    per_second = {}
    for count in (1, 2):
        place = folder / str(count)
        place.mkdir()
        with gateway_with(place, workers=count) as stage:
            target = Target(f"gateway.workers_{count}", stage.url, stage.process, stage.bearer)
            before = cpu_seconds(stage.process)
            interleave([target], (64,), rounds, seconds, say)
            used = cpu_seconds(stage.process) - before
            served = sum(sample.rate * seconds for sample in target.samples[64])
            per_second[count] = served / used
    return [
        result("scale.two_workers", 2 * per_second[2] / per_second[1], "× of one, by CPU time", "wanted", 1.8),
    ]
