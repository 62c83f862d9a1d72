"""Keeps Celery beat's schedule in step with the tasks and message processors that are deployed in a home."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from integrator.cron import CronError, from_quartz
from integrator.snapshot import Artifact, Snapshot, Trigger

QUEUE = "integration"
RUN_TASK, PROCESS_STORE = "integrator.tasks.run_task", "integrator.tasks.process_store"
SHORTEST = 1.0
"""Seconds; beat looks at its schedule no more often."""
PATIENCE = 60
"""Seconds after which a run that no worker took is dropped; the next one is due by then."""


@dataclass(frozen=True)
class Entry:
    """One row of beat's schedule. `at_once`: also run when it appears, as an interval trigger does."""

    name: str
    task: str
    arguments: dict[str, Any]
    trigger: Trigger
    enabled: bool = True
    at_once: bool = False


def prefix(home: str) -> str:
    """Beginning of the names of this home's rows; a home's path may be longer than a name may be."""
    return f"integrator {hashlib.sha256(home.encode()).hexdigest()[:12]} "


def apply(snapshot: Snapshot) -> tuple[list[Entry], list[Artifact]]:
    """Add, change and remove rows so that they say what is deployed.

    Returns the entries that are to run at once, and those artifacts whose trigger cannot be scheduled.
    """
    wanted = {entry.name: entry for entry in _entries(snapshot)}
    begun: list[Entry] = []
    refused: list[Artifact] = []
    with transaction.atomic():
        rows = {row.name: row for row in PeriodicTask.objects.filter(name__startswith=prefix(snapshot.home))}
        for name in rows.keys() - wanted.keys():
            rows[name].delete()
        for name, entry in wanted.items():
            try:
                if _upsert(rows.get(name), entry) and entry.at_once:
                    begun.append(entry)
            except CronError as error:
                refused.append(Artifact(_kind(entry), entry.arguments["name"], str(error)))
                PeriodicTask.objects.filter(name=name).delete()
    return begun, refused


def finish(name: str) -> None:
    """Switch off an entry whose count is used up; it stays until its artifact goes."""
    for row in PeriodicTask.objects.filter(name=name, enabled=True):
        row.enabled = False
        row.save()


def _entries(snapshot: Snapshot) -> Iterable[Entry]:
    start = prefix(snapshot.home)
    for task in snapshot.tasks:
        name = f"{start}task {task.name}"[:200]
        trigger = task.trigger
        arguments: dict[str, Any] = {"home": snapshot.home, "name": task.name}
        if trigger.count is not None or trigger.once:
            arguments |= {"limit": 1 if trigger.once else trigger.count, "entry": name}
        yield Entry(name, RUN_TASK, arguments, trigger, enabled=not trigger.once, at_once=not trigger.cron)
    for processor in snapshot.processors:
        name = f"{start}processor {processor.name}"[:200]
        arguments = {"home": snapshot.home, "name": processor.name}
        yield Entry(name, PROCESS_STORE, arguments, processor.trigger, enabled=processor.active)


def _upsert(row: PeriodicTask | None, entry: Entry) -> bool:
    """Write the row when something differs. True when it is new or its trigger is. Raises CronError."""
    when, seconds = _schedule(entry.trigger)
    arguments = entry.arguments | ({"seconds": list(seconds)} if seconds != (0,) else {})
    marked = json.dumps(
        {"trigger": vars(entry.trigger), "arguments": arguments, "enabled": entry.enabled}, sort_keys=True
    )
    if row is not None and row.description == marked:
        return False
    before = json.loads(row.description)["trigger"] if row is not None and row.description else None
    row = row or PeriodicTask(name=entry.name)
    row.task, row.kwargs, row.queue, row.description = entry.task, json.dumps(arguments), QUEUE, marked
    row.enabled, row.expire_seconds = entry.enabled, _patience(entry.trigger)
    row.interval = when if isinstance(when, IntervalSchedule) else None
    row.crontab = when if isinstance(when, CrontabSchedule) else None
    row.save()
    return before != vars(entry.trigger)


def _patience(trigger: Trigger) -> int | None:
    """How long a run may wait for a worker; a counted one waits as long as it must."""
    return None if trigger.count is not None or trigger.once else max(PATIENCE, int(trigger.interval * 2))


def _schedule(trigger: Trigger) -> tuple[IntervalSchedule | CrontabSchedule, tuple[int, ...]]:
    if trigger.cron:
        cron = from_quartz(trigger.cron)
        fields = {name: value for name, value in vars(cron).items() if name != "seconds"}
        row, _ = CrontabSchedule.objects.get_or_create(**fields, timezone=settings.TIME_ZONE)
        return row, cron.seconds
    every = timedelta(seconds=max(SHORTEST, trigger.interval))
    if every.microseconds:
        return _interval(round(every.total_seconds() * 1_000_000), IntervalSchedule.MICROSECONDS), (0,)
    return _interval(int(every.total_seconds()), IntervalSchedule.SECONDS), (0,)


def _interval(every: int, period: str) -> IntervalSchedule:
    row = IntervalSchedule.objects.filter(every=every, period=period).first()
    return row or IntervalSchedule.objects.create(every=every, period=period)


def _kind(entry: Entry) -> str:
    return "task" if entry.task == RUN_TASK else "message-processor"
