"""Change of an application's owner: its keys and denials follow, and only administrators of the organisation do it."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apim.eventhub.models import Current
from apim.traffic.actions.denials import create_deny_policy
from apim.traffic.models import DenyPolicy
from portal.actions.keys import generate_keys
from portal.models import Application
from tests.portal.builders import make_application
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
BASE = "/api/am/admin/v4/applications"


def call(user, verb, path, **more):
    client = APIClient()
    client.force_login(user)
    return getattr(client, verb)(BASE + path, **more)


def test_an_application_changes_hands(admin, developer, organisation):
    heir = make_user(organisation, "Internal/subscriber", username="heir")
    application = make_application(developer, name="Shop")
    generate_keys(by=developer, application=application, key_type="PRODUCTION", grant_types=["client_credentials"])
    create_deny_policy(by=admin, organisation=organisation, kind="APPLICATION", value=f"{developer.username}:Shop")
    assert call(admin, "post", f"/{application.pk}/change-owner?owner=heir").status_code == 200
    application.refresh_from_db()
    assert application.owner == heir
    assert application.keys.get().client.user == heir
    assert json.loads(Current.objects.get(kind="application", key=str(application.pk)).record)["owner"] == "heir"
    assert DenyPolicy.objects.get().value == "heir:Shop"
    assert call(admin, "get", "?user=heir").json()["list"][0]["owner"] == "heir"
    assert call(admin, "get", f"?user={developer.username}").json()["count"] == 0


def test_who_cannot_get_it_and_who_cannot_give_it(admin, developer, creator, organisation, other_organisation):
    application = make_application(developer, name="Shop")
    make_application(make_user(organisation, "Internal/subscriber", username="heir"), name="Shop")
    stranger = make_user(other_organisation, "Internal/subscriber", username="stranger")
    for owner, status in (("nobody", 400), ("creator", 400), (stranger.username, 400), ("", 400), ("heir", 409)):
        assert call(admin, "post", f"/{application.pk}/change-owner?owner={owner}").status_code == status, owner
    assert call(developer, "post", f"/{application.pk}/change-owner?owner=heir").status_code == 403
    boss = make_user(other_organisation, "admin")
    assert call(boss, "post", f"/{application.pk}/change-owner?owner=heir").status_code == 404
    assert call(boss, "delete", f"/{application.pk}").status_code == 404
    assert call(boss, "get", "").json()["count"] == 0
    assert call(boss, "get", "?tenantDomain=carbon.super").status_code == 404
    assert call(admin, "get", "?tenantDomain=acme.com").json()["count"] == 0
    assert Application.objects.get(pk=application.pk).owner == developer


def test_the_list_is_paged_sorted_and_costs_the_same(admin, developer):
    for number in range(12):
        make_application(developer, name=f"App {number:02}")
    found = call(admin, "get", "?limit=5&offset=5&sortBy=name&sortOrder=desc&name=App").json()
    assert [one["name"] for one in found["list"]] == [f"App {number:02}" for number in (6, 5, 4, 3, 2)]
    assert found["pagination"]["total"] == 12 and "offset=10" in found["next"]
    costs = []
    for limit in (1, 12):
        with CaptureQueriesContext(connection) as found:
            call(admin, "get", f"?limit={limit}")
        costs.append(len(found))
    assert costs[0] == costs[1]
    for wrong in ("?limit=0", "?limit=x", "?offset=-1", "?sortBy=secret", "?sortOrder=up", "?name=%00"):
        assert call(admin, "get", wrong).status_code == 400, wrong


def test_an_application_is_deleted(admin, developer):
    application = make_application(developer, name="Shop")
    assert call(admin, "delete", f"/{application.pk}").status_code == 200
    assert call(admin, "delete", f"/{application.pk}").status_code == 404
