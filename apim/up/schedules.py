"""Puts the apps' periodic tasks (`<app>.beat.schedule()`) into beat's database schedule, where people may change them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from celery.schedules import crontab
from django.apps import AppConfig
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks


def store_schedules(configs: Iterable[AppConfig]) -> None:
    """Create every entry that is not there yet. What somebody changed or switched off in the admin site stays so."""
    known = set(PeriodicTask.objects.values_list("name", flat=True))
    made = [
        _create(name, entry)
        for config in configs
        if find_spec(f"{config.name}.beat")
        for name, entry in import_module(f"{config.name}.beat").schedule().items()
        if name not in known
    ]
    if made:
        PeriodicTasks.update_changed()


def _create(name: str, entry: Mapping[str, Any]) -> PeriodicTask:
    """`entry` has the keys of Celery's own `beat_schedule`: task, schedule, args, kwargs, options."""
    return PeriodicTask.objects.create(
        name=name,
        task=entry["task"],
        args=json.dumps(entry.get("args", ())),
        kwargs=json.dumps(entry.get("kwargs", {})),
        queue=entry.get("options", {}).get("queue"),
        description="Made by the platform; change or disable it here.",
        **_when(entry["schedule"]),
    )


def _when(schedule: crontab | timedelta | float) -> dict[str, Any]:
    if isinstance(schedule, crontab):
        fields = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
        cron = {field: getattr(schedule, f"_orig_{field}") for field in fields}
        return {"crontab": CrontabSchedule.objects.get_or_create(**cron, timezone="UTC")[0]}
    seconds = schedule.total_seconds() if isinstance(schedule, timedelta) else float(schedule)
    milliseconds = max(1, round(seconds * 1000))
    every, period = (round(seconds), "seconds") if milliseconds % 1000 == 0 else (milliseconds * 1000, "microseconds")
    return {"interval": IntervalSchedule.objects.get_or_create(every=every, period=period)[0]}
