"""The integrator's own chore in beat's schedule: looking at what is deployed."""

from __future__ import annotations

from django_celery_beat.models import IntervalSchedule, PeriodicTask

from integrator.actions.schedule import QUEUE

EVERY = 5
"""Seconds between two looks at a home."""


def schedule() -> None:
    """Write the chore; called when the platform is prepared, safe to repeat."""
    interval = IntervalSchedule.objects.filter(every=EVERY, period=IntervalSchedule.SECONDS).first()
    interval = interval or IntervalSchedule.objects.create(every=EVERY, period=IntervalSchedule.SECONDS)
    wanted = {"task": "integrator.tasks.sync", "interval": interval, "queue": QUEUE, "expire_seconds": EVERY * 2}
    PeriodicTask.objects.update_or_create(name="integrator sync", defaults=wanted)
