"""Scopes of roles: what administrators map decides what tokens carry; aliases, refusals, tenants, entity tags."""

from __future__ import annotations

import pytest

from apim.accounts.models import AuditRow, Role
from apim.configuration import scopes
from apim.keymanager.actions.registration import register_client
from apim.keymanager.scopes import allowed
from tests.support.people import make_user

pytestmark = pytest.mark.django_db


def token_scopes(user, *wanted):
    client, _ = register_client(by=user, name="tool", grant_types=["password"])
    return allowed(wanted, client, user)


def test_the_mapping_decides_what_a_token_may_carry(admin, creator, rest):
    client, body = rest(admin), {"list": [{"name": "apim:api_publish", "roles": ["admin", "Internal/creator"]}]}
    assert scopes.granted(creator, ["apim:api_publish", "apim:api_create"]) == ["apim:api_create"]
    answer = client.call("put", "/system-scopes", body)
    assert answer.status_code == 200
    assert scopes.granted(creator, ["apim:api_publish", "apim:api_create"]) == ["apim:api_publish", "apim:api_create"]
    client.call("put", "/system-scopes", {"list": [{"name": "apim:api_create", "roles": ["admin"]}]})
    assert token_scopes(creator, "apim:api_publish", "apim:api_create", "apim:admin") == ["apim:api_publish"]
    row = AuditRow.objects.filter(action="configuration.scopes").first()
    assert row is not None and "RESTAPIScopes" in row.after


def test_an_alias_counts_as_its_role(admin, organisation, rest):
    Role.objects.create(organisation=organisation, name="makers")
    maker = make_user(organisation, "makers")
    assert not scopes.may_have(maker, "apim:api_create")
    answer = rest(admin).call(
        "put", "/system-scopes/role-aliases", {"list": [{"role": "Internal/creator", "aliases": ["makers"]}]}
    )
    assert answer.json()["list"] == [{"role": "Internal/creator", "aliases": ["makers"]}]
    assert scopes.may_have(maker, "apim:api_create")
    assert not scopes.may_have(maker, "apim:api_publish")


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/system-scopes", {"list": [{"name": "apim:nothing", "roles": ["admin"]}]}, "list.name"),
        ("/system-scopes", {"list": [{"name": "apim:api_view", "roles": ["nobody"]}]}, "list.roles"),
        ("/system-scopes", {"list": [{"name": "apim:admin", "roles": ["Internal/creator"]}]}, "RESTAPIScopes.Scope"),
        ("/system-scopes", {"list": [{"name": "apim:api_view", "roles": [1]}]}, "list[0].roles"),
        ("/system-scopes", {}, "list"),
        ("/system-scopes/role-aliases", {"list": [{"role": "Internal/creator", "aliases": ["nobody"]}]}, "list"),
        ("/system-scopes/role-aliases", {"list": "x"}, "list"),
    ],
)
def test_mistakes_name_their_field(admin, rest, path, body, place):
    answer = rest(admin).call("put", path, body)
    assert answer.status_code == 400
    assert place in [one["field"] for one in answer.json()["error"]]


def test_the_scope_of_a_user(admin, creator, rest):
    client = rest(admin)
    assert client.call("get", "/system-scopes/apim:api_create?username=creator").json()["name"] == "apim:api_create"
    assert client.call("get", "/system-scopes/apim:api_publish?username=creator").status_code == 404
    assert client.call("get", "/system-scopes/apim:api_create?username=nobody").status_code == 404
    assert client.call("get", "/system-scopes/apim:nothing").status_code == 404


def test_tenants_have_mappings_of_their_own(admin, other_organisation, creator, rest):
    boss = make_user(other_organisation, "admin", username="boss")
    rest(boss).call("put", "/system-scopes", {"list": [{"name": "apim:api_create", "roles": ["admin"]}]})
    assert scopes.may_have(creator, "apim:api_create")
    assert not scopes.may_have(make_user(other_organisation, "Internal/creator"), "apim:api_create")
    assert rest(creator).call("get", "/system-scopes").status_code == 403


def test_a_change_of_what_was_not_read_is_refused(admin, rest):
    client = rest(admin)
    tag = client.call("get", "/system-scopes")["ETag"]
    assert client.get("/api/am/admin/v4/system-scopes", headers={"If-None-Match": tag}).status_code == 304
    body = {"list": [{"name": "apim:bot_data", "roles": ["admin", "Internal/devops"]}]}
    assert client.call("put", "/system-scopes", body, headers={"If-Match": tag}).status_code == 200
    assert client.call("put", "/system-scopes", body, headers={"If-Match": tag}).status_code == 412
    assert client.call("put", "/system-scopes", body, headers={"If-Match": "*"}).status_code == 200
