"""When the chores of the key manager run; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from django_celery_beat.models import IntervalSchedule, PeriodicTask

MINUTES = 10


def schedule() -> None:
    """Add or correct the periodic tasks of this app; whether they are enabled stays as the administrator set it."""
    every, _ = IntervalSchedule.objects.get_or_create(every=MINUTES, period=IntervalSchedule.MINUTES)
    PeriodicTask.objects.update_or_create(
        name="Key manager: prune expired tokens and keys",
        defaults={"task": "apim.keymanager.tasks.prune", "interval": every, "crontab": None},
    )
