"""The developer portal's REST contract over HTTP: fields, codes, paging, entity tags."""

from __future__ import annotations

import base64
import uuid
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient

from apim.accounts.models import Organisation, User
from apim.keymanager.actions.clients import create_client
from publisher.models import Api, State, Visibility
from tests.portal.builders import basic, current, make_api, make_application, make_key, make_subscription, rest
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db
ROOT = "/api/am/devportal/v3"


def test_the_list_is_open_paged_and_shows_what_may_be_seen(developer: User) -> None:
    for name in ("Alpha", "Beta", "Gamma"):
        make_api(developer.organisation, name)
    make_api(developer.organisation, "Draft", state=State.CREATED)
    make_api(developer.organisation, "Inner", visibility=Visibility.PRIVATE)
    body = rest().get(f"{ROOT}/apis", {"limit": 2}).json()
    assert [api["name"] for api in body["list"]] == ["Alpha", "Beta"]
    assert body["count"] == 2
    assert body["pagination"] == {"offset": 0, "limit": 2, "total": 3, "next": "/apis?limit=2&offset=2", "previous": ""}
    rest_of_it = rest().get(f"{ROOT}/apis", {"limit": 2, "offset": 2}).json()
    assert [api["name"] for api in rest_of_it["list"]] == ["Gamma"]
    assert rest_of_it["pagination"]["previous"] == "/apis?limit=2&offset=0"
    assert "Inner" in [api["name"] for api in rest(developer).get(f"{ROOT}/apis").json()["list"]]


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "x"), ("offset", "-1"), ("offset", "9" * 30)])
def test_wrong_paging_is_the_callers_mistake(organisation: Organisation, name: str, value: str) -> None:
    answer = rest().get(f"{ROOT}/apis", {name: value})
    assert answer.status_code == 400
    assert answer.json()["error"][0]["field"] == name


def test_an_api_says_where_it_is_and_what_it_costs(developer: User) -> None:
    api = make_api(developer.organisation, "Pizza", is_default_version=True, tags=["food"])
    answer = rest().get(f"{ROOT}/apis/{api.pk}")
    body = answer.json()
    assert body["context"] == "/pizza/1.0"
    assert body["endpointURLs"][0]["URLs"]["https"] == "https://localhost:8243/pizza/1.0"
    assert body["endpointURLs"][0]["defaultVersionURLs"]["http"] == "http://localhost:8280/pizza"
    assert [tier["tierName"] for tier in body["tiers"]] == ["Bronze", "Gold"]
    assert body["operations"][0] == {"id": "", "target": "/menu", "verb": "GET"}
    assert body["isSubscriptionAvailable"] is True
    assert "backend.internal" not in answer.content.decode()
    again = rest().get(f"{ROOT}/apis/{api.pk}", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304 and not again.content


def test_the_definition_leads_to_the_gateway_and_hides_the_backend(developer: User) -> None:
    api = make_api(developer.organisation, "Pizza")
    body = rest().get(f"{ROOT}/apis/{api.pk}/swagger").json()
    assert [server["url"] for server in body["servers"]] == [
        "https://localhost:8243/pizza/1.0",
        "http://localhost:8280/pizza/1.0",
    ]
    assert body["info"] == {"title": "Pizza", "version": "1.0"}
    assert list(body["components"]["securitySchemes"]) == ["default"]
    assert body["paths"]["/order"]["post"]["security"] == [{"default": ["order"]}]
    assert rest().get(f"{ROOT}/apis/{api.pk}/swagger", {"environmentName": "Mars"}).json()["servers"] == [{"url": "/"}]


def test_an_application_round_trip_with_entity_tags(developer: User) -> None:
    client = rest(developer)
    wanted = {"name": "Shop", "throttlingPolicy": "10PerMin", "description": "sells", "attributes": {"ref": "7"}}
    made = client.post(f"{ROOT}/applications", wanted, format="json")
    assert made.status_code == 201
    body = made.json()
    assert made["Location"] == f"/applications/{body['applicationId']}"
    assert {name: body[name] for name in wanted} == wanted
    assert body["tokenType"] == "JWT" and body["status"] == "APPROVED" and body["owner"] == "developer"
    address = f"{ROOT}/applications/{body['applicationId']}"
    read = client.get(address)
    assert read.json() == body and read["ETag"] == made["ETag"]
    changed = client.put(address, {**wanted, "name": "Store"}, format="json", HTTP_IF_MATCH=read["ETag"])
    assert changed.status_code == 200 and changed.json()["name"] == "Store"
    stale = client.put(address, wanted, format="json", HTTP_IF_MATCH=read["ETag"])
    assert stale.status_code == 412 and stale.json()["code"] == 900412
    assert client.get(f"{ROOT}/applications", {"query": "Store"}).json()["count"] == 1
    assert client.get(f"{ROOT}/applications", {"query": "Stor"}).json()["count"] == 0
    assert client.delete(address).status_code == 200
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "name"),
        ({"name": 7}, 400, "name"),
        ({"name": "a", "throttlingPolicy": "Never"}, 400, "throttlingPolicy"),
        ({"name": "a", "attributes": {"a": 1}}, 400, "attributes"),
        (["name"], 400, "body"),
        ({"name": "Taken"}, 409, None),
    ],
)
def test_a_bad_application_is_refused_with_its_field(developer: User, body: object, status: int, field: str) -> None:
    make_application(developer, "Taken")
    answer = rest(developer).post(f"{ROOT}/applications", body, format="json")
    assert answer.status_code == status
    assert field is None or answer.json()["error"][0]["field"] == field


