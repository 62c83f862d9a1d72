"""Shared scopes: who may, what is refused, what APIs and gateways make of them; categories and custom properties of APIs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest

from apim.errors import Conflict, Forbidden, Invalid, NotFound
from apim.eventhub.models import Current
from publisher.actions.scopes import create_scope, delete_scope, update_scope
from publisher.errors import InUse
from publisher.models import ApiCategory, SharedScope
from tests.publisher.make import deploy, make_api
from tests.support.people import make_user

READ = [{"verb": "GET", "target": "/pizzas", "scopes": ["pizza:read"]}]


def running():
    """What gateways are told of the scopes' roles."""
    return json.loads(Current.objects.get(kind="api").record).get("scope_roles")


def test_an_api_that_uses_a_shared_scope_shows_it_as_the_organisation_has_it(rest, creator):
    create_scope(by=creator, name="pizza:read", display_name="Read", roles=["Internal/creator"])
    api = make_api(creator, operations=READ)
    path = f"/apis/{api.pk}"
    shown = rest(creator).call("get", path).json()["scopes"]
    assert [(one["scope"]["displayName"], one["scope"]["bindings"], one["shared"]) for one in shown] == [
        ("Read", ["Internal/creator"], True)
    ]
    changed = [{"scope": {"name": "pizza:read", "bindings": ["admin"], "description": "Mine"}, "shared": True}]
    assert rest(creator).call("put", path, {"scopes": changed}).json()["scopes"] == shown
    assert rest(creator).call("get", "/scopes").json()["list"][0]["usageCount"] == 1
    rest(creator).call("put", path, {"operations": [{"verb": "GET", "target": "/pizzas"}]})
    assert rest(creator).call("get", "/scopes").json()["list"][0]["usageCount"] == 0


def test_a_local_scope_keeps_its_texts_and_roles(rest, creator):
    path = f"/apis/{make_api(creator, operations=READ).pk}"
    scope = {"name": "pizza:read", "displayName": "Read", "description": "See", "bindings": ["admin"]}
    answer = rest(creator).call("put", path, {"scopes": [{"scope": scope, "shared": False}]})
    assert answer.json()["scopes"] == [{"scope": scope, "shared": False}]


def test_a_used_scope_stays(rest, creator):
    scope = create_scope(by=creator, name="pizza:read")
    api = make_api(creator, operations=READ)
    with pytest.raises(InUse, match=api.name):
        delete_scope(by=creator, scope=scope)
    assert rest(creator).call("delete", f"/scopes/{scope.pk}").status_code == 409
    usage = rest(creator).call("get", f"/scopes/{scope.pk}/usage").json()
    assert usage["usedApiList"][0]["usedResourceList"] == [{"target": "/pizzas", "verb": "GET"}]
    api.delete()
    assert rest(creator).call("delete", f"/scopes/{scope.pk}").status_code == 200


def test_gateways_follow_the_roles_of_a_shared_scope(publisher_user):
    scope = create_scope(by=publisher_user, name="pizza:read", roles=["admin"])
    deploy(publisher_user, make_api(publisher_user, operations=READ))
    assert running() == [["pizza:read", ["admin"]]]
    update_scope(by=publisher_user, scope=scope, roles=["Internal/creator"])
    assert running() == [["pizza:read", ["Internal/creator"]]]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "two words"},
        {"name": 'a"b'},
        {"name": "a\\b"},
        {"name": "é"},
        {"name": "x" * 256},
        {"name": "apim:api_view"},
        {"name": "openid"},
        {"name": "a", "roles": ["nobody"]},
        {"name": "a", "roles": "admin"},
        {"name": "a", "description": "x" * 513},
        {"name": "a", "display_name": 5},
    ],
)
def test_what_is_no_scope_is_refused(creator, fields):
    with pytest.raises(Invalid):
        create_scope(by=creator, **fields)


def test_names_are_unique_and_do_not_take_over_local_ones(rest, creator):
    create_scope(by=creator, name="a")
    assert rest(creator).call("post", "/scopes", {"name": "a"}).status_code == 409
    make_api(creator, operations=READ)
    with pytest.raises(Conflict, match="alone"):
        create_scope(by=creator, name="pizza:read")


