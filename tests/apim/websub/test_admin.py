"""The hub's tables in the admin site: the platform's administrators look at them and delete, nobody else sees them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apim.accounts.actions.roles import set_roles
from apim.accounts.models import AuditRow
from apim.websub.models import Delivery, Event, Subscription

pytestmark = pytest.mark.django_db
PAGES = "/admin/websub"


def entered(user: Any) -> Client:
    """A browser of an administrator."""
    browser = Client()
    browser.force_login(set_roles(by=None, user=user, roles=["admin"]))
    return browser


@pytest.fixture
def delivery() -> Delivery:
    row = Subscription.objects.create(
        organisation="carbon.super",
        environment="Default",
        api="a",
        topic="/orders",
        callback="https://callback.example/",
        secret="not to be seen",
    )
    event = Event.objects.create(api="a", topic="/orders", body=b"{}")
    return Delivery.objects.create(event=event, subscription=row, due=timezone.now())


def test_callbacks_are_shown_without_secret_and_deleted_with_a_trace(admin: Any, delivery: Delivery) -> None:
    boss, row = entered(admin), delivery.subscription
    assert "callback.example" in boss.get(f"{PAGES}/delivery/").content.decode()
    page = boss.get(f"{PAGES}/subscription/{row.pk}/change/").content.decode()
    assert "callback.example" in page and "not to be seen" not in page
    assert boss.post(f"{PAGES}/subscription/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Subscription.objects.exists()
    assert AuditRow.objects.get(action="websub.subscription.delete").target_id == str(row.pk)


def test_administrators_of_tenants_do_not_see_them(make_user: Any, other_organisation: Any, delivery: Delivery) -> None:
    tenant = entered(make_user(other_organisation))
    for path in ("subscription/", f"subscription/{delivery.subscription_id}/change/", "delivery/"):
        answer = tenant.get(f"{PAGES}/{path}")
        assert answer.status_code == 403 and "callback.example" not in answer.content.decode()
    assert tenant.post(f"{PAGES}/subscription/{delivery.subscription_id}/delete/", {"post": "yes"}).status_code == 403
    assert Subscription.objects.exists()
