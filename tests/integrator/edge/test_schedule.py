"""Beat's schedule says what is deployed: added, changed, removed, and refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django_celery_beat.models import PeriodicTask

from integrator.actions import schedule, status
from integrator.actions.status import KEPT_RUNS, Outcome
from integrator.models import ArtifactStatus, TaskRun
from integrator.snapshot import Artifact, Processor, Snapshot, Task, Trigger

pytestmark = pytest.mark.django_db
HOME = "/srv/home"
BASE = Snapshot(HOME, (Task("report", Trigger(interval=15)),), (Processor("forward", Trigger(interval=0.2), "events"),))


def _rows() -> dict[str, PeriodicTask]:
    return {row.name.split(" ", 2)[2]: row for row in PeriodicTask.objects.filter(name__startswith="integrator ")}


def test_tasks_and_processors_appear_change_and_go() -> None:
    begun, refused = schedule.apply(BASE)
    assert [entry.arguments["name"] for entry in begun] == ["report"] and refused == []
    rows = _rows()
    assert rows["task report"].interval.every == 15 and rows["task report"].queue == "integration"
    assert rows["processor forward"].interval.every == 1, "beat looks once a second"
    changed = replace(BASE, tasks=(Task("report", Trigger(cron="0 0 6 ? * MON")),), processors=())
    assert schedule.apply(changed)[0] == []
    rows = _rows()
    assert set(rows) == {"task report"} and rows["task report"].interval is None
    assert rows["task report"].crontab.day_of_week == "1"
    schedule.apply(Snapshot(HOME))
    assert _rows() == {}


def test_nothing_is_written_when_nothing_changed(django_assert_num_queries: object) -> None:
    schedule.apply(BASE)
    before = {row.name: row.date_changed for row in PeriodicTask.objects.all()}
    assert schedule.apply(BASE) == ([], [])
    assert {row.name: row.date_changed for row in PeriodicTask.objects.all()} == before


def test_homes_are_kept_apart() -> None:
    schedule.apply(BASE)
    schedule.apply(replace(BASE, home="/srv/other"))
    assert PeriodicTask.objects.filter(name__contains="report").count() == 2
    schedule.apply(Snapshot(HOME))
    (left,) = PeriodicTask.objects.filter(name__contains="report")
    assert json.loads(left.kwargs)["home"] == "/srv/other"


def test_a_count_and_once_travel_to_the_worker() -> None:
    tasks = (Task("thrice", Trigger(interval=2, count=3)), Task("once", Trigger(once=True)))
    begun, _ = schedule.apply(Snapshot(HOME, tasks))
    assert {entry.arguments["name"]: entry.arguments["limit"] for entry in begun} == {"thrice": 3, "once": 1}
    rows = _rows()
    assert not rows["task once"].enabled, "it runs when it appears, never from the schedule"
    schedule.finish(rows["task thrice"].name)
    assert not _rows()["task thrice"].enabled
    assert schedule.apply(Snapshot(HOME, tasks)) == ([], []) and not _rows()["task thrice"].enabled


def test_seconds_of_a_cron_travel_to_the_worker() -> None:
    schedule.apply(Snapshot(HOME, (Task("often", Trigger(cron="0/30 * * * * ?")),)))
    assert json.loads(_rows()["task often"].kwargs)["seconds"] == [0, 30]


def test_a_trigger_that_beat_cannot_follow_is_refused_with_its_reason() -> None:
    bad = Snapshot(HOME, (Task("last", Trigger(cron="0 0 0 L * ?")), Task("good", Trigger(interval=5))))
    _, refused = schedule.apply(bad)
    assert [(artifact.kind, artifact.name) for artifact in refused] == [("task", "last")]
    assert "day of month" in refused[0].error and set(_rows()) == {"task good"}


def test_an_inactive_processor_is_deployed_but_not_run() -> None:
    schedule.apply(Snapshot(HOME, processors=(Processor("idle", Trigger(interval=1), "s", active=False),)))
    assert not _rows()["processor idle"].enabled


def test_artifact_rows_follow_what_is_deployed() -> None:
    status.record_artifacts(HOME, [Artifact("api", "a"), Artifact("api", "b", error="b.xml:2 <x>: unknown")])
    status.record_artifacts("/srv/other", [Artifact("api", "a")])
    assert list(ArtifactStatus.objects.filter(home=HOME).values_list("name", "deployed")) == [("a", True), ("b", False)]
    status.record_artifacts(HOME, [Artifact("api", "b")])
    assert list(ArtifactStatus.objects.filter(home=HOME).values_list("name", "deployed", "error")) == [("b", True, "")]
    assert ArtifactStatus.objects.filter(home="/srv/other").count() == 1


def test_only_the_newest_runs_are_kept() -> None:
    for number in range(KEPT_RUNS + 5):
        status.record_run(HOME, "task", "report", 0.0, Outcome(result=str(number)))
    other = status.record_run(HOME, "task", "other", 0.0, Outcome(error="x" * 10_000))
    assert TaskRun.objects.filter(name="report").count() == KEPT_RUNS
    assert TaskRun.objects.filter(name="report").first().result == str(KEPT_RUNS + 4)
    assert not other.ok and len(other.error) == status.LONGEST_TEXT
