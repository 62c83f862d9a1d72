"""When workflows look for due work; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from django_celery_beat.models import IntervalSchedule, PeriodicTask


def schedule() -> None:
    """Add or correct the periodic tasks of this app; whether they are enabled stays as the administrator set it."""
    often, _ = IntervalSchedule.objects.get_or_create(every=10, period=IntervalSchedule.SECONDS)
    daily, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.DAYS)
    for name, task, every in (
        ("Workflows: call services that are due", "apim.workflows.tasks.sweep", often),
        ("Workflows: forget what has ended", "apim.workflows.tasks.prune", daily),
    ):
        PeriodicTask.objects.update_or_create(name=name, defaults={"task": task, "interval": every, "crontab": None})
