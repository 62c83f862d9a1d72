"""Chores that repeat, written into the schedule that Celery beat reads from the database."""

from __future__ import annotations

from typing import Any

from django_celery_beat.models import IntervalSchedule, PeriodicTask


def repeat(name: str, task: str, every: int, period: str, **more: Any) -> None:
    """Add or correct a periodic task; whether it is enabled stays as the administrator set it.

    `period` is seconds, minutes, hours or days; `more` are further columns, as its queue.
    """
    # Intervals are not unique to the library, and an administrator may have added the same one again.
    interval = IntervalSchedule.objects.filter(every=every, period=period).order_by("pk").first()
    interval = interval or IntervalSchedule.objects.create(every=every, period=period)
    PeriodicTask.objects.update_or_create(
        name=name, defaults={"task": task, "interval": interval, "crontab": None} | more
    )
