"""Pages of streaming APIs in the publisher."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from publisher.actions.revisions import create_revision, deploy_revision
from publisher.models import Api
from tests.publisher.make import make_api, plan

CHAT = (Path(__file__).parents[1] / "corpus" / "asyncapi" / "valid" / "chat.yaml").read_text()


@pytest.fixture
def browser(publisher_user):
    for name in ("AsyncUnlimited", "AsyncWHUnlimited"):
        plan(publisher_user.organisation, name)
    client = Client()
    client.force_login(publisher_user)
    return client


def make(browser, kind: str, **fields: str) -> Api:
    body = {"kind": kind, "name": f"Api{kind}", "context": f"/{kind.lower()}", "version": "1", "endpoint": ""} | fields
    answer = browser.post("/publisher/create/streaming/", body)
    assert answer.status_code == 302, answer.content.decode()
    return Api.objects.get(name=body["name"])


@pytest.mark.parametrize(("kind", "endpoint"), [("WS", "ws://b.example"), ("SSE", "https://b.example"), ("WEBSUB", "")])
def test_every_kind_is_made_and_all_its_pages_open(browser, publisher_user, kind, endpoint):
    api = make(browser, kind, endpoint=endpoint)
    assert api.kind == kind
    assert {plan.name for plan in api.plans.all()} == {"AsyncWHUnlimited" if kind == "WEBSUB" else "AsyncUnlimited"}
    revision = create_revision(by=publisher_user, api=api)
    deploy_revision(by=publisher_user, revision=revision, environments=["Default"])
    for page in ("", "info/", "operations/", "endpoints/", "plans/", "definition/", "deployments/", "lifecycle/"):
        assert browser.get(f"/publisher/apis/{api.pk}/{page}").status_code == 200, page
    assert "asyncapi" in browser.get(f"/publisher/apis/{api.pk}/definition/").content.decode()


def test_wrong_fields_are_shown_at_their_place(browser):
    answer = browser.post(
        "/publisher/create/streaming/",
        {"kind": "WS", "name": "A", "context": "/a", "version": "1", "endpoint": "ftp://x"},
    )
    assert answer.status_code == 400
    assert "must look like" in answer.content.decode()


def test_import_in_two_steps(browser):
    wrong = browser.post("/publisher/create/asyncapi/", {"text": "asyncapi: 2.4.0\ninfo: {title: A}\n"})
    assert wrong.status_code == 400
    assert "&#x27;version&#x27; is a required property" in wrong.content.decode()
    review = browser.post("/publisher/create/asyncapi/", {"text": CHAT})
    assert review.status_code == 200
    assert "/rooms/{roomId}" in review.content.decode()
    fields = {
        "kind": "WS",
        "name": "Chat",
        "context": "/chat",
        "version": "1",
        "endpoint": "wss://b.example",
        "text": CHAT,
    }
    assert browser.post("/publisher/create/asyncapi/", fields).status_code == 302
    assert Api.objects.get(name="Chat").operations.count() == 3


def test_websub_has_no_backend_to_ask_for(browser):
    api = make(browser, "WEBSUB")
    text = browser.get(f"/publisher/apis/{api.pk}/endpoints/").content.decode()
    assert "production_url" not in text
    assert "publishers send their events" in text
    assert "Set the endpoint" not in browser.get(f"/publisher/apis/{api.pk}/").content.decode()


def test_the_topics_page_of_websub(browser, publisher_user, make_user):
    api = make(browser, "WEBSUB")
    page = f"/publisher/apis/{api.pk}/operations/topics/"
    saved = browser.post(
        page, {"enabled": "on", "algorithm": "SHA256", "header": "x-hub-signature", "secret": "", "verify": "on"}
    )
    assert saved.status_code == 302, saved.content.decode()
    secret = browser.get(f"/api/am/publisher/v4/apis/{api.pk}").json()["websubSubscriptionConfiguration"]["secret"]
    revision = create_revision(by=publisher_user, api=Api.objects.get(pk=api.pk))
    deploy_revision(by=publisher_user, revision=revision, environments=["Default"])
    text = browser.get(page).content.decode()
    assert secret in text
    assert "/websub/1/webhooks_events_receiver_resource?topic=/*" in text
    reader = Client()
    reader.force_login(make_user(api.organisation, "Internal/devops", username="operator"))
    assert secret not in reader.get(page).content.decode()
    assert secret not in reader.get(f"/api/am/publisher/v4/apis/{api.pk}").content.decode()
    other = make_api(publisher_user, plans=["AsyncUnlimited"])
    assert browser.get(f"/publisher/apis/{other.pk}/operations/topics/").status_code == 404
