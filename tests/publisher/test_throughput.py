"""The most a backend is given: in REST, on the page of plans, and in the gateways' record."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.publisher.make import make_api

pytestmark = pytest.mark.django_db


def test_throughput_makes_the_round_and_reaches_gateways(publisher_user, rest):
    api = make_api(publisher_user)
    client = rest(publisher_user)
    body = client.call("get", f"/apis/{api.pk}").json()
    assert "maxTps" not in body
    changed = client.call("put", f"/apis/{api.pk}", body | {"maxTps": {"production": 1000, "sandbox": None}})
    assert changed.json()["maxTps"] == {"production": 1000}
    api.refresh_from_db()
    assert api.throughput == {"production": {"amount": 1000, "seconds": 1}}
    wrong = client.call("put", f"/apis/{api.pk}", body | {"maxTps": {"sandbox": 0}})
    assert (wrong.status_code, wrong.json()["error"][0]["field"]) == (400, "maxTps.sandbox")


def test_the_page_of_plans_has_it(publisher_user):
    api = make_api(publisher_user)
    client = Client()
    client.force_login(publisher_user)
    page = reverse("publisher:plans", args=[api.pk])
    assert "Calls a second to the production backend" in client.get(page).content.decode()
    client.post(page, {"plans": ["Gold"], "policy": "", "production": "7", "sandbox": ""})
    api.refresh_from_db()
    assert api.throughput == {"production": {"amount": 7, "seconds": 1}}
    assert 'value="7"' in client.get(page).content.decode()
    client.post(page, {"plans": ["Gold"], "policy": "", "production": "", "sandbox": ""})
    api.refresh_from_db()
    assert api.throughput == {}
