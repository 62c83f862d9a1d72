"""API products: resources of several APIs under one context, from design to what gateways are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apim.accounts.models import User
from apim.errors import Conflict, Invalid, NotFound
from apim.eventhub.models import Current
from portal.actions.applications import create_application
from portal.actions.subscriptions import subscribe
from publisher import hooks, products
from publisher.actions.apis import copy_api, delete_api, update_api
from publisher.actions.lifecycle import change_state
from publisher.actions.products import create_product, refresh_product, update_product
from publisher.actions.revisions import restore_revision
from publisher.errors import InUse, NoEndpoint
from publisher.models import Api
from tests.publisher.make import deploy, make_api, plan
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
MENU, ORDER, STATUS = (
    {"verb": "GET", "target": "/menu", "auth": "none"},
    {"verb": "POST", "target": "/order", "scopes": ["order:write"]},
    {"verb": "GET", "target": "/status/{id}", "auth": "user"},
)


def told(api: Api) -> dict[str, Any]:
    return json.loads(Current.objects.get(kind="api", key=f"Default:{api.pk}").record)


def backend(name: str) -> dict[str, Any]:
    return {"production": {"url": f"http://{name}.example"}, "sandbox": {"url": f"http://{name}-sand.example"}}


@pytest.fixture
def pizza(publisher_user: User) -> Api:
    flows = {"request": [{"name": "addHeader", "parameters": {"headerName": "x", "headerValue": "y"}}]}
    return make_api(publisher_user, operations=[MENU, ORDER], endpoints=backend("pizza"), flows=flows)


@pytest.fixture
def delivery(publisher_user: User) -> Api:
    return make_api(publisher_user, operations=[STATUS, MENU], endpoints=backend("delivery"))


def resources(pizza: Api, delivery: Api) -> list[dict[str, Any]]:
    return [{"api": str(pizza.pk), "operations": [MENU, ORDER]}, {"api": str(delivery.pk), "operations": [STATUS]}]


@pytest.fixture
def product(publisher_user: User, pizza: Api, delivery: Api) -> Api:
    plan(publisher_user.organisation)
    return create_product(
        by=publisher_user, name="Meal", context="/meal", version="1.0.0",
        resources=resources(pizza, delivery), plans=["Gold"],
    )  # fmt: skip


def test_each_resource_goes_to_its_own_apis_backend(product, pizza, delivery, publisher_user):
    deploy(publisher_user, product)
    record = told(product)
    found = {f"{one['verb']} {one['target']}": one for one in record["operations"]}
    assert (record["kind"], record["context"], "production" in record) == ("PRODUCT", "/meal/1.0.0", False)
    assert list(found) == ["GET /menu", "POST /order", "GET /status/{id}"]
    assert found["GET /menu"]["production"]["url"] == "http://pizza.example"
    assert found["GET /status/{id}"]["sandbox"]["url"] == "http://delivery-sand.example"
    assert (found["GET /menu"]["source"], found["GET /menu"]["auth"]) == (str(pizza.pk), "none")
    assert (found["POST /order"]["scopes"], found["GET /status/{id}"]["auth"]) == (["order:write"], "user")
    assert found["GET /menu"]["flows"]["request"][0]["name"] == "addHeader"
    assert "flows" not in found["GET /status/{id}"]


def test_it_serves_the_deployed_design_and_says_when_that_is_another(product, pizza, publisher_user):
    deploy(publisher_user, pizza)
    first = deploy(publisher_user, product)
    update_api(by=publisher_user, api=pizza, endpoints=backend("draft"))
    assert not products.is_outdated(product)
    deploy(publisher_user, pizza)
    assert products.is_outdated(product)
    assert told(product)["operations"][0]["production"]["url"] == "http://pizza.example"
    deploy(publisher_user, product)
    assert told(product)["operations"][0]["production"]["url"] == "http://draft.example"
    assert not products.is_outdated(product)
    update_api(by=publisher_user, api=pizza, operations=[{**MENU, "auth": "user"}, ORDER])
    deploy(publisher_user, pizza)
    assert products.is_outdated(product)
    refresh_product(by=publisher_user, product=product)
    assert product.operations.get(target="/menu").auth == "user"
    deploy(publisher_user, product)
    assert not products.is_outdated(product)
    restore_revision(by=publisher_user, revision=first)
    assert product.operations.get(target="/menu").auth == "none"


def test_a_change_of_other_operations_does_not_make_it_outdated(product, delivery, publisher_user):
    deploy(publisher_user, product)
    update_api(by=publisher_user, api=delivery, operations=[STATUS])
    assert not products.is_outdated(product)
    update_api(by=publisher_user, api=delivery, operations=[MENU])
    assert products.is_outdated(product)


def test_what_is_used_is_not_deleted(product, pizza, publisher_user, monkeypatch):
    with pytest.raises(InUse, match=r"Meal 1\.0\.0"):
        delete_api(by=publisher_user, api=pizza)
    monkeypatch.setattr(hooks, "_usage", [lambda api: 1 if api.pk == product.pk else 0])
    with pytest.raises(InUse, match="1 subscription"):
        delete_api(by=publisher_user, api=product)
    monkeypatch.setattr(hooks, "_usage", [])
    delete_api(by=publisher_user, api=product)
    delete_api(by=publisher_user, api=pizza)


def test_it_lives_like_an_api(product, pizza, publisher_user):
    deploy(publisher_user, product)
    change_state(by=publisher_user, api=product, action="Publish")
    assert told(product)["lifecycle"] == "PUBLISHED"
    second = copy_api(by=publisher_user, api=product, version="2.0.0")
    assert (second.kind, second.operations.filter(source=pizza).count()) == ("PRODUCT", 2)
    with pytest.raises(Conflict):
        create_product(by=publisher_user, name="Meal", context="/meal", version="1.0.0",
                       resources=[{"api": pizza.pk, "operations": [MENU]}])  # fmt: skip


def test_a_product_of_an_api_without_backend_is_not_deployed(publisher_user):
    bare = make_api(publisher_user, endpoints={}, operations=[MENU])
    product = create_product(by=publisher_user, name="Bare", context="/bare", version="1",
                             resources=[{"api": str(bare.pk), "operations": [MENU]}])  # fmt: skip
    with pytest.raises(NoEndpoint, match=bare.name):
        deploy(publisher_user, product)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda one, other: [], "apis"),
        (lambda one, other: "pizza", "apis"),
        (lambda one, other: [5], "apis[0]"),
        (lambda one, other: [{"api": "x", "operations": []}], "apis[0].apiId"),
        (lambda one, other: [{"api": str(one.pk), "operations": [STATUS]}], "apis[0].operations[0]"),
        (lambda one, other: [{"api": str(one.pk), "operations": "all"}], "apis[0].operations"),
        (
            lambda one, other: [
                {"api": str(one.pk), "operations": [MENU]},
                {"api": str(other.pk), "operations": [MENU]},
            ],
            "apis[1].operations[0]",
        ),
    ],
)
def test_wrong_resources_are_named(change, field, pizza, delivery, publisher_user):
    with pytest.raises(Invalid) as refused:
        create_product(by=publisher_user, name="X", context="/x", version="1", resources=change(pizza, delivery))
    assert field in [one.field for one in refused.value.fields]


def test_no_product_holds_a_product_or_another_tenants_api(product, publisher_user, other_organisation):
    stranger = make_user(other_organisation, "Internal/publisher")
    foreign = make_api(stranger, operations=[MENU])
    for api in (product, foreign):
        with pytest.raises(Invalid):
            create_product(by=publisher_user, name="X", context="/x", version="1",
                           resources=[{"api": str(api.pk), "operations": [MENU]}])  # fmt: skip
    with pytest.raises(NotFound):
        update_product(by=stranger, product=product, description="mine")
    with pytest.raises(Invalid, match="Comes from no API"):
        update_api(by=publisher_user, api=product, operations=[{"verb": "GET", "target": "/new"}])


def test_rest(rest, pizza, delivery, publisher_user, other_organisation):
    plan(publisher_user.organisation)
    client = rest(publisher_user)
    apis = [{"apiId": str(pizza.pk), "operations": [MENU, ORDER]}, {"apiId": str(delivery.pk), "operations": [STATUS]}]
    body = {"name": "Meal", "context": "/meal", "policies": ["Gold"], "apis": apis}
    made = client.call("post", "/api-products", body)
    assert made.status_code == 201, made.json()
    one = f"/api-products/{made.json()['id']}"
    assert (made["Location"], made.json()["version"], made.json()["apiType"]) == (one, "1.0.0", "APIPRODUCT")
    assert [len(api["operations"]) for api in made.json()["apis"]] == [2, 1]
    assert client.call("post", "/api-products", body).status_code == 409
    wrong = client.call("post", "/api-products", {**body, "name": "M2", "context": "/m2", "apis": [{"apiId": "x"}]})
    assert (wrong.status_code, "apis[0].apiId" in wrong.content.decode()) == (400, True)
    assert client.call("get", "/api-products").json()["list"][0]["state"] == "CREATED"
    assert all(row["name"] != "Meal" for row in client.call("get", "/apis").json()["list"])
    assert client.call("get", f"/apis/{made.json()['id']}").status_code == 404
    assert client.call("get", f"/api-products/{pizza.pk}").status_code == 404
    assert client.call("put", one, {"context": "/other"}).status_code == 400
    changed = client.call("put", one, {**made.json(), "description": "New", "apis": apis[:1]})
    assert (changed.status_code, len(changed.json()["apis"]), changed.json()["description"]) == (200, 1, "New")
    assert client.call("put", one, {"description": "x"}, headers={"If-Match": '"old"'}).status_code == 412
    revision = client.call("post", f"{one}/revisions", {"description": "r"}).json()
    where = [{"name": "Default", "vhost": "localhost", "displayOnDevportal": True}]
    assert client.call("post", f"{one}/deploy-revision?revisionId={revision['id']}", where).status_code == 201
    assert client.call("get", f"{one}/deployments").json()["count"] == 1
    assert client.call("get", f"{one}/is-outdated").json() == {"isOutdated": False}
    update_api(by=publisher_user, api=pizza, endpoints=backend("elsewhere"))
    assert client.call("get", f"{one}/is-outdated").json() == {"isOutdated": True}
    answer = client.call("post", f"/api-products/change-lifecycle?apiId={made.json()['id']}&action=Publish")
    assert answer.json()["lifecycleState"]["state"] == "Published"
    assert client.call("get", f"{one}/lifecycle-state").json()["state"] == "Published"
    assert "/order" in client.call("get", f"{one}/swagger").content.decode()
    stranger = rest(make_user(other_organisation, "Internal/publisher"))
    assert stranger.call("get", one).status_code == 404
    assert client.call("delete", one).status_code == 200
    assert client.call("get", one).status_code == 404


def test_pages(pizza, delivery, publisher_user, creator):
    client = Client()
    client.force_login(publisher_user)
    page = client.get("/publisher/create/product/").content.decode()
    assert str(pizza.pk) in page and "Choose resources" in page
    query = f"?api={pizza.pk}&api={delivery.pk}&api=nonsense"
    page = client.get(f"/publisher/create/product/{query}").content.decode()
    assert f'value="{pizza.pk} GET /menu"' in page and f'value="{delivery.pk} GET /status/{{id}}"' in page
    sent = {"api": [str(pizza.pk), str(delivery.pk)], "name": "Meal", "context": "/meal", "version": "1.0.0"}
    both = [f"{pizza.pk} GET /menu", f"{delivery.pk} GET /menu"]
    refused = client.post("/publisher/create/product/", {**sent, "resource": both})
    assert (refused.status_code, "is there already" in refused.content.decode()) == (400, True)
    assert client.post("/publisher/create/product/", sent).status_code == 400
    refused = client.post("/publisher/create/product/", {**sent, "name": "a/b", "resource": both[:1]})
    assert (refused.status_code, " checked" in refused.content.decode()) == (400, True)
    made = client.post("/publisher/create/product/", {**sent, "resource": both[:1]})
    product = Api.objects.get(name="Meal")
    assert (made.status_code, made["Location"]) == (302, f"/publisher/apis/{product.pk}/")
    page = client.get(f"/publisher/apis/{product.pk}/operations/", follow=True).content.decode()
    assert page.count(" checked") == 1
    page = client.get(f"/publisher/apis/{product.pk}/operations/resources/?api={delivery.pk}").content.decode()
    assert f'value="{delivery.pk} GET /status/{{id}}"' in page
    client.post(
        f"/publisher/apis/{product.pk}/operations/resources/",
        {"resource": [*both[:1], f"{delivery.pk} GET /status/{{id}}"]},
    )
    assert product.operations.count() == 2
    deploy(publisher_user, product)
    update_api(by=publisher_user, api=pizza, operations=[{**MENU, "auth": "user"}])
    assert "has changed since" in client.get(f"/publisher/apis/{product.pk}/").content.decode()
    client.post(f"/publisher/apis/{product.pk}/operations/resources/refresh/")
    assert product.operations.get(target="/menu").auth == "user"
    assert "Meal 1.0.0" in client.get(f"/publisher/apis/{pizza.pk}/").content.decode()
    assert client.get(f"/publisher/apis/{pizza.pk}/operations/resources/").status_code == 404
    for name in ("endpoints", "plans", "definition", "deployments", "lifecycle", "info"):
        assert client.get(f"/publisher/apis/{product.pk}/{name}/").status_code == 200, name
    assert "product" in client.get("/publisher/").content.decode()


def test_it_is_found_and_subscribed_to_in_the_portal(product, publisher_user, developer):
    deploy(publisher_user, product)
    change_state(by=publisher_user, api=product, action="Publish")
    client = Client()
    client.force_login(developer)
    assert "Meal" in client.get("/devportal/").content.decode()
    page = client.get(f"/devportal/apis/{product.pk}/").content.decode()
    assert "/meal/1.0.0" in page
    definition = client.get(f"/devportal/apis/{product.pk}/definition.json").json()
    assert set(definition["paths"]) == {"/menu", "/order", "/status/{id}"}
    application = create_application(by=developer, name="Shop")
    subscribe(by=developer, application=application, api=product, plan="Gold")
    assert json.loads(Current.objects.get(kind="subscription").record)["api"] == str(product.pk)
    with pytest.raises(InUse, match="1 subscription"):
        delete_api(by=publisher_user, api=product)