def test_sorting_of_applications(developer: User) -> None:
    for name in ("b", "a"):
        make_application(developer, name)
    client = rest(developer)
    names = [row["name"] for row in client.get(f"{ROOT}/applications", {"sortOrder": "desc"}).json()["list"]]
    assert names == ["b", "a"]
    assert client.get(f"{ROOT}/applications", {"sortBy": "owner"}).status_code == 400


def test_keys_are_generated_read_changed_renewed_and_removed(developer: User) -> None:
    client, application = rest(developer), make_application(developer)
    root = f"{ROOT}/applications/{application.pk}"
    wanted = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], "validityTime": "120"}
    made = client.post(f"{root}/generate-keys", wanted, format="json")
    assert made.status_code == 200
    key = made.json()
    assert key["consumerSecret"] and key["keyManager"] == "Resident Key Manager" and key["mode"] == "CREATED"
    assert key["token"]["accessToken"] and key["token"]["validityTime"] == 120
    assert client.post(f"{root}/generate-keys", wanted, format="json").status_code == 409
    assert client.get(f"{root}/oauth-keys").json()["list"][0]["consumerSecret"] == ""
    one = f"{root}/oauth-keys/{key['keyMappingId']}"
    assert client.get(one).json()["supportedGrantTypes"] == ["client_credentials"]
    change = {"supportedGrantTypes": ["client_credentials", "refresh_token"], "callbackUrl": ""}
    assert client.put(one, change, format="json").json()["supportedGrantTypes"] == change["supportedGrantTypes"]
    fresh = client.post(f"{one}/regenerate-secret").json()
    assert fresh["consumerKey"] == key["consumerKey"] and fresh["consumerSecret"] != key["consumerSecret"]
    token = client.post(f"{one}/generate-token", {"validityPeriod": 60}, format="json").json()
    assert token["accessToken"] and token["validityTime"] == 60 and token["tokenScopes"] == ["default"]
    assert client.delete(one).status_code == 200
    assert client.get(one).status_code == 404
    assert client.get(f"{root}/oauth-keys").json() == {"count": 0, "list": []}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"keyType": "STAGING"}, "keyType"),
        ({"keyType": None}, "keyType"),
        ({"grantTypesToBeSupported": ["pigeon"]}, "grantTypesToBeSupported"),
        ({"grantTypesToBeSupported": "client_credentials"}, "grantTypesToBeSupported"),
        ({"validityTime": "soon"}, "validityTime"),
        ({"validityTime": 0}, "validityTime"),
        ({"callbackUrl": "ftp://x"}, "callbackUrl"),
        ({"keyManager": "Keycloak"}, "keyManager"),
    ],
)
def test_a_bad_key_request_names_its_field(developer: User, change: dict[str, object], field: str) -> None:
    application = make_application(developer)
    wanted = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], **change}
    address = f"{ROOT}/applications/{application.pk}/generate-keys"
    answer = rest(developer).post(address, wanted, format="json")
    assert answer.status_code == 400, answer.json()
    assert answer.json()["error"][0]["field"] == field


