"""When the chores of the event hub run; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from django_celery_beat.models import IntervalSchedule, PeriodicTask

HOURS = 1


def schedule() -> None:
    """Add or correct the periodic tasks of this app; whether they are enabled stays as the administrator set it."""
    every, _ = IntervalSchedule.objects.get_or_create(every=HOURS, period=IntervalSchedule.HOURS)
    PeriodicTask.objects.update_or_create(
        name="Event hub: prune old changes and gateways",
        defaults={"task": "apim.eventhub.tasks.prune", "interval": every, "crontab": None},
    )
