"""External stores: another installation gets an API over its REST API, once, keeps it in step, and loses it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apim.accounts.models import AuditRow
from apim.errors import ApimError
from publisher.actions.apis import update_api
from publisher.actions.lifecycle import change_state
from publisher.actions.stores import delete_store, save_store
from publisher.models import Api, ExternalStore, StorePublication
from tests.publisher.make import deploy, make_api
from tests.publisher.store_server import StoreServer
from tests.support.people import make_user

GOOD = {"display_name": "UK", "username": "admin", "password": "secret"}


@pytest.fixture
def there() -> Iterator[StoreServer]:
    with StoreServer() as server:
        yield server


@pytest.fixture
def store(admin: Any, there: StoreServer) -> ExternalStore:
    return save_store(by=admin, organisation=admin.organisation, name="uk", endpoint=there.url, **GOOD)


@pytest.fixture
def api(publisher_user: Any) -> Api:
    made = make_api(publisher_user, name="Orders", context="/orders", tags=["shop"])
    deploy(publisher_user, made)
    return change_state(by=publisher_user, api=made, action="Publish")


@pytest.fixture
def client(publisher_user: Any, rest: Any) -> Any:
    return rest(publisher_user)


def publish(client: Any, api: Api, *names: str) -> Any:
    return client.call("post", f"/apis/{api.pk}/publish-to-external-stores?externalStoreIds={','.join(names)}")


def test_an_api_is_made_kept_in_step_and_taken_away(client, api, store, there, publisher_user) -> None:
    first = publish(client, api, "uk")
    assert first.status_code == 200, first.json()
    assert [one["id"] for one in first.json()["list"]] == ["uk"]
    (copy,) = there.apis.values()
    assert (copy["name"], copy["version"], copy["context"], copy["tags"]) == ("Orders", "1.0.0", "/orders", ["shop"])
    assert copy["lifeCycleStatus"] == "PUBLISHED"
    info = copy["advertiseInfo"]
    assert info["advertised"] is True
    assert info["originalDevPortalUrl"].endswith(f"/devportal/apis/{api.pk}")
    assert info["apiExternalProductionEndpoint"].endswith("/orders/1.0.0")
    update_api(by=publisher_user, api=api, description="Newer")
    assert publish(client, api, "uk").status_code == 200
    (copy,) = there.apis.values()
    assert copy["description"] == "Newer"
    assert "/v1" not in there.calls
    assert client.call("get", f"/apis/{api.pk}/external-stores").json()["count"] == 1
    assert publish(client, api).json() == {"count": 0, "list": []}
    assert there.apis == {}
    actions = set(AuditRow.objects.filter(action__startswith="external_store.").values_list("action", flat=True))
    assert actions == {
        "external_store.save",
        "external_store.publish",
        "external_store.update",
        "external_store.withdraw",
    }


def test_a_lost_answer_makes_no_second_api(client, api, store, there) -> None:
    publish(client, api, "uk")
    StorePublication.objects.all().delete()
    assert publish(client, api, "uk").status_code == 200
    assert len(there.apis) == 1
    assert StorePublication.objects.count() == 1


@pytest.mark.parametrize("refuse", [401, 500, 302])
def test_a_store_that_refuses_changes_nothing_here(client, api, store, there, refuse) -> None:
    there.refuse = refuse
    answer = publish(client, api, "uk")
    assert (answer.status_code, answer.json()["code"]) == (409, 900917)
    assert str(refuse) in answer.json()["description"]
    assert not StorePublication.objects.exists()


def test_a_store_that_is_gone(client, api, store, there) -> None:
    there.__exit__()
    answer = publish(client, api, "uk")
    assert (answer.status_code, answer.json()["code"]) == (409, 900917)


def test_link_local_addresses_are_not_asked(client, api, admin) -> None:
    where = {"endpoint": "http://169.254.169.254/"}
    save_store(by=admin, organisation=admin.organisation, name="clouds", **GOOD, **where)
    answer = publish(client, api, "clouds")
    assert answer.status_code == 409
    assert "link-local" in answer.json()["description"]


def test_unknown_stores_and_unpublished_apis_are_refused(client, api, store, publisher_user, there) -> None:
    assert publish(client, api, "us").json()["error"][0]["field"] == "externalStoreIds"
    draft = make_api(publisher_user)
    assert publish(client, draft, "uk").status_code == 409
    assert there.calls == []


def test_creators_may_look_but_not_publish(api, store, creator, rest, there) -> None:
    assert rest(creator).call("get", "/external-stores").json()["list"] == [
        {"id": "uk", "displayName": "UK", "type": "wso2", "endpoint": there.url}
    ]
    assert publish(rest(creator), api, "uk").status_code == 403
    assert there.calls == []


def test_stores_belong_to_their_organisation(store, other_organisation, rest) -> None:
    stranger = make_user(other_organisation, "admin", username="boss")
    assert rest(stranger).call("get", "/external-stores").json()["count"] == 0
    with pytest.raises(ApimError):
        save_store(by=stranger, organisation=store.organisation, store=store, display_name="Mine")
    with pytest.raises(ApimError):
        delete_store(by=stranger, store=store)


def test_the_password_is_sealed_and_never_told(store, client, there) -> None:
    store.refresh_from_db()
    assert GOOD["password"] not in store.password
    assert "secret" not in client.call("get", "/external-stores").content.decode()
    assert not AuditRow.objects.filter(after__icontains="secret").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"endpoint": "ftp://x"}, "endpoint"),
        ({"endpoint": ""}, "endpoint"),
        ({"username": ""}, "username"),
        ({"password": ""}, "password"),
    ],
)
def test_wrong_fields_are_named(admin, changes, field) -> None:
    fields = {"name": "uk", "endpoint": "https://uk.example", **GOOD, **changes}
    with pytest.raises(ApimError) as caught:
        save_store(by=admin, organisation=admin.organisation, **fields)
    assert [one.field for one in caught.value.fields] == [field]


def test_the_admin_page_keeps_the_password_to_itself(admin, client_of_admin, store) -> None:
    place = "/admin/publisher/externalstore/"
    fields = {
        "organisation": store.organisation_id,
        "name": "us",
        "display_name": "US",
        "endpoint": "https://us.example",
    }
    made = client_of_admin.post(f"{place}add/", fields | {"username": "bob", "secret": "hush-hush"})
    assert made.status_code == 302, made.content[:3000]
    row = ExternalStore.objects.get(name="us")
    sealed = row.password
    assert "hush-hush" not in sealed
    page = client_of_admin.get(f"{place}{row.pk}/change/").content.decode()
    assert "hush-hush" not in page
    assert sealed not in page
    changed = client_of_admin.post(
        f"{place}{row.pk}/change/",
        {"display_name": "USA", "endpoint": "https://us.example", "username": "bob", "secret": ""},
    )
    assert changed.status_code == 302
    row.refresh_from_db()
    assert (row.display_name, row.password) == ("USA", sealed)
    assert "USA" in client_of_admin.get(place).content.decode()
    assert client_of_admin.post(f"{place}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ExternalStore.objects.filter(name="us").exists()


@pytest.fixture
def client_of_admin(admin: Any) -> Any:
    admin.is_staff = admin.is_superuser = True
    admin.save()
    one = Client()
    one.force_login(admin)
    return one
