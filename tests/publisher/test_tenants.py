"""No address of the publisher, page or REST, shows or changes anything of another organisation."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from publisher import urls as page_urls
from publisher.api import urls as rest_urls
from publisher.models import Api, Deployment, LifecycleEvent, Revision
from tests.publisher.conftest import BASE
from tests.publisher.make import deploy, make_api, make_service

DEFINITION = "openapi: 3.0.0\ninfo: {title: Secret, version: '1'}\npaths: {}\n"
VERBS = ("get", "post", "put", "delete", "patch", "head", "options")


@pytest.fixture
def secret(publisher_user):
    """An API of the first organisation, deployed."""
    api = make_api(publisher_user, name="SecretApi", context="/secret", tags=["hush"])
    deploy(publisher_user, api)
    return api


@pytest.fixture
def stranger(other_organisation, make_user):
    return make_user(other_organisation, "admin")


def state(api):
    counts = [model.objects.count() for model in (Api, Revision, Deployment, LifecycleEvent)]
    return Api.objects.filter(pk=api.pk).values().get(), counts


def test_every_page_says_there_is_no_such_api(client, secret, stranger, publisher_user):
    client.force_login(stranger)
    service = make_service(publisher_user.organisation, DEFINITION)
    ids = {"api_id": secret.pk, "revision_id": secret.revisions.get().pk, "service_id": service.pk}
    ids |= {"policy_id": publisher_user.organisation.operation_policies.first().pk, "certificate_id": 1}
    before = state(secret)
    for pattern in page_urls.urlpatterns:
        wanted = {name: ids[name] for name in pattern.pattern.converters}
        address = reverse(f"publisher:{pattern.name}", kwargs=wanted)
        for verb in ("get", "post"):
            response = getattr(client, verb)(address)
            assert response.status_code in ((404, 405) if wanted else (200, 400, 405)), (verb, address)
            assert "SecretApi" not in response.content.decode()
    assert state(secret) == before


def test_every_resource_says_there_is_no_such_api(rest, secret, stranger):
    client = rest(stranger)
    ids = {"api_id": str(secret.pk), "revision_id": str(secret.revisions.get().pk), "deployment_id": "Default"}
    ids |= {"level": "subscription", "name": "Gold"}
    query = f"?apiId={secret.pk}&action=Publish&newVersion=2&revisionId={ids['revision_id']}&serviceKey=x&query=name:SecretApi"
    before = state(secret)
    for pattern in rest_urls.urlpatterns:
        path = str(pattern.pattern)
        for name, value in ids.items():
            path = path.replace(f"<str:{name}>", value)
        for verb in VERBS:
            response = client.call(
                verb, f"/{path}{query}", [{"name": "Default"}] if "deploy" in path and verb == "post" else None
            )
            assert response.status_code < 500, (verb, path)
            assert "SecretApi" not in response.content.decode(), (verb, path)
            if "<str:api_id>" in str(pattern.pattern) and verb != "options":
                assert response.status_code in (404, 405, 400, 415), (verb, path, response.status_code)
    assert state(secret) == before


def test_strange_ids_are_not_found(rest, publisher_user):
    client = rest(publisher_user)
    for identifier in ("x", "0", str(uuid.uuid4()), "%00", "a" * 500, "null"):
        assert client.call("get", f"/apis/{identifier}").status_code == 404


def test_below_the_tenants_path_pages_keep_to_it(client, stranger):
    api = make_api(stranger, name="Ours")
    client.force_login(stranger)
    page = client.get(f"/t/acme.com/publisher/apis/{api.pk}/").content.decode()
    assert f"/t/acme.com/publisher/apis/{api.pk}/operations/" in page
    assert client.get(f"{BASE}/apis").status_code == 200
