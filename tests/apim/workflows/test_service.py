"""The HTTP executor: what the service is told and shown, what it must show, failures, and mails."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from apim.accounts.models import AuditRow
from apim.errors import Invalid
from apim.workflows import tasks
from apim.workflows.actions.executors import TRANSITIONS, set_executor
from apim.workflows.models import Executor, Kind, Style, Task
from portal.models import Application
from publisher.actions.lifecycle import TRANSITIONS as LIFE_CYCLE
from tests.apim.websub.callback import Callback
from tests.portal.builders import make_application

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(settings):
    """A service on this machine, which must be allowed to be called."""
    settings.APIM = settings.APIM.model_copy(update={"websub_networks": "127.0.0.0/8"})
    with Callback() as running:
        yield running


def asked(service, asks, developer, **more) -> Task:
    asks(Kind.APPLICATION_CREATION, style=Style.HTTP, url=service.url, **more)
    make_application(developer, "Told")
    task = Task.objects.get()
    tasks.deliver(str(task.pk))
    task.refresh_from_db()
    return task


def told(service) -> dict[str, object]:
    return json.loads(service.events[-1][1])


def test_the_service_is_told_and_decides(service, asks, developer, client):
    task = asked(service, asks, developer, credentials="BASIC", username="wf", secret="hush hush")
    headers, _ = service.events[0]
    assert headers["authorization"] == "Basic " + base64.b64encode(b"wf:hush hush").decode()
    body = told(service)
    assert body["workflowReference"] == str(task.pk) and body["properties"]["applicationName"] == "Told"
    path = "/" + body["callbackUrl"].split("/", 3)[3]
    decision = {"status": "APPROVED", "description": "by machine"}
    assert client.post(path, decision, "application/json").status_code == 401
    wrong = {"authorization": "Bearer " + "0" * 64}
    assert client.post(path, decision, "application/json", headers=wrong).status_code == 401
    right = {"authorization": f"Bearer {body['callbackToken']}"}
    bad = client.post(path, {"status": "MAYBE"}, "application/json", headers=right)
    assert bad.status_code == 400 and bad.json()["error"][0]["field"] == "status"
    for _ in range(2):  # a repeated callback is no mistake
        assert client.post(path, decision, "application/json", headers=right).json()["status"] == "APPROVED"
    assert client.post(path, {"status": "REJECTED"}, "application/json", headers=right).status_code == 409
    assert Application.objects.get().status == "APPROVED"
    assert AuditRow.objects.get(action="workflow.approve").actor == "system"


def test_a_token_is_for_one_request(service, asks, developer, client):
    first = asked(service, asks, developer)
    token = told(service)["callbackToken"]
    make_application(developer, "Second")
    second = Task.objects.exclude(pk=first.pk).get()
    answer = client.post(
        f"/workflows/callback/{second.pk}",
        {"status": "APPROVED"},
        "application/json",
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 401 and Task.objects.get(pk=second.pk).is_waiting


def test_requests_for_people_are_not_decided_by_callbacks(asks, developer, client):
    from apim.workflows.deliver import callback_token

    asks(Kind.APPLICATION_CREATION)
    make_application(developer)
    task = Task.objects.get()
    headers = {"authorization": f"Bearer {callback_token(task)}"}
    answer = client.post(f"/workflows/callback/{task.pk}", {"status": "APPROVED"}, "application/json", headers=headers)
    assert answer.status_code == 401


def test_a_failing_service_is_asked_again_and_given_up_in_the_end(service, asks, developer, boss):
    service.answers = [503] * 8
    task = asked(service, asks, developer)
    assert task.attempts == 1 and "503" in task.problem and task.due > timezone.now()
    tasks.sweep()
    assert len(service.events) == 1, "not before its time"
    for _ in range(7):
        Task.objects.update(due=timezone.now() - timedelta(seconds=1))
        tasks.sweep()
    task.refresh_from_db()
    assert len(service.events) == 8 and task.due is None and task.is_waiting
    from apim.workflows.actions.tasks import decide

    assert decide(by=boss, task=task, approved=True).status == "APPROVED", "people may decide what no service does"


def test_a_token_for_the_service_comes_from_its_token_address(service, settings, asks, developer):
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    seen = []

    class Tokens(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def do_POST(self) -> None:
            seen.append((self.headers["authorization"], self.rfile.read(int(self.headers["content-length"]))))
            body = b'{"access_token": "abc"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Tokens)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        where = f"http://127.0.0.1:{server.server_port}/token"
        asked(service, asks, developer, credentials="OAUTH", username="me", secret="s", token_url=where)
    finally:
        server.shutdown()
        server.server_close()
    assert seen == [("Basic " + base64.b64encode(b"me:s").decode(), b"grant_type=client_credentials")]
    assert service.events[0][0]["authorization"] == "Bearer abc"


def test_inner_addresses_are_not_called(asks, developer):
    asks(Kind.APPLICATION_CREATION, style=Style.HTTP, url="http://127.0.0.1:9/x")
    make_application(developer)
    tasks.deliver(str(Task.objects.get().pk))
    assert "an inner network" in Task.objects.get().problem


def test_secrets_are_sealed_and_in_no_audit_row(asks, boss):
    asks(
        Kind.USER_SIGNUP, style=Style.HTTP, url="https://a.example/x", credentials="BASIC", username="u", secret="pssst"
    )
    row = Executor.objects.get()
    assert row.secret and "pssst" not in row.secret
    assert "pssst" not in str(list(AuditRow.objects.values()))
    common = {"by": boss, "organisation": boss.organisation, "kind": Kind.USER_SIGNUP, "style": Style.HTTP}
    set_executor(**common, url="https://b.example/x", credentials="BASIC", username="u")
    assert Executor.objects.get().secret == row.secret, "an empty secret keeps the stored one"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"style": "HTTP"}, "url"),
        ({"style": "HTTP", "url": "ftp://x"}, "url"),
        ({"style": "HTTP", "url": "https://x.example", "credentials": "BASIC"}, "username"),
        (
            {"style": "HTTP", "url": "https://x.example", "credentials": "OAUTH", "username": "a", "secret": "b"},
            "token_url",
        ),
        ({"style": "MAGIC"}, "style"),
        ({"style": "APPROVAL", "notify": "nobody"}, "notify"),
        ({"style": "APPROVAL", "transitions": ["CREATED:Publish"]}, "transitions"),
        ({"style": "APPROVAL", "kind": "API_STATE", "transitions": ["publish"]}, "transitions"),
        ({"style": "APPROVAL", "kind": "API_STATE", "transitions": ["CREATED:Fly"]}, "transitions"),
        ({"style": "APPROVAL", "kind": "API_STATE", "transitions": ["RETIRED:Publish"]}, "transitions"),
    ],
)
def test_a_wrong_executor_is_refused_by_name(boss, values, field):
    given = {"kind": "USER_SIGNUP", **values}
    with pytest.raises(Invalid) as caught:
        set_executor(by=boss, organisation=boss.organisation, **given)
    assert field in {wrong.field for wrong in caught.value.fields}


def test_transitions_are_those_of_the_life_cycle():
    assert set(TRANSITIONS) == {f"{state}:{step}" for state, steps in LIFE_CYCLE.items() for step in steps}


def test_mails_go_to_who_decides_and_to_who_asked(
    asks, boss, developer, django_capture_on_commit_callbacks, monkeypatch
):
    work = []
    monkeypatch.setattr("apim.workflows.queue.send", lambda name, reference: work.append((name, reference)))
    asks(Kind.APPLICATION_CREATION)
    with django_capture_on_commit_callbacks(execute=True):
        make_application(developer, "Mail\r\nBcc: x@y.z")
    task = Task.objects.get()
    assert work == [("mail_approvers", str(task.pk))]
    tasks.mail_approvers(str(task.pk))
    assert mail.outbox[0].to == [boss.email] and f"/admin/workflows/task/{task.pk}/" in mail.outbox[0].body
    assert "\n" not in mail.outbox[0].subject and not mail.outbox[0].bcc
    from apim.workflows.actions.tasks import decide

    with django_capture_on_commit_callbacks(execute=True):
        decide(by=boss, task=task, approved=False, comment="not now")
    assert work[-1] == ("mail_requester", str(task.pk))
    tasks.mail_requester(str(task.pk))
    assert mail.outbox[1].to == [developer.email] and "not now" in mail.outbox[1].body


def test_mails_go_to_the_addresses_of_the_executor(asks, developer):
    asks(Kind.APPLICATION_CREATION, notify="a@example.org, b@example.org")
    make_application(developer)
    tasks.mail_approvers(str(Task.objects.get().pk))
    assert [one.to for one in mail.outbox] == [["a@example.org"], ["b@example.org"]]


def test_decided_requests_are_forgotten_after_a_year(asks, boss, developer, settings, tmp_path):
    settings.EMAIL_FILE_PATH = str(tmp_path)
    asks(Kind.APPLICATION_CREATION)
    make_application(developer)
    Task.objects.update(updated=timezone.now() - timedelta(days=400))
    tasks.prune()
    assert Task.objects.count() == 1, "what waits is kept"
    Task.objects.update(status="APPROVED")
    tasks.prune()
    assert not Task.objects.exists()
