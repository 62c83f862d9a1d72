"""Beat's schedule from the database, without the gap in which changes made while beat starts are overlooked."""

from __future__ import annotations

from datetime import UTC, datetime

from django_celery_beat.schedulers import DatabaseScheduler

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Scheduler(DatabaseScheduler):
    """Notes the time of the last change before it reads for the first time.

    The base class notes it at its second look: what a worker schedules in between would wait for five minutes.
    """

    def setup_schedule(self) -> None:
        """Read the schedule for the first time."""
        self._last_timestamp = self.Changes.last_change() or NEVER
        super().setup_schedule()
