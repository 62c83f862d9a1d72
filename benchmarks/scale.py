"""How the gateway holds when there is much of something: APIs, workers, connections, bytes, changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import bodies, changes, idle, snapshot, workers
from benchmarks.results import Result

PARTS = (snapshot.measure, changes.measure, workers.measure, idle.measure, bodies.measure)


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Every part, one after the other, each in a folder of its own."""
    results: list[Result] = []
    for number, part in enumerate(PARTS):
        place = folder / str(number)
        place.mkdir()
        results += part(place, rounds, seconds, say)
    return results
