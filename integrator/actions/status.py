"""Writes what a home has deployed and refused, and what its tasks did, where people can see it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from integrator.models import ArtifactStatus, TaskRun
from integrator.snapshot import Artifact

log = structlog.get_logger(__name__)
KEPT_RUNS = 200
"""Runs kept for each task and processor; older ones are forgotten."""
LONGEST_TEXT = 4000
REFRESH = timedelta(minutes=1)
"""An unchanged row is touched this often, so that `seen` tells whether its worker lives."""


@dataclass
class Outcome:
    """What a run came to."""

    result: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return not self.error


def record_run(home: str, kind: str, name: str, started: float, outcome: Outcome) -> TaskRun:
    """Note a run that began at `started` (monotonic seconds), and forget those beyond the newest."""
    duration = time.monotonic() - started
    run = TaskRun.objects.create(
        home=home,
        kind=kind,
        name=name,
        started=timezone.now() - timedelta(seconds=duration),
        duration_ms=round(duration * 1000),
        ok=outcome.ok,
        result=outcome.result[:LONGEST_TEXT],
        error=outcome.error[:LONGEST_TEXT],
        worker=socket.gethostname(),
    )
    runs = TaskRun.objects.filter(home=home, kind=kind, name=name)
    oldest = runs.order_by("-id").values_list("id", flat=True)[KEPT_RUNS : KEPT_RUNS + 1].first()
    if oldest is not None:
        runs.filter(id__lte=oldest).delete()
    level = log.info if outcome.ok else log.error
    level(
        "integrator.run", kind=kind, name=name, ok=outcome.ok, reason=outcome.error[:500], duration_ms=run.duration_ms
    )
    return run


def record_artifacts(home: str, artifacts: Iterable[Artifact]) -> None:
    """Make the rows of `home` say what is deployed and refused now."""
    now = timezone.now()
    with transaction.atomic():
        rows = {(row.kind, row.name): row for row in ArtifactStatus.objects.filter(home=home)}
        for artifact in artifacts:
            row = rows.pop((artifact.kind, artifact.name), None) or ArtifactStatus(
                home=home, kind=artifact.kind, name=artifact.name
            )
            state = (not artifact.error, artifact.error[:LONGEST_TEXT], artifact.detail)
            if row.pk and (row.deployed, row.error, row.detail) == state and now - row.seen < REFRESH:
                continue
            if artifact.error and row.error != state[1]:
                log.error(
                    "integrator.refused", home=home, kind=artifact.kind, name=artifact.name, reason=artifact.error
                )
            row.deployed, row.error, row.detail = state
            row.save()
        ArtifactStatus.objects.filter(pk__in=[row.pk for row in rows.values()]).delete()
