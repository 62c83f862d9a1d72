"""Beat sees what is scheduled while it starts."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django_celery_beat.models import PeriodicTask

from apim.up.beat_scheduler import Scheduler
from integrator import beat
from integrator.actions import schedule
from integrator.snapshot import Snapshot, Task, Trigger


class Interrupted(Scheduler):
    """A worker schedules something just after beat's first look."""

    def install_default_entries(self, data: Any) -> None:
        """What beat does next after it has read the schedule."""
        schedule.apply(Snapshot("/srv/home", (Task("report", Trigger(interval=15)),)))
        super().install_default_entries(data)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("empty", [True, False], ids=["first change ever", "another change"])
def test_what_is_scheduled_while_beat_starts_is_seen(empty: bool) -> None:
    if not empty:
        beat.schedule()
    scheduler = Interrupted(app=current_app._get_current_object())
    assert any(name.endswith("task report") for name in scheduler.schedule)


@pytest.mark.django_db
def test_the_chore_is_written_once() -> None:
    beat.schedule()
    beat.schedule()
    (row,) = PeriodicTask.objects.filter(task="integrator.tasks.sync")
    assert (row.interval.every, row.queue) == (beat.EVERY, schedule.QUEUE)
