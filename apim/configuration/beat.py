"""When troubles are looked for and old sightings forgotten; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from django_celery_beat.models import IntervalSchedule, PeriodicTask


def schedule() -> None:
    """Add or correct the periodic tasks of this app; whether they are enabled stays as the administrator set it."""
    often, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.MINUTES)
    seldom, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.HOURS)
    for name, task, every in (
        ("Alerts: look for trouble and mail it", "apim.configuration.tasks.look_for_trouble", often),
        ("Alerts: forget old sightings of bots", "apim.configuration.tasks.prune", seldom),
    ):
        PeriodicTask.objects.update_or_create(name=name, defaults={"task": task, "interval": every, "crontab": None})