def test_who_may(rest, creator, other_organisation):
    scope = create_scope(by=creator, name="a")
    for role in ("Internal/publisher", "Internal/devops"):
        user = make_user(creator.organisation, role)
        with pytest.raises(Forbidden):
            create_scope(by=user, name="b")
        assert rest(user).call("get", f"/scopes/{scope.pk}").status_code == 200
    assert rest(make_user(creator.organisation, "Internal/subscriber")).call("get", "/scopes").status_code == 403
    stranger = make_user(other_organisation, "admin")
    assert rest(stranger).call("get", "/scopes").json()["list"] == []
    assert rest(stranger).call("get", f"/scopes/{scope.pk}").status_code == 404
    assert rest(stranger).call("head", "/scopes/a").status_code == 404
    with pytest.raises(NotFound):
        delete_scope(by=stranger, scope=scope)
    create_scope(by=stranger, name="a")


def test_names_are_asked_for_plain_or_encoded(rest, creator):
    create_scope(by=creator, name="pizza:read")
    make_api(creator, operations=[{"verb": "GET", "target": "/a", "scopes": ["local"]}])
    encoded = urlsafe_b64encode(b"pizza:read").decode().rstrip("=")
    for name, status in (("pizza:read", 200), (encoded, 200), ("local", 200), ("nothing", 404)):
        assert rest(creator).call("head", f"/scopes/{name}").status_code == status


def test_the_name_stays(rest, creator):
    scope = create_scope(by=creator, name="a", roles=["admin"])
    assert rest(creator).call("put", f"/scopes/{scope.pk}", {"name": "b"}).status_code == 400
    body = rest(creator).call("put", f"/scopes/{scope.pk}", {"name": "a", "description": "New", "bindings": []}).json()
    assert (body["description"], body["bindings"]) == ("New", [])
    assert SharedScope.objects.get().roles == []


def test_lists_take_the_same_number_of_queries(rest, creator, django_assert_max_num_queries):
    for number in range(40):
        create_scope(by=creator, name=f"scope{number}")
    make_api(creator, operations=[{"verb": "GET", "target": "/a", "scopes": [f"scope{n}" for n in range(40)]}])
    client = rest(creator)
    with django_assert_max_num_queries(7):
        body = client.call("get", "/scopes?limit=40").json()
    assert [one["usageCount"] for one in body["list"]] == [1] * 40


def test_categories_of_an_api(rest, creator, other_organisation):
    for organisation, name in (
        (creator.organisation, "Food"),
        (creator.organisation, "Fun"),
        (other_organisation, "Secret"),
    ):
        ApiCategory.objects.create(organisation=organisation, name=name)
    api = make_api(creator)
    path = f"/apis/{api.pk}"
    assert rest(creator).call("put", path, {"categories": ["food", "Fun"]}).json()["categories"] == ["Food", "Fun"]
    for wrong in (["Secret"], ["Nothing"], "Food", [5]):
        assert rest(creator).call("put", path, {"categories": wrong}).status_code == 400
    assert rest(creator).call("put", path, {"categories": []}).json()["categories"] == []
    assert [one["name"] for one in rest(creator).call("get", "/api-categories").json()["list"]] == ["Food", "Fun"]


@pytest.mark.parametrize("name", ["Provider", "name", "two words", "tags", ""])
def test_reserved_names_of_custom_properties(rest, creator, name):
    body = {"additionalProperties": [{"name": name, "value": "x", "display": False}]}
    assert rest(creator).call("put", f"/apis/{make_api(creator).pk}", body).status_code == 400


def test_custom_properties_are_shown_in_the_portal_when_their_name_says_so(rest, creator):
    body = {"additionalProperties": [{"name": "Team__display", "value": "Blue"}, {"name": "Cost", "value": "1"}]}
    shown = rest(creator).call("put", f"/apis/{make_api(creator).pk}", body).json()["additionalProperties"]
    assert {one["name"]: one["display"] for one in shown} == {"Team": True, "Cost": False}