def test_a_scope_of_a_subscribed_api_gets_into_the_test_token(developer: User) -> None:
    application = make_application(developer)
    key = make_key(application)
    address = f"{ROOT}/applications/{application.pk}/oauth-keys/{key.pk}/generate-token"
    client = rest(developer)
    assert client.post(address, {"scopes": ["order"]}, format="json").json()["tokenScopes"] == ["default"]
    make_subscription(application, make_api(developer.organisation))
    assert client.post(address, {"scopes": ["order"]}, format="json").json()["tokenScopes"] == ["order"]
    scopes = client.get(f"{ROOT}/applications/{application.pk}").json()["subscriptionScopes"]
    assert [scope["key"] for scope in scopes] == ["order"]


def test_a_subscription_round_trip(developer: User) -> None:
    client, application, api = rest(developer), make_application(developer), make_api(developer.organisation)
    wanted = {"applicationId": str(application.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}
    made = client.post(f"{ROOT}/subscriptions", wanted, format="json")
    assert made.status_code == 201
    body = made.json()
    assert made["Location"] == f"/subscriptions/{body['subscriptionId']}"
    assert body["status"] == "UNBLOCKED" and body["apiInfo"]["name"] == api.name
    assert body["applicationInfo"]["subscriptionCount"] == 1
    assert client.post(f"{ROOT}/subscriptions", wanted, format="json").status_code == 409
    assert client.get(f"{ROOT}/subscriptions").status_code == 400
    for query in ({"applicationId": application.pk}, {"apiId": api.pk}):
        assert client.get(f"{ROOT}/subscriptions", query).json()["pagination"]["total"] == 1
    address = f"{ROOT}/subscriptions/{body['subscriptionId']}"
    changed = client.put(address, {**wanted, "requestedThrottlingPolicy": "Bronze"}, format="json")
    assert changed.status_code == 200 and changed.json()["throttlingPolicy"] == "Bronze"
    assert client.put(address, {**wanted, "apiId": str(uuid.uuid4())}, format="json").status_code == 400
    assert client.put(address, {**wanted, "throttlingPolicy": "Never"}, format="json").status_code == 400
    assert client.delete(address).status_code == 200
    assert client.get(address).status_code == 404


def test_several_subscriptions_are_made_all_or_none(developer: User) -> None:
    client, application = rest(developer), make_application(developer)
    wanted = [
        {
            "applicationId": str(application.pk),
            "apiId": str(make_api(developer.organisation).pk),
            "throttlingPolicy": "Gold",
        }
        for _ in range(2)
    ]
    bad = [wanted[0], {**wanted[1], "throttlingPolicy": "Never"}]
    assert client.post(f"{ROOT}/subscriptions/multiple", bad, format="json").status_code == 400
    assert application.subscriptions.count() == 0
    made = client.post(f"{ROOT}/subscriptions/multiple", wanted, format="json")
    assert made.status_code == 200 and len(made.json()) == 2
    assert client.post(f"{ROOT}/subscriptions/multiple", {"a": 1}, format="json").status_code == 400


def test_what_the_portal_offers(developer: User) -> None:
    client = rest(developer)
    plans = client.get(f"{ROOT}/throttling-policies/subscription").json()
    names = [plan["name"] for plan in plans["list"]]
    assert {"Gold", "Silver", "Bronze", "Unlimited"} <= set(names) and "Unauthenticated" not in names
    gold = client.get(f"{ROOT}/throttling-policies/subscription/Gold").json()
    assert (gold["requestCount"], gold["unitTime"], gold["timeUnit"]) == (5000, 1, "min")
    assert client.get(f"{ROOT}/throttling-policies/application").json()["count"] == 4
    assert client.get(f"{ROOT}/throttling-policies/api").status_code == 404
    assert client.get(f"{ROOT}/throttling-policies/subscription/Unauthenticated").status_code == 404
    assert client.get(f"{ROOT}/key-managers").json()["list"][0]["tokenEndpoint"].endswith("/oauth2/token")
    assert client.get(f"{ROOT}/me").json()["roles"] == ["Internal/subscriber"]
    assert client.get(f"{ROOT}/me/organization-information").json()["organizationId"] == "carbon.super"
    assert "client_credentials" in rest().get(f"{ROOT}/settings").json()["grantTypes"]


def test_tags_and_search(developer: User) -> None:
    make_api(developer.organisation, "Pizza", tags=["food", "italian"])
    make_api(developer.organisation, "Sushi", tags=["food"])
    tags = rest().get(f"{ROOT}/tags").json()["list"]
    assert tags == [{"value": "food", "count": 2}, {"value": "italian", "count": 1}]
    found = rest().get(f"{ROOT}/search", {"query": "italian"}).json()["list"]
    assert [(row["name"], row["type"], row["status"]) for row in found] == [("Pizza", "API", "PUBLISHED")]
    assert rest().get(f"{ROOT}/apis", {"query": "tag:food"}).json()["count"] == 2
    assert rest().get(f"{ROOT}/apis", {"query": "x" * 501}).status_code == 400


def test_a_real_client_shows_its_password(developer: User, other_organisation: Organisation, make_user: object) -> None:
    other = make_user(other_organisation, "Internal/subscriber", username="zoe")
    assert basic(developer).get(f"{ROOT}/me").json()["organization"] == "carbon.super"
    assert basic(other).get(f"{ROOT}/me").json() | {"email": ""} == {
        "username": "zoe@acme.com",
        "email": "",
        "organization": "acme.com",
        "roles": ["Internal/subscriber"],
    }


def test_a_token_opens_what_its_scopes_say(developer: User) -> None:
    client, secret = create_client(
        by=developer,
        organisation=developer.organisation,
        name="script",
        grant_types=["client_credentials"],
        management=True,
    )

    def with_scopes(*names: str) -> APIClient:
        caller = APIClient()
        given = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
        form = urlencode({"grant_type": "client_credentials", "scope": " ".join(names)})
        kind = "application/x-www-form-urlencoded"
        issued = caller.post("/oauth2/token", form, content_type=kind, HTTP_AUTHORIZATION=f"Basic {given}").json()
        caller.credentials(HTTP_AUTHORIZATION=f"Bearer {issued['access_token']}")
        return caller

    whole, half = with_scopes("apim:subscribe"), with_scopes("apim:sub_manage")
    assert whole.post(f"{ROOT}/applications", {"name": "Shop"}, format="json").status_code == 201
    assert half.get(f"{ROOT}/applications").status_code == 403
    assert "apim:app_manage" in half.get(f"{ROOT}/applications").json()["description"]
    application = developer.applications.get()
    assert half.get(f"{ROOT}/subscriptions", {"applicationId": application.pk}).status_code in (200, 404)


def test_the_password_is_changed_by_who_knows_it(developer: User) -> None:
    client = rest(developer)
    wrong = client.post(
        f"{ROOT}/me/change-password", {"currentPassword": "x", "newPassword": "horse battery 9"}, format="json"
    )
    assert wrong.status_code == 400 and wrong.json()["error"][0]["field"] == "currentPassword"
    weak = client.post(f"{ROOT}/me/change-password", {"currentPassword": PASSWORD, "newPassword": "1"}, format="json")
    assert weak.status_code == 400 and weak.json()["error"][0]["field"] == "newPassword"
    right = {"currentPassword": PASSWORD, "newPassword": "horse battery 9"}
    assert client.post(f"{ROOT}/me/change-password", right, format="json").status_code == 200
    developer.refresh_from_db()
    assert developer.check_password("horse battery 9")


def test_a_tenants_api_is_below_the_tenants_path(other_organisation: Organisation) -> None:
    api = make_api(other_organisation, "Pizza", context="/v{version}/pizza")
    body = rest().get(f"{ROOT}/apis/{api.pk}", HTTP_X_WSO2_TENANT="acme.com").json()
    assert body["context"] == "/t/acme.com/v1.0/pizza"
    assert body["endpointURLs"][0]["URLs"]["https"].endswith(":8243/t/acme.com/v1.0/pizza")


def test_strangers_need_a_log_in(developer: User) -> None:
    for path in ("applications", "subscriptions", "me", "key-managers"):
        answer = rest().get(f"{ROOT}/{path}")
        assert answer.status_code == 401, path
        assert answer.json()["code"] == 900401


def test_the_tenant_header_chooses_whose_public_apis_an_anonymous_caller_sees(
    developer: User, other_organisation: Organisation
) -> None:
    make_api(developer.organisation, "Ours")
    make_api(other_organisation, "Theirs")
    names = [api["name"] for api in rest().get(f"{ROOT}/apis", HTTP_X_WSO2_TENANT="acme.com").json()["list"]]
    assert names == ["Theirs"]
    assert rest().get(f"{ROOT}/apis", HTTP_X_WSO2_TENANT="nowhere.org").status_code == 404
    client = rest(developer)
    assert [api["name"] for api in client.get(f"{ROOT}/apis").json()["list"]] == ["Ours"]
    assert client.get(f"{ROOT}/apis", HTTP_X_WSO2_TENANT="acme.com").json()["list"] == []
    Api.objects.filter(name="Theirs").update(subscription_availability="ALL_TENANTS")
    open_to_us = client.get(f"{ROOT}/apis", HTTP_X_WSO2_TENANT="acme.com").json()["list"]
    assert [api["name"] for api in open_to_us] == ["Theirs"]


def test_publishers_see_block_and_move_subscriptions(developer: User, publisher_user: User) -> None:
    application, api = make_application(developer, "Shop"), make_api(developer.organisation)
    row = make_subscription(application, api)
    root, client = "/api/am/publisher/v4/subscriptions", rest(publisher_user)
    listed = client.get(root, {"apiId": api.pk}).json()["list"]
    assert listed[0]["applicationInfo"]["subscriber"] == "developer" and listed[0]["subscriptionStatus"] == "UNBLOCKED"
    assert client.get(root, {"query": "nobody"}).json()["count"] == 0
    block = f"{root}/block-subscription?subscriptionId={row.pk}"
    assert client.post(f"{block}&blockState=PROD_ONLY_BLOCKED").status_code == 200
    assert current("subscription", row.pk)["state"] == "PROD_ONLY_BLOCKED"
    assert client.post(f"{block}&blockState=SLEEPING").status_code == 400
    assert client.post(f"{root}/unblock-subscription?subscriptionId={row.pk}").status_code == 200
    assert client.post(f"{root}/change-business-plan?subscriptionId={row.pk}&businessPlan=Bronze").status_code == 200
    assert current("subscription", row.pk)["plan"] == "Bronze"
    assert client.post(f"{root}/change-business-plan?subscriptionId={row.pk}&businessPlan=Never").status_code == 400
    assert client.get(f"{root}/{row.pk}/subscriber-info").json()["name"] == "developer"
    assert client.post(f"{root}/unblock-subscription?subscriptionId={uuid.uuid4()}").status_code == 404
    assert rest(developer).get(root).status_code == 403
    assert rest(developer).post(f"{block}&blockState=BLOCKED").status_code == 403
