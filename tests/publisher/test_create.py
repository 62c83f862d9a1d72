"""Creating, updating, copying and deleting APIs."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from apim.accounts.models import AuditRow
from apim.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from apim.eventhub.models import Current, Event
from publisher import hooks
from publisher.actions.access import etag
from publisher.actions.apis import copy_api, create_api, delete_api, update_api
from publisher.checks import identity
from publisher.errors import InUse, Taken
from publisher.models import Api, State
from tests.publisher.make import BACKEND, deploy, make_api, plan


def wrong_fields(**fields):
    with pytest.raises(Invalid) as caught:
        create_api(**fields)
    return {error.field: error.message for error in caught.value.fields}


def test_without_operations_it_gets_every_verb_on_everything(creator):
    api = create_api(by=creator, name="Pizza", context="pizza/", version="1.0.0")
    assert (api.context, api.state, api.transports) == ("/pizza", State.CREATED, ["http", "https"])
    assert [(o.verb, o.target, o.auth, o.policy) for o in api.operations.all()] == [
        (verb, "/*", "any", "Unlimited") for verb in ("GET", "POST", "PUT", "DELETE", "PATCH")
    ]
    assert AuditRow.objects.get(action="api.create").target_id == str(api.pk)


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("name", "a/b", "name"),
        ("name", "", "name"),
        ("name", "x" * 61, "name"),
        ("version", "1 0", "version"),
        ("context", "/a//b", "context"),
        ("context", "/a/{id}", "context"),
        ("context", "/t/acme", "context"),
        ("context", "/", "context"),
        ("endpoints", {"production": {"url": "ftp://x/"}}, "endpoints.production.url"),
        ("endpoints", {"production": {"url": "http://a:b@x/"}}, "endpoints.production.url"),
        ("endpoints", {"production": {"url": "http://[::1"}}, "endpoints.production.url"),
        ("endpoints", {"sandbox": {"url": "http://x/", "timeout_ms": 0}}, "endpoints.sandbox.timeout_ms"),
        ("endpoints", {"other": {}}, "endpoints.other"),
        ("plans", ["Nickel"], "plans[0]"),
        ("plans", "Gold", "plans"),
        ("tags", ["ok", 5], "tags[1]"),
        ("transports", ["gopher"], "transports[0]"),
        ("security", ["prayer"], "security[0]"),
        ("authorization_header", "a b", "authorization_header"),
        ("cors", {"methods": ["BREW"]}, "cors.methods[0]"),
        ("cors", {"credentials": True}, "cors.credentials"),
        ("policy", "9KPerMin", "policy"),
        ("visibility", "SECRET", "visibility"),
        ("visible_roles", ["nobody"], "visible_roles[0]"),
        ("business_owner_email", "me", "business_owner_email"),
        ("additional_properties", [{"value": "x"}], "additional_properties[0].name"),
        ("operations", [{"verb": "BREW", "target": "/"}], "operations[0].verb"),
        ("operations", [{"verb": "GET", "target": "a"}], "operations[0].target"),
        ("operations", [{"verb": "GET", "target": "/{a"}], "operations[0].target"),
        ("operations", [{"verb": "GET", "target": "/", "policy": "None"}], "operations[0].policy"),
        ("operations", [{"verb": "GET", "target": "/", "auth": "all"}], "operations[0].auth"),
        ("operations", [{"verb": "GET", "target": "/"}, {"verb": "get", "target": "/"}], "operations[1]"),
        ("description", "\x00", "description"),
    ],
)
def test_a_wrong_value_is_refused_by_name(creator, field, value, place):
    good = {"name": "Pizza", "context": "/pizza", "version": "1.0.0"}
    found = wrong_fields(by=creator, **{**good, field: value})
    assert list(found) == [place]
    assert found[place]


def test_all_wrong_fields_are_named_at_once(creator):
    assert set(wrong_fields(by=creator, name="", context="", version="", tags=[1])) == {
        "name",
        "context",
        "version",
        "tags[0]",
    }


def test_name_and_context_are_taken_once(creator):
    make_api(creator, name="Pizza", context="/pizza", version="1.0.0")
    for name, context, version in (
        ("pizza", "/other", "1.0.0"),
        ("Pasta", "/pizza", "2.0.0"),
        ("Pasta", "/pizza/{version}", "1.0.0"),
    ):
        with pytest.raises(Taken):
            create_api(by=creator, name=name, context=context, version=version)


@pytest.mark.parametrize(
    ("name", "context", "version"),
    [
        ("Pasta", "/v2.0.0/menu", "1"),
        ("Pasta", "/v2.0.0", "menu"),
        ("Menu", "/v{version}/menu", "1.0.0"),
        ("MENU", "/x", "2.0.0"),
    ],
)
def test_addresses_with_the_version_inside_are_taken_too(creator, name, context, version):
    make_api(creator, name="Menu", context="/v{version}/menu", version="2.0.0")
    taken = (name, context, version) in (("Pasta", "/v2.0.0", "menu"), ("MENU", "/x", "2.0.0"))
    if taken:
        with pytest.raises(Taken):
            create_api(by=creator, name=name, context=context, version=version)
    else:
        create_api(by=creator, name=name, context=context, version=version)


def test_looking_for_what_is_taken_reads_only_what_is_near(creator):
    for number in range(5):
        make_api(creator, name=f"Pizza{number}", context=f"/pizza{number}", version="1.0.0")
    assert list(identity._near(creator.organisation, "New", "1.0.0", "/new", "/new/1.0.0")) == []
    found = list(identity._near(creator.organisation, "pizza3", "1.0.0", "/pizza1", "/pizza1/1.0.0"))
    assert {name for name, *_ in found} == {"Pizza3", "Pizza1"}


@pytest.mark.django_db(transaction=True)
def test_of_parallel_creations_one_gets_the_context(creator):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's in-memory test database has no second writer; run with --database=postgres")
    outcomes = []

    def work(number):
        try:
            create_api(by=creator, name=f"Pizza{number}", context="/pizza", version=f"{number}")
            outcomes.append("made")
        except Taken:
            outcomes.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["made", "taken", "taken", "taken"]


def test_only_designers_create(developer):
    with pytest.raises(Forbidden):
        create_api(by=developer, name="Pizza", context="/pizza", version="1.0.0")


def test_update_changes_what_it_names_and_no_more(creator):
    api = make_api(creator, tags=["food"], description="old")
    seen = etag(api)
    fresh = update_api(by=creator, api=api, expected=seen, description="new", plans=[])
    assert (fresh.description, fresh.tags, list(fresh.plans.all())) == ("new", ["food"], [])
    with pytest.raises(PreconditionFailed):
        update_api(by=creator, api=api, expected=seen, description="late")


def test_an_update_reaches_gateways_only_with_a_revision(publisher_user):
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    before = Event.objects.count()
    update_api(by=publisher_user, api=api, endpoints={"production": {"url": "http://new.example"}})
    assert Event.objects.count() == before


def test_one_version_is_the_default_and_gateways_follow_at_once(publisher_user):
    first = make_api(publisher_user, name="Pizza", context="/pizza", is_default_version=True)
    deploy(publisher_user, first)
    second = copy_api(by=publisher_user, api=first, version="2.0.0")
    deploy(publisher_user, second)
    assert '"default_context":"/pizza"' in Current.objects.get(key=f"Default:{first.pk}").record
    update_api(by=publisher_user, api=second, is_default_version=True)
    assert '"default_context"' not in Current.objects.get(key=f"Default:{first.pk}").record
    assert '"default_context":"/pizza"' in Current.objects.get(key=f"Default:{second.pk}").record
    assert list(Api.objects.filter(is_default_version=True)) == [second]


def test_a_copy_has_the_design_and_a_life_of_its_own(publisher_user):
    api = make_api(publisher_user, tags=["food"], operations=[{"verb": "GET", "target": "/menu"}])
    copy = copy_api(by=publisher_user, api=api, version="2.0.0")
    assert (copy.version, copy.context, copy.tags, copy.endpoints) == ("2.0.0", api.context, ["food"], api.endpoints)
    assert [o.target for o in copy.operations.all()] == ["/menu"]
    assert [p.name for p in copy.plans.all()] == ["Gold"]
    with pytest.raises(Invalid):
        copy_api(by=publisher_user, api=api, version="1.0.0")
    with pytest.raises(Taken):
        copy_api(by=publisher_user, api=api, version="2.0.0")


def test_delete_withdraws_and_is_refused_while_used(publisher_user, monkeypatch):
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    monkeypatch.setattr(hooks, "_usage", [lambda api: 2])
    with pytest.raises(InUse, match="2 subscriptions"):
        delete_api(by=publisher_user, api=api)
    monkeypatch.setattr(hooks, "_usage", [])
    delete_api(by=publisher_user, api=api)
    assert not Current.objects.filter(kind="api").exists()
    assert not Api.objects.exists()
    with pytest.raises(NotFound):
        update_api(by=publisher_user, api=api, description="x")


def test_another_organisations_api_does_not_exist(publisher_user, other_organisation, make_user):
    stranger = make_user(other_organisation, "admin")
    api = make_api(publisher_user)
    for write in (lambda: update_api(by=stranger, api=api, tags=[]), lambda: delete_api(by=stranger, api=api)):
        with pytest.raises(NotFound):
            write()


def test_a_plan_of_another_organisation_does_not_exist(creator, other_organisation):
    plan(other_organisation, "Platinum")
    assert set(
        wrong_fields(by=creator, name="P", context="/p", version="1", endpoints=BACKEND, plans=["Platinum"])
    ) == {"plans[0]"}


def test_tenants_have_the_same_names_without_meeting(creator, other_organisation, make_user):
    stranger = make_user(other_organisation, "Internal/creator")
    make_api(creator, name="Pizza", context="/pizza")
    other = make_api(stranger, name="Pizza", context="/t/acme.com/pizza")
    assert other.context == "/pizza"
