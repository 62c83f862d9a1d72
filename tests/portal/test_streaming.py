"""Streaming APIs in the portal: addresses, definition, topics, callbacks, console."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from apim.websub.models import State, Subscription
from portal.actions.applications import create_application
from publisher.actions.lifecycle import change_state
from publisher.actions.revisions import create_revision, deploy_revision
from publisher.actions.streaming import create_streaming
from tests.publisher.make import deploy, make_api, plan

BASE = "/api/am/devportal/v3"


@pytest.fixture
def published(publisher_user):
    def build(kind: str, **fields):
        plan(publisher_user.organisation, "Gold")
        endpoint = {"WS": "ws://inner.example", "SSE": "http://inner.example", "WEBSUB": None}[kind]
        api = create_streaming(
            by=publisher_user, kind=kind, name=f"Api{kind}", context=f"/api{kind.lower()}", version="1", endpoint=endpoint,
            plans=["Gold"], operations=[{"verb": "SUBSCRIBE", "target": "/news"}], **fields,
        )  # fmt: skip
        deploy_revision(
            by=publisher_user, revision=create_revision(by=publisher_user, api=api), environments=["Default"]
        )
        change_state(by=publisher_user, api=api, action="Publish")
        api.refresh_from_db()
        return api

    return build


@pytest.fixture
def browser(developer):
    client = Client()
    client.force_login(developer)
    return client


@pytest.mark.parametrize(
    ("kind", "scheme", "line"),
    [("WS", "wss://", "wscat"), ("SSE", "https://", "curl -k -N"), ("WEBSUB", "https://", "hub.mode")],
)
def test_pages_definition_and_topics(published, browser, kind, scheme, line):
    api = published(kind)
    page = browser.get(f"/devportal/apis/{api.pk}/").content.decode()
    assert f"{scheme}localhost" in page
    assert "inner.example" not in page
    assert line in page
    document = browser.get(f"{BASE}/apis/{api.pk}/swagger").json()
    assert document["asyncapi"].startswith("2.")
    assert {server["protocol"] + "://" for server in document["servers"].values()} >= {scheme}
    assert "inner.example" not in json.dumps(document)
    found = browser.get(f"{BASE}/apis/{api.pk}/topics").json()
    assert found["list"] == [{"apiId": str(api.pk), "name": "/news", "type": "subscriber"}]
    tryout = browser.get(f"/devportal/apis/{api.pk}/tryout/")
    assert tryout.status_code == 200
    assert ("data-console" in tryout.content.decode()) is (kind != "WEBSUB")
    if kind == "WS":
        assert "wss://localhost" in tryout.headers["content-security-policy"]


def test_callbacks_are_shown_to_their_owner_only(published, developer, browser, make_user):
    api = published("WEBSUB")
    application = create_application(by=developer, name="Mine")
    Subscription.objects.create(
        organisation=api.organisation.domain, environment="Default", api=str(api.pk), application=str(application.pk),
        topic="/news", callback="https://mine.example/cb", callback_hash="x", state=State.ACTIVE, secret="sealed-secret",
    )  # fmt: skip
    found = browser.get(f"{BASE}/webhooks/subscriptions?applicationId={application.pk}&apiId={api.pk}").json()
    assert [(one["topic"], one["callBackUrl"], one["deliveryStatus"]) for one in found["list"]] == [
        ("/news", "https://mine.example/cb", 0)
    ]
    assert "sealed-secret" not in json.dumps(found)
    assert "mine.example" in browser.get(f"/devportal/apis/{api.pk}/").content.decode()
    other = Client()
    other.force_login(make_user(api.organisation, "Internal/subscriber", username="other"))
    assert other.get(f"{BASE}/webhooks/subscriptions").json()["list"] == []
    assert other.get(f"{BASE}/webhooks/subscriptions?applicationId={application.pk}").status_code == 404
    assert "mine.example" not in other.get(f"/devportal/apis/{api.pk}/").content.decode()
    assert Client().get(f"{BASE}/webhooks/subscriptions").json()["list"] == []
    assert browser.get(f"{BASE}/webhooks/subscriptions?applicationId=x").status_code == 400


def test_apis_without_topics_have_none(publisher_user, browser):
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    change_state(by=publisher_user, api=api, action="Publish")
    assert browser.get(f"{BASE}/apis/{api.pk}/topics").json()["list"] == []
