"""When the hub looks for due work; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from django_celery_beat.models import IntervalSchedule, PeriodicTask

SECONDS = 5
MINUTES = 10


def schedule() -> None:
    """Add or correct the periodic tasks of this app; whether they are enabled stays as the administrator set it."""
    often, _ = IntervalSchedule.objects.get_or_create(every=SECONDS, period=IntervalSchedule.SECONDS)
    seldom, _ = IntervalSchedule.objects.get_or_create(every=MINUTES, period=IntervalSchedule.MINUTES)
    for name, task, every in (
        ("WebSub hub: queue what is due", "apim.websub.tasks.sweep", often),
        ("WebSub hub: forget what has ended", "apim.websub.tasks.prune", seldom),
    ):
        PeriodicTask.objects.update_or_create(name=name, defaults={"task": task, "interval": every, "crontab": None})
