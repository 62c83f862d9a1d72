"""Beat sees what is scheduled while it starts."""

from __future__ import annotations

import pytest
from celery import current_app
from django_celery_beat.models import PeriodicTask

from apim.up.beat_scheduler import Scheduler
from integrator import beat
from integrator.actions import schedule
from integrator.snapshot import Snapshot, Task, Trigger


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("empty", [True, False], ids=["first change ever", "another change"])
def test_what_is_scheduled_between_the_first_two_looks_is_seen(empty: bool) -> None:
    if not empty:
        beat.schedule()
    scheduler = Scheduler(app=current_app._get_current_object())
    schedule.apply(Snapshot("/srv/home", (Task("report", Trigger(interval=15)),)))
    assert any(name.endswith("task report") for name in scheduler.schedule)


@pytest.mark.django_db
def test_the_chore_is_written_once() -> None:
    beat.schedule()
    beat.schedule()
    (row,) = PeriodicTask.objects.filter(task="integrator.tasks.sync")
    assert (row.interval.every, row.queue) == (beat.EVERY, schedule.QUEUE)
