"""Chores in beat's schedule: added once, corrected, and left off when the administrator switched them off."""

from __future__ import annotations

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apim.repeating import repeat

pytestmark = pytest.mark.django_db


def test_a_chore_is_added_once_and_corrected() -> None:
    for task in ("some.tasks.old", "some.tasks.new"):
        repeat("Some chore", task, 7, "minutes", queue="side")
    row = PeriodicTask.objects.get(name="Some chore")
    assert (row.task, str(row.interval), row.queue, row.enabled) == ("some.tasks.new", "every 7 minutes", "side", True)


def test_what_the_administrator_switched_off_stays_off() -> None:
    repeat("Some chore", "some.tasks.one", 7, "minutes")
    PeriodicTask.objects.filter(name="Some chore").update(enabled=False)
    repeat("Some chore", "some.tasks.one", 7, "minutes")
    assert not PeriodicTask.objects.get(name="Some chore").enabled


def test_an_interval_that_was_added_twice_is_no_hindrance() -> None:
    for _ in range(2):
        IntervalSchedule.objects.create(every=7, period="minutes")
    repeat("Some chore", "some.tasks.one", 7, "minutes")
    assert IntervalSchedule.objects.filter(every=7, period="minutes").count() == 2
