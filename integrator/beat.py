"""The integrator's own chores in beat's schedule: looking at what is deployed, and at the registered integrators."""

from __future__ import annotations

from apim.repeating import repeat
from integrator.actions.schedule import QUEUE
from integrator.dashboard.watching import ensure_local

EVERY = 5
"""Seconds between two looks at a home."""
WATCH_EVERY = 15
"""Seconds between two looks at the registered integrators."""


def schedule() -> None:
    """Write the chores, and the row of the platform's own integrator; called when the platform is prepared, safe to repeat."""
    _chore("integrator sync", "integrator.tasks.sync", EVERY)
    _chore("integrator watch", "integrator.tasks.watch", WATCH_EVERY)
    ensure_local()


def _chore(name: str, task: str, seconds: int) -> None:
    repeat(name, task, seconds, "seconds", queue=QUEUE, expire_seconds=seconds * 2)
