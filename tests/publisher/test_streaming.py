"""Streaming APIs: made by REST and from AsyncAPI, their topics, what gateways are told, and mistakes with their places."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.accounts.models import AuditRow
from apim.eventhub.models import Current
from gateway import schema
from publisher.actions.revisions import create_revision, deploy_revision
from publisher.actions.streaming import asyncapi_text, create_streaming, validate_asyncapi
from publisher.models import Api
from tests.publisher.make import make_api, plan

CORPUS = Path(__file__).parents[1] / "corpus" / "asyncapi"
CHAT = (CORPUS / "valid" / "chat.yaml").read_text()
ROOMS = {("SUBSCRIBE", "/rooms/{roomId}"), ("PUBLISH", "/rooms/{roomId}"), ("SUBSCRIBE", "/notifications")}


@pytest.fixture
def client(publisher_user, rest):
    for name in ("AsyncUnlimited", "AsyncWHUnlimited"):
        plan(publisher_user.organisation, name)
    return rest(publisher_user)


def told(api_id: str) -> schema.Api:
    return msgspec.json.decode(Current.objects.get(kind="api", key=f"Default:{api_id}").record, type=schema.Api)


def topics(body: dict) -> set[tuple[str, str]]:
    return {(one["verb"], one["target"]) for one in body["operations"]}


def deployed(publisher_user, api_id: str) -> schema.Api:
    api = Api.objects.get(pk=api_id)
    deploy_revision(by=publisher_user, revision=create_revision(by=publisher_user, api=api), environments=["Default"])
    return told(api_id)


def test_a_websocket_api_from_scratch(client, publisher_user):
    made = client.call(
        "post",
        "/apis",
        {
            "type": "WS", "name": "Chat", "context": "/chat", "version": "1", "policies": ["AsyncUnlimited"],
            "endpointConfig": {"endpoint_type": "ws", "production_endpoints": {"url": "ws://chat.example:8080/x"}},
        },
    )  # fmt: skip
    assert made.status_code == 201, made.json()
    body = made.json()
    assert (body["type"], topics(body), body["transport"]) == (
        "WS",
        {("SUBSCRIBE", "/*"), ("PUBLISH", "/*")},
        ["http", "https"],
    )
    body = client.call("put", f"/apis/{body['id']}", {"transport": ["wss"]}).json()
    record = deployed(publisher_user, body["id"])
    assert record.transports == ("wss",)
    assert (record.kind, record.production.url) == ("WS", "ws://chat.example:8080/x")


@pytest.mark.parametrize("given", ["WEBSUB", "WEBHOOK"])
def test_a_websub_api_has_a_sealed_secret(client, publisher_user, given):
    made = client.call(
        "post",
        "/apis",
        {
            "type": given, "name": "Orders", "context": "/orders", "version": "1", "policies": ["AsyncWHUnlimited"],
            "operations": [{"verb": "SUBSCRIBE", "target": "/new"}], "enableSubscriberVerification": True,
            "websubSubscriptionConfiguration": {"enable": True, "secret": "", "signingAlgorithm": "SHA256"},
        },
    )  # fmt: skip
    assert made.status_code == 201, made.json()
    body = made.json()
    settings = body["websubSubscriptionConfiguration"]
    assert (settings["enable"], settings["signingAlgorithm"], settings["signatureHeader"]) == (
        True,
        "SHA256",
        "x-hub-signature",
    )
    assert len(settings["secret"]) == 40
    assert body["enableSubscriberVerification"] is True
    api = Api.objects.get(pk=body["id"])
    assert settings["secret"] not in json.dumps(api.gateway_options)
    assert not AuditRow.objects.filter(after__icontains=settings["secret"]).exists()
    properties = dict(deployed(publisher_user, body["id"]).properties)
    assert properties["websub_secret"] == settings["secret"]
    assert (properties["websub_signed"], properties["subscriber_verification"]) == ("true", "true")
    changed = client.call("put", f"/apis/{body['id']}", {"websubSubscriptionConfiguration": {"secret": "mine"}}).json()
    assert changed["websubSubscriptionConfiguration"]["secret"] == "mine"


def test_wrong_types_and_settings_are_named(client):
    assert "type" in json.dumps(
        client.call("post", "/apis", {"type": "FTP", "name": "A", "context": "/a", "version": "1"}).json()
    )
    for settings in ({"signingAlgorithm": "MD5"}, {"signatureHeader": "a b"}, {"secret": 5}, {"secret": "x" * 300}):
        body = {
            "type": "WEBSUB",
            "name": "A",
            "context": "/a",
            "version": "1",
            "websubSubscriptionConfiguration": settings,
        }
        assert client.call("post", "/apis", body).status_code == 400, settings
    verb = {
        "type": "SSE",
        "name": "A",
        "context": "/a",
        "version": "1",
        "operations": [{"verb": "GET", "target": "/x"}],
    }
    assert client.call("post", "/apis", verb).status_code == 400


def test_import_of_a_definition(client, publisher_user):
    upload = {
        "file": SimpleUploadedFile("chat.yaml", CHAT.encode()),
        "additionalProperties": json.dumps(
            {"name": "Talk", "version": "1.1", "context": "/talk", "policies": ["AsyncUnlimited"]}
        ),
    }
    made = client.call("post", "/apis/import-asyncapi", upload, format="multipart")
    assert made.status_code == 201, made.json()
    body = made.json()
    assert (body["type"], body["name"], topics(body)) == ("WS", "Talk", ROOMS)
    record = deployed(publisher_user, body["id"])
    assert record.production.url == "wss://chat.example:8443/base"
    assert {(one.verb, one.target): one.scopes for one in record.operations}["PUBLISH", "/rooms/{roomId}"] == ("talk",)
    place = f"/apis/{body['id']}/asyncapi"
    assert client.call("get", place, HTTP_ACCEPT="application/yaml").content.decode() == CHAT
    assert client.call("get", place).json()["asyncapi"] == "2.4.0"


def test_topics_and_definition_stay_in_step(client, publisher_user):
    made = client.call(
        "post", "/apis/import-asyncapi", {"file": SimpleUploadedFile("c.yaml", CHAT.encode())}, format="multipart"
    )
    path = f"/apis/{made.json()['id']}"
    topic_list = {"list": [{"name": "notifications", "mode": "subscribe"}, {"name": "/new/{id}", "mode": "publish"}]}
    changed = client.call("put", f"{path}/topics", topic_list)
    assert changed.status_code == 200, changed.json()
    assert topics(changed.json()) == {("SUBSCRIBE", "/notifications"), ("PUBLISH", "/new/{id}")}
    document = yaml.safe_load(client.get(f"/api/am/publisher/v4{path}/asyncapi").content)
    assert set(document["channels"]) == {"notifications", "/new/{id}"}
    assert document["channels"]["/new/{id}"]["parameters"] == {"id": {"schema": {"type": "string"}}}
    back = client.call("put", f"{path}/asyncapi", {"apiDefinition": CHAT}, format="multipart")
    assert back.status_code == 200
    assert topics(client.call("get", path).json()) == ROOMS
    assert (
        client.call("put", f"{path}/asyncapi", {"apiDefinition": "asyncapi: 2.0.0"}, format="multipart").status_code
        == 400
    )
    assert client.call("put", f"{path}/topics", {"list": []}).status_code == 400


def test_a_definition_is_written_for_apis_without_one(publisher_user):
    plan(publisher_user.organisation)
    api = create_streaming(
        by=publisher_user, kind="SSE", name="News", context="/news", version="1", endpoint="http://news.example",
        operations=[{"verb": "SUBSCRIBE", "target": "/{topic}"}],
    )  # fmt: skip
    report = validate_asyncapi(asyncapi_text(api))
    assert report.valid
    assert report.suggestion["operations"] == [{"verb": "SUBSCRIBE", "target": "/{topic}", "auth": "any", "scopes": []}]


def test_other_apis_have_no_asyncapi(client, publisher_user):
    api = make_api(publisher_user)
    assert client.call("get", f"/apis/{api.pk}/asyncapi").status_code == 400
    assert client.call("put", f"/apis/{api.pk}/topics", {"list": [{"name": "/x"}]}).status_code == 400


@pytest.mark.parametrize("path", sorted((CORPUS / "valid").iterdir()), ids=lambda path: path.name)
def test_valid_definitions(client, path):
    answer = client.call(
        "post", "/apis/validate-asyncapi", {"file": SimpleUploadedFile("f", path.read_bytes())}, format="multipart"
    )
    body = answer.json()
    assert body["isValid"], body
    assert body["info"]["protocol"] in ("WS", "SSE")


@pytest.mark.parametrize("path", sorted((CORPUS / "invalid").glob("*.yaml")), ids=lambda path: path.name)
def test_mistakes_are_told_with_their_place(path):
    report = validate_asyncapi(path.read_text())
    told_ = "\n".join(f"{one.place}: {one.message}" for one in report.mistakes)
    assert path.with_suffix(".expect").read_text().strip() in told_


def test_somebody_elses_api_is_not_found(client, other_organisation, make_user):
    stranger = make_user(other_organisation, "Internal/creator", "Internal/publisher")
    plan(other_organisation)
    api = make_api(stranger)
    assert client.call("get", f"/apis/{api.pk}/asyncapi").status_code == 404
    assert client.call("put", f"/apis/{api.pk}/topics", {"list": [{"name": "/x"}]}).status_code == 404
