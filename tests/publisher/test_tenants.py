"""No address of the publisher, page or REST, shows or changes anything of another organisation."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

import pytest
from django.urls import reverse

from publisher import urls as page_urls
from publisher.actions import client_certificates, endpoint_certificates
from publisher.actions.policies import add_policy
from publisher.actions.products import create_product
from publisher.api import urls as rest_urls
from publisher.models import (
    Api,
    ClientCertificate,
    Deployment,
    EndpointCertificate,
    LifecycleEvent,
    OperationPolicy,
    Revision,
)
from tests.publisher.conftest import BASE
from tests.publisher.make import deploy, make_api, make_service
from tests.publisher.test_policies import DEFINITION as SEQUENCE
from tests.publisher.test_policies import SPEC
from tests.support.client_certificate import make_client_certificate

DEFINITION = "openapi: 3.0.0\ninfo: {title: Secret, version: '1'}\npaths: {}\n"
COUNTED = (Api, Revision, Deployment, LifecycleEvent, ClientCertificate, EndpointCertificate, OperationPolicy)
VERBS = ("get", "post", "put", "delete", "patch", "head", "options")


@pytest.fixture
def secret(publisher_user):
    """An API of the first organisation, deployed."""
    api = make_api(publisher_user, name="SecretApi", context="/secret", tags=["hush"])
    deploy(publisher_user, api)
    return api


@dataclass
class Held:
    """What the first organisation has besides: certificates, a common policy and one of the API, a product."""

    caller: ClientCertificate
    backend: EndpointCertificate
    common: OperationPolicy
    own: OperationPolicy
    product: Api


@pytest.fixture
def held(secret, publisher_user, tmp_path):
    pem = make_client_certificate(tmp_path, "SecretApi").pem.encode()
    shown = {"displayName": "SecretApi"}
    resources = [{"api": str(secret.pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    return Held(
        client_certificates.add_certificate(by=publisher_user, api=secret, alias="caller", content=pem, tier="Gold"),
        endpoint_certificates.add_certificate(
            by=publisher_user, alias="backend", endpoint="https://SecretApi.example", content=pem
        ),
        add_policy(by=publisher_user, spec=json.dumps(SPEC | shown | {"name": "common"}), definition=SEQUENCE),
        add_policy(by=publisher_user, spec=json.dumps(SPEC | shown), definition=SEQUENCE, api=secret),
        create_product(
            by=publisher_user,
            name="SecretApiProduct",
            context="/both",
            version="1",
            resources=resources,
            plans=["Gold"],
        ),
    )


@pytest.fixture
def stranger(other_organisation, make_user):
    return make_user(other_organisation, "admin")


def state(api):
    counts = [model.objects.count() for model in COUNTED]
    return Api.objects.filter(pk=api.pk).values().get(), counts


def test_every_page_says_there_is_no_such_api(client, secret, held, stranger, publisher_user):
    client.force_login(stranger)
    service = make_service(publisher_user.organisation, DEFINITION)
    ids = {"api_id": secret.pk, "revision_id": secret.revisions.get().pk, "service_id": service.pk}
    ids |= {"policy_id": held.common.pk}
    before = state(secret)
    for pattern in page_urls.urlpatterns:
        ids["certificate_id"] = (held.caller if "api_id" in pattern.pattern.converters else held.backend).pk
        # What belongs to the API itself has real ids in the walk over every address (tests/tenants).
        wanted = {name: ids.get(name, uuid.uuid4()) for name in pattern.pattern.converters}
        address = reverse(f"publisher:{pattern.name}", kwargs=wanted)
        for verb in ("get", "post"):
            response = getattr(client, verb)(address)
            assert response.status_code in ((404, 405) if wanted else (200, 302, 400, 405)), (verb, address)
            assert "SecretApi" not in response.content.decode()
    assert state(secret) == before


@pytest.mark.parametrize("kind", ["api", "product"])
def test_every_resource_says_there_is_no_such_api(rest, secret, held, stranger, kind):
    client = rest(stranger)
    api = secret if kind == "api" else held.product
    ids = {"api_id": str(api.pk), "revision_id": str(secret.revisions.get().pk), "deployment_id": "Default"}
    ids |= {"level": "subscription", "name": "Gold"}
    about = f"apiId={api.pk}&apiProductId={api.pk}&revisionId={ids['revision_id']}"
    # in other letters than the name has, so that an echo of the question is no find
    query = f"?{about}&action=Publish&newVersion=2&serviceKey=x&query=name:secretapi"
    before = state(secret)
    for pattern in rest_urls.urlpatterns:
        path = str(pattern.pattern)
        inside = "<str:api_id>" in path
        ids["alias"] = (held.caller if inside else held.backend).alias
        ids["policy_id"] = str((held.own if inside else held.common).pk)
        for name, value in ids.items():
            path = path.replace(f"<str:{name}>", value)
        for verb in VERBS:
            response = client.call(
                verb, f"/{path}{query}", [{"name": "Default"}] if "deploy" in path and verb == "post" else None
            )
            assert response.status_code < 500, (verb, path)
            assert "SecretApi" not in response.content.decode(), (verb, path)
            owned = inside or {"policy_id", "alias"} & pattern.pattern.converters.keys()
            if owned and verb != "options":
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
    assert f"/t/acme.com/publisher/apis/{api.pk}/lifecycle/" in page
    assert client.get(f"{BASE}/apis").status_code == 200
