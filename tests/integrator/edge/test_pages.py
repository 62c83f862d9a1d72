"""The integrator's page and its admin: who may see them, what they show, and running something now."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apim.accounts.models import AuditRow, User
from integrator.locks import connection
from integrator.models import ArtifactStatus, TaskRun

PAGE = "/integrator/"


@pytest.fixture
def artifacts(organisation: Any) -> dict[str, ArtifactStatus]:
    """A task, a store and a refused file."""
    made = [
        ArtifactStatus(home="/srv/home", kind="task", name="report", detail={"trigger": "every 15 s"}),
        ArtifactStatus(home="/srv/home", kind="message-store", name="events", detail={"messages": 7, "durable": True}),
        ArtifactStatus(
            home="/srv/home", kind="sequence file", name="bad.xml", deployed=False, error="bad.xml:2 <x>: unknown"
        ),
    ]
    for row in made:
        row.save()
    TaskRun.objects.create(
        home="/srv/home", kind="task", name="report", started=timezone.now(), ok=False, error="101503: no"
    )
    return {row.name: row for row in made}


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_everything_at_a_glance(
    artifacts: Any, make_user: Callable[..., User], organisation: Any
) -> None:
    answer = _client(make_user(organisation, "Internal/integration_dev")).get(PAGE)
    text = answer.content.decode()
    assert answer.status_code == 200
    for told in (
        "report",
        "every 15 s",
        "101503: no",
        "events",
        ">7<",
        "bad.xml:2 &lt;x&gt;: unknown",
        "survives a crash",
    ):
        assert told in text, told


def test_only_integrators_of_the_platform_see_it(
    artifacts: Any, developer: User, other_organisation: Any, make_user: Callable[..., User]
) -> None:
    assert Client().get(PAGE).status_code == 302
    assert _client(developer).get(PAGE).status_code == 403
    stranger = _client(make_user(other_organisation, "admin"))
    assert stranger.get(PAGE).status_code == 403
    assert stranger.post(f"{PAGE}artifacts/{artifacts['report'].pk}/run/").status_code == 403


def test_a_task_is_run_now(
    artifacts: dict[str, ArtifactStatus], admin: User, django_capture_on_commit_callbacks: Any
) -> None:
    queue = connection()
    queue.delete("integration")
    with django_capture_on_commit_callbacks(execute=True):
        answer = _client(admin).post(f"{PAGE}artifacts/{artifacts['report'].pk}/run/")
    assert answer.status_code == 302
    assert queue.llen("integration") == 1 and b"integrator.tasks.run_task" in queue.lpop("integration")
    assert AuditRow.objects.filter(action="integrator.run").count() == 1


def test_what_cannot_run_is_refused(artifacts: dict[str, ArtifactStatus], admin: User) -> None:
    client = _client(admin)
    assert client.post(f"{PAGE}artifacts/{artifacts['events'].pk}/run/").status_code == 400
    assert client.post(f"{PAGE}artifacts/999999/run/").status_code == 404


@pytest.mark.parametrize("model", ["artifactstatus", "taskrun"])
def test_the_admin_lists_them(artifacts: Any, make_user: Callable[..., User], organisation: Any, model: str) -> None:
    boss = make_user(organisation, "admin", is_staff=True)
    answer = _client(boss).get(f"/admin/integrator/{model}/")
    assert answer.status_code == 200 and b"report" in answer.content


def test_the_admin_lists_refused_files_first_with_a_short_reason(
    artifacts: dict[str, ArtifactStatus], make_user: Callable[..., User], organisation: Any
) -> None:
    ArtifactStatus.objects.filter(pk=artifacts["bad.xml"].pk).update(error="bad.xml:2 <x>: " + "unknown " * 60)
    boss = make_user(organisation, "admin", is_staff=True)
    text = _client(boss).get("/admin/integrator/artifactstatus/").content.decode()
    assert text.index("bad.xml") < text.index("report") and "unknown …" in text and "unknown " * 30 not in text


def test_the_admin_runs_a_failed_task_again(
    artifacts: Any, make_user: Callable[..., User], organisation: Any, django_capture_on_commit_callbacks: Any
) -> None:
    boss, run = make_user(organisation, "admin", is_staff=True), TaskRun.objects.get()
    queue = connection()
    queue.delete("integration")
    with django_capture_on_commit_callbacks(execute=True):
        form = {"action": "run_again", "_selected_action": [run.pk]}
        answer = _client(boss).post("/admin/integrator/taskrun/", form)
    assert answer.status_code == 302 and queue.llen("integration") == 1
    queue.delete("integration")


def test_the_names_of_the_tasks_are_those_that_the_schedule_uses() -> None:
    from integrator import tasks
    from integrator.actions import schedule

    assert {tasks.run_task.name, tasks.process_store.name} == {schedule.RUN_TASK, schedule.PROCESS_STORE}
    assert current_app.conf.task_routes["integrator.tasks.*"] == {"queue": schedule.QUEUE}


def test_every_thread_of_the_control_plane_reaches_the_workers() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: current_app.conf.broker_url).result() == settings.APIM.redis


def test_the_dashboard_counts_refused_artifacts(
    artifacts: Any, make_user: Callable[..., User], organisation: Any
) -> None:
    boss = make_user(organisation, "admin", is_staff=True)
    text = " ".join(_client(boss).get("/admin/").content.decode().split())
    assert "<strong>1</strong><span>refused artifacts</span>" in text
    assert b"bad.xml" in _client(boss).get("/admin/integrator/artifactstatus/?deployed__exact=0").content
