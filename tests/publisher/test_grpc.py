"""gRPC backends in the publisher: over REST, on the endpoints page, and in the gateways' record."""

from __future__ import annotations

import pytest

from publisher import records
from publisher.models import Api
from tests.publisher.make import deploy, make_api, plan

URL = "http://grpc.example:50051/films.Films"


@pytest.fixture
def client_of(publisher_user, rest):
    plan(publisher_user.organisation)
    return rest(publisher_user)


def test_rest_takes_and_shows_a_grpc_endpoint(client_of, publisher_user):
    config = {"endpoint_type": "grpc", "production_endpoints": {"url": URL}}
    body = {"name": "Films", "context": "/films.Films", "version": "1", "endpointConfig": config}
    made = client_of.call("post", "/apis", body)
    assert made.status_code == 201, made.json()
    shown = made.json()["endpointConfig"]
    assert (shown["endpoint_type"], shown["production_endpoints"]["url"]) == ("grpc", URL)
    api = Api.objects.get(pk=made.json()["id"])
    deploy(publisher_user, api)
    record = records.record(api.deployments.select_related("revision", "environment", "api__organisation").get())
    assert (record.production.kind, record.production.url) == ("grpc", URL)


def test_security_that_would_not_be_used_is_refused(client_of):
    config = {
        "endpoint_type": "grpc",
        "production_endpoints": {"url": URL},
        "endpoint_security": {"production": {"enabled": True, "type": "BASIC", "username": "a", "password": "b"}},
    }
    answer = client_of.call("post", "/apis", {"name": "F", "context": "/f", "version": "1", "endpointConfig": config})
    assert answer.status_code == 400
    assert "gRPC" in answer.json()["description"]


def test_the_endpoints_page_saves_one(client, publisher_user):
    api = make_api(publisher_user)
    client.force_login(publisher_user)
    path = f"/publisher/apis/{api.pk}/endpoints/"
    sent = {
        "part": "form",
        "kind": "grpc",
        "production_url": [URL],
        "production_weight": ["1"],
        "production_order": ["1"],
    }
    answer = client.post(path, sent)
    api.refresh_from_db()
    assert api.endpoints.get("production", {}).get("kind") == "grpc", answer.content.decode()[:3000]
    assert "One gRPC service" in client.get(path).content.decode()
