"""Log levels of single APIs: the DevOps resource, who may, other tenants, and what gateways hear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apim.accounts.models import BuiltinRole, User
from apim.eventhub.models import Current
from publisher.actions.apis import delete_api
from publisher.models import Api
from tests.publisher.make import make_api
from tests.support.people import make_organisation, make_user

pytestmark = pytest.mark.django_db
BASE = "/api/am/devops/v0/tenant-logs"


def client_of(user: User) -> Client:
    """A browser session of `user`."""
    client = Client()
    client.force_login(user)
    return client


def put(user: User, api: Api, body: object, tenant: str = "carbon.super") -> Any:
    """The answer to a PUT of the log level."""
    return client_of(user).put(f"{BASE}/{tenant}/apis/{api.pk}", json.dumps(body), content_type="application/json")


def told(api: Api) -> list[str]:
    """The levels that gateways know of."""
    rows = Current.objects.filter(kind="log_level", key=str(api.pk))
    return [json.loads(row.record)["level"] for row in rows]


@pytest.fixture
def api() -> Api:
    """An API of the platform's organisation."""
    return make_api(make_user(make_organisation("carbon.super"), BuiltinRole.CREATOR, BuiltinRole.PUBLISHER))


@pytest.fixture
def operator(api: Api) -> User:
    """Somebody who operates the platform."""
    return make_user(api.organisation, BuiltinRole.DEVOPS)


def test_an_operator_raises_and_lowers_the_level(api: Api, operator: User) -> None:
    answer = put(operator, api, {"logLevel": "STANDARD"})
    assert answer.status_code == 200
    assert answer.json()["logLevel"] == "STANDARD"
    assert told(api) == ["STANDARD"]
    listed = client_of(operator).get(f"{BASE}/carbon.super/apis?logLevel=standard").json()["apis"]
    assert [(one["apiId"], one["context"]) for one in listed] == [(str(api.pk), api.context)]
    assert put(operator, api, {"logLevel": "off"}).status_code == 200
    assert told(api) == []
    assert client_of(operator).get(f"{BASE}/carbon.super/apis?logLevel=standard").json()["apis"] == []


def test_a_deleted_api_is_logged_no_more(api: Api, operator: User) -> None:
    put(operator, api, {"logLevel": "FULL"})
    delete_api(by=api.provider, api=Api.objects.get(pk=api.pk))
    assert told(api) == []


@pytest.mark.parametrize("level", ["LOUD", "", None, 7])
def test_an_unknown_level_is_refused_by_name(api: Api, operator: User, level: object) -> None:
    answer = put(operator, api, {"logLevel": level})
    assert answer.status_code == 400
    assert "OFF, BASIC, STANDARD, FULL" in answer.content.decode()
    assert told(api) == []


def test_only_operators_and_only_of_the_tenant(api: Api, operator: User) -> None:
    creator = make_user(api.organisation, BuiltinRole.CREATOR)
    assert put(creator, api, {"logLevel": "FULL"}).status_code == 403
    stranger = make_user(make_organisation("acme.example"), BuiltinRole.ADMIN)
    assert put(stranger, api, {"logLevel": "FULL"}).status_code == 404
    assert put(stranger, api, {"logLevel": "FULL"}, "acme.example").status_code == 404
    assert client_of(stranger).get(f"{BASE}/acme.example/apis").json()["apis"] == []
    assert told(api) == []
