"""Two decisions, or a decision and a deletion, at the same instant: one counts, the other is told."""

from __future__ import annotations

import pytest
from django.db import connection

from apim.workflows.actions.tasks import decide
from apim.workflows.models import Kind, Task
from portal.actions.applications import delete_application
from portal.actions.subscriptions import unsubscribe
from portal.models import Application, Subscription
from tests.portal.builders import current, make_api, make_application, make_subscription
from tests.portal.test_races import together

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="parallel transactions need --database=postgres"),
    pytest.mark.django_db(transaction=True),
]


def test_approve_and_reject_at_once(asks, boss, developer):
    asks(Kind.SUBSCRIPTION_CREATION)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    task = Task.objects.get()
    outcome = together(
        lambda: decide(by=boss, task=task, approved=True), lambda: decide(by=boss, task=task, approved=False)
    )
    assert outcome == ["Decided", "done"]
    task.refresh_from_db()
    expected = {"APPROVED": "UNBLOCKED", "REJECTED": "REJECTED"}[task.status]
    assert Subscription.objects.get().state == current("subscription", row.pk)["state"] == expected


def test_many_approvals_at_once_carry_it_out_once(asks, boss, developer):
    asks(Kind.PRODUCTION_KEY)
    from tests.portal.builders import make_key

    key = make_key(make_application(developer))
    task = Task.objects.get()
    assert together(*[lambda: decide(by=boss, task=task, approved=True)] * 4) == ["done"] * 4
    from apim.keymanager.models import OAuthClient

    key.refresh_from_db()
    assert OAuthClient.objects.filter(name__contains=key.application.name).count() == 1


def test_deleted_while_it_is_approved(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    application = make_application(developer)
    task = Task.objects.get()
    outcome = together(
        lambda: decide(by=boss, task=task, approved=True),
        lambda: delete_application(by=developer, application=application),
    )
    assert outcome in (["Decided", "done"], ["done", "done"])
    assert not Application.objects.exists() and current("application", application.pk) is None
    assert not Task.objects.filter(status="CREATED").exists()


def test_leaving_twice_asks_once(asks, developer):
    asks(Kind.SUBSCRIPTION_DELETION)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    assert together(*[lambda: unsubscribe(by=developer, subscription=row)] * 3) == ["Pending"] * 2 + ["done"]
    assert Task.objects.count() == 1
