"""The portal's rows in the admin site: seen by administrators of their organisation, written by actions."""

from __future__ import annotations

import pytest

from apim.accounts.models import Organisation, User
from portal.models import Application, ApplicationKey, Subscription
from tests.portal.builders import browser, current, make_api, make_application, make_key, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(admin: User) -> User:
    """An administrator who may enter the admin site."""
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    admin.refresh_from_db()
    return admin


def test_lists_and_forms_open(boss: User, developer: User) -> None:
    application = make_application(developer, "Shop")
    key, row = make_key(application), make_subscription(application, make_api(developer.organisation))
    client = browser(boss)
    for model, thing in (("application", application), ("applicationkey", key), ("subscription", row)):
        listed = client.get(f"/admin/portal/{model}/")
        assert listed.status_code == 200 and b"Shop" in listed.content
        assert client.get(f"/admin/portal/{model}/{thing.pk}/change/").status_code == 200
        assert client.get(f"/admin/portal/{model}/add/").status_code == 403


def test_changes_reach_the_gateways(boss: User, developer: User) -> None:
    application = make_application(developer, "Shop")
    row = make_subscription(application, make_api(developer.organisation))
    client = browser(boss)
    client.post(
        f"/admin/portal/application/{application.pk}/change/",
        {"name": "Store", "policy": "10PerMin", "description": "", "owner": developer.pk},
    )
    assert current("application", application.pk)["name"] == "Store"
    client.post(f"/admin/portal/subscription/{row.pk}/change/", {"plan": "Bronze", "state": "BLOCKED"})
    told = current("subscription", row.pk)
    assert (told["plan"], told["state"]) == ("Bronze", "BLOCKED")
    refused = client.post(
        f"/admin/portal/subscription/{row.pk}/change/", {"plan": "Never", "state": "BLOCKED"}, follow=True
    )
    assert b"not one of" in refused.content


def test_deleting_takes_everything_along(boss: User, developer: User) -> None:
    application = make_application(developer, "Shop")
    key, row = make_key(application), make_subscription(application, make_api(developer.organisation))
    client = browser(boss)
    client.post(f"/admin/portal/applicationkey/{key.pk}/delete/", {"post": "yes"})
    assert not ApplicationKey.objects.exists()
    client.post(f"/admin/portal/subscription/{row.pk}/delete/", {"post": "yes"})
    assert not Subscription.objects.exists() and not current("subscription", row.pk)
    make_key(application)
    client.post(f"/admin/portal/application/{application.pk}/delete/", {"post": "yes"})
    assert not Application.objects.exists() and not ApplicationKey.objects.exists()


def test_a_tenants_administrator_sees_only_the_tenant(
    developer: User, other_organisation: Organisation, make_user: object
) -> None:
    make_application(developer, "Secret shop")
    other = make_user(other_organisation, "admin", is_staff=True)
    answer = browser(other).get("/admin/portal/application/")
    assert answer.status_code == 200 and b"Secret shop" not in answer.content
