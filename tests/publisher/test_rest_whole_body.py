"""Everything a client of version 4.2 sends in an API comes back, or is refused by name; who may see and own an API."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from apim.accounts.models import Role
from publisher.actions.policies import add_policy
from publisher.models import Api, ApiCategory, SharedScope
from tests.publisher.make import deploy, make_api, plan
from tests.publisher.test_policies import DEFINITION, SPEC
from tests.support.people import make_user

USES = [{"policyName": "tagRequest", "policyVersion": "v1", "parameters": {"tag": "abc", "mode": "on"}}]
FLOWS = {"request": USES, "response": [], "fault": []}
WHOLE: dict[str, Any] = {
    "name": "Orders",
    "displayName": "Orders of the shop",
    "description": "All orders",
    "context": "/orders",
    "version": "1.0.0",
    "type": "HTTP",
    "responseCachingEnabled": True,
    "cacheTimeout": 120,
    "isDefaultVersion": True,
    "enableSchemaValidation": True,
    "audience": "SINGLE",
    "audiences": ["shop"],
    "transport": ["https"],
    "tags": ["shop", "orders"],
    "policies": ["Gold"],
    "apiThrottlingPolicy": "Unlimited",
    "authorizationHeader": "X-Auth",
    "apiKeyHeader": "X-Key",
    "securityScheme": ["oauth2", "api_key", "oauth_basic_auth_api_key_mandatory"],
    "maxTps": {"production": 100, "sandbox": 5},
    "visibility": "RESTRICTED",
    "visibleRoles": ["shop-people"],
    "visibleTenants": ["acme.com"],
    "mediationPolicies": [{"name": "log_in", "type": "in", "shared": True}],
    "apiPolicies": {"request": [], "response": [], "fault": []},
    "subscriptionAvailability": "SPECIFIC_TENANTS",
    "subscriptionAvailableTenants": ["acme.com"],
    "additionalProperties": [{"name": "region", "value": "eu", "display": True}],
    "additionalPropertiesMap": {"region": {"name": "region", "value": "eu", "display": True}},
    "accessControl": "RESTRICTED",
    "accessControlRoles": ["shop-people"],
    "businessInformation": {
        "businessOwner": "Jane",
        "businessOwnerEmail": "jane@example.org",
        "technicalOwner": "Jim",
        "technicalOwnerEmail": "jim@example.org",
    },
    "corsConfiguration": {
        "corsConfigurationEnabled": True,
        "accessControlAllowOrigins": ["https://shop.example"],
        "accessControlAllowCredentials": True,
        "accessControlAllowHeaders": ["X-Auth"],
        "accessControlAllowMethods": ["GET"],
    },
    "endpointConfig": {
        "endpoint_type": "http",
        "production_endpoints": {"url": "https://orders.example/v1"},
        "sandbox_endpoints": {"url": "https://sandbox.example/v1"},
    },
    "endpointImplementationType": "ENDPOINT",
    "primaryProductionEndpointId": "p1",
    "primarySandboxEndpointId": "s1",
    "scopes": [
        {
            "scope": {
                "name": "read_orders",
                "displayName": "Read orders",
                "description": "See them",
                "bindings": ["shop-people"],
            },
            "shared": False,
        }
    ],
    "operations": [
        {
            "target": "/orders",
            "verb": "GET",
            "authType": "Application & Application User",
            "throttlingPolicy": "Unlimited",
            "scopes": ["read_orders"],
            "payloadSchema": '{"type": "object"}',
            "uriMapping": "/all-orders",
            "operationPolicies": FLOWS,
        },
        {"target": "/orders", "verb": "POST", "authType": "None", "throttlingPolicy": "Unlimited", "scopes": []},
    ],
    "threatProtectionPolicies": {"list": [{"policyId": "p", "priority": 1}]},
    "categories": ["Shop"],
    "keyManagers": ["all"],
    "advertiseInfo": {
        "advertised": False,
        "apiExternalProductionEndpoint": "https://elsewhere.example/orders",
        "apiExternalSandboxEndpoint": "https://elsewhere.example/sandbox",
        "originalDevPortalUrl": "https://elsewhere.example/devportal",
        "apiOwner": "somebody",
        "vendor": "WSO2",
    },
    "gatewayVendor": "wso2",
    "gatewayType": "wso2/synapse",
    "asyncTransportProtocols": ["ws"],
    "organizationPolicies": [],
    "visibleOrganizations": [],
}
IGNORED = {
    "id": "11111111-1111-1111-1111-111111111111",
    "lifeCycleStatus": "PUBLISHED",
    "isRevision": True,
    "revisionId": 7,
    "revisionedApiId": "x",
    "hasThumbnail": True,
    "createdTime": "1",
    "lastUpdatedTime": "1",
    "lastUpdatedTimestamp": "1",
    "workflowStatus": "CREATED",
    "wsdlUrl": "x",
    "wsdlInfo": {"type": "ZIP"},
    "initiatedFromGateway": True,
    "serviceInfo": {"key": "none"},
}


@pytest.fixture
def client(publisher_user, rest):
    organisation = publisher_user.organisation
    plan(organisation)
    publisher_user.roles.add(Role.objects.create(organisation=organisation, name="shop-people"))
    ApiCategory.objects.create(organisation=organisation, name="Shop")

    add_policy(by=publisher_user, spec=json.dumps(SPEC), definition=DEFINITION)
    return rest(publisher_user)


def differences(sent: Any, got: Any, place: str = "") -> list[str]:
    """Places where `got` has not what was `sent`; it may hold more."""
    if isinstance(sent, dict) and isinstance(got, dict):
        return [one for name in sent for one in differences(sent[name], got.get(name), f"{place}.{name}")]
    if isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        return [one for n, item in enumerate(sent) for one in differences(item, got[n], f"{place}[{n}]")]
    return [] if sent == got else [f"{place}: sent {sent!r}, got {got!r}"]


def test_a_filled_api_comes_back_after_post_get_put_get(client) -> None:
    made = client.call("post", "/apis", WHOLE | IGNORED)
    assert made.status_code == 201, made.json()
    first = client.call("get", f"/apis/{made.json()['id']}").json()
    assert differences(WHOLE, first) == []
    assert first["lifeCycleStatus"] == "CREATED"
    assert first["id"] != IGNORED["id"]
    put = client.call("put", f"/apis/{first['id']}", first)
    assert put.status_code == 200, put.json()
    second = client.call("get", f"/apis/{first['id']}").json()
    live = ("lastUpdatedTime", "lastUpdatedTimestamp")
    assert {k: v for k, v in second.items() if k not in live} == {k: v for k, v in first.items() if k not in live}


def test_operations_keep_their_ids(client) -> None:
    first = client.call("post", "/apis", WHOLE).json()
    changed = copy.deepcopy(first["operations"])
    changed.reverse()
    changed[1]["throttlingPolicy"] = "10KPerMin"
    changed.insert(1, {"target": "/new", "verb": "GET"})
    second = client.call("put", f"/apis/{first['id']}", {"operations": changed}).json()
    ids = {(one["verb"], one["target"]): one["id"] for one in first["operations"]}
    assert [(one["verb"], one["target"]) for one in second["operations"]] == [
        ("POST", "/orders"), ("GET", "/new"), ("GET", "/orders"),
    ]  # fmt: skip
    kept = {(one["verb"], one["target"]): one for one in second["operations"]}
    assert {key: kept[key]["id"] for key in ids} == ids
    assert kept["GET", "/orders"]["throttlingPolicy"] == "10KPerMin"
    third = client.call("put", f"/apis/{first['id']}", {"operations": second["operations"][:1]}).json()
    assert [one["id"] for one in third["operations"]] == [ids["POST", "/orders"]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gatewayVendor": "solace"}, "gatewayVendor"),
        ({"gatewayType": "wso2/apk"}, "gatewayType"),
        ({"visibleOrganizations": ["x"]}, "visibleOrganizations"),
        ({"organizationPolicies": [{"organizationID": "x"}]}, "organizationPolicies"),
        ({"audience": "FEW"}, "audience"),
        ({"accessControl": "RESTRICTED", "accessControlRoles": []}, "accessControlRoles"),
        ({"accessControlRoles": ["nobody"]}, "accessControlRoles[0]"),
        ({"accessControl": "SOME"}, "accessControl"),
        ({"subscriptionAvailability": "ANY"}, "subscriptionAvailability"),
        ({"advertiseInfo": {"advertised": "yes"}}, "advertiseInfo.advertised"),
        ({"advertiseInfo": {"originalDevPortalUrl": "javascript:x"}}, "advertiseInfo.originalDevPortalUrl"),
        ({"advertiseInfo": {"vendor": "ACME"}}, "advertiseInfo.vendor"),
        ({"advertiseInfo": 7}, "advertiseInfo"),
        ({"additionalPropertiesMap": []}, "additionalPropertiesMap"),
        (
            {"additionalProperties": None, "additionalPropertiesMap": {"": {"value": "x"}}},
            "additionalProperties[0].name",
        ),
        ({"threatProtectionPolicies": "x"}, "threatProtectionPolicies"),
        ({"mediationPolicies": "x"}, "mediationPolicies"),
        ({"displayName": 7}, "displayName"),
        ({"provider": "somebody"}, "provider"),
        ({"operations": [{"verb": "GET", "target": "/x", "uriMapping": 7}]}, "operations[0].uriMapping"),
    ],
)
def test_what_is_not_taken_is_named(client, changes, field) -> None:
    answer = client.call("post", "/apis", WHOLE | changes)
    assert answer.status_code == 400, answer.json()
    assert [one["field"] for one in answer.json()["error"]] == [field]
    assert not Api.objects.exists()


def test_custom_properties_as_list_map_or_both(client) -> None:
    api = client.call("post", "/apis", WHOLE | {"additionalProperties": None}).json()
    assert api["additionalProperties"] == WHOLE["additionalProperties"]
    place = f"/apis/{api['id']}"
    both = {"additionalProperties": api["additionalProperties"], "additionalPropertiesMap": {"a": {"value": "1"}}}
    by_map = client.call("put", place, both).json()
    assert by_map["additionalProperties"] == [{"name": "a", "value": "1", "display": False}]
    both = {
        "additionalProperties": [{"name": "b", "value": "2"}],
        "additionalPropertiesMap": by_map["additionalPropertiesMap"],
    }
    by_list = client.call("put", place, both).json()
    assert list(by_list["additionalPropertiesMap"]) == ["b"]
    assert client.call("put", place, {"additionalProperties": {"c": "3"}}).json()["additionalPropertiesMap"] == {
        "c": {"name": "c", "value": "3", "display": False}
    }
    assert client.call("put", place, {"additionalProperties": []}).json()["additionalProperties"] == []


def test_access_control_hides_an_api_in_the_publisher(client, publisher_user, admin, rest) -> None:
    identifier = client.call("post", "/apis", WHOLE).json()["id"]
    stranger = rest(make_user(publisher_user.organisation, "Internal/publisher", username="stranger"))
    for verb, path, body in (
        ("get", f"/apis/{identifier}", None),
        ("put", f"/apis/{identifier}", {"description": "x"}),
        ("delete", f"/apis/{identifier}", None),
        ("get", f"/apis/{identifier}/swagger", None),
        ("post", f"/apis/{identifier}/revisions", {}),
    ):
        assert stranger.call(verb, path, body).status_code == 404, (verb, path)
    assert stranger.call("get", "/apis").json()["count"] == 0
    assert stranger.call("get", "/search?query=Orders").json()["count"] == 0
    insider = make_user(publisher_user.organisation, "Internal/creator", "shop-people", username="insider")
    for who in (rest(insider), rest(admin), client):
        assert who.call("get", "/apis").json()["count"] == 1
        assert who.call("get", f"/apis/{identifier}").status_code == 200


def test_a_role_whose_name_is_part_of_another_opens_nothing(client, publisher_user, rest) -> None:
    client.call("post", "/apis", WHOLE)
    organisation = publisher_user.organisation
    half = make_user(organisation, "Internal/creator", "shop", username="half")
    assert rest(half).call("get", "/apis").json()["count"] == 0


def test_administrators_create_apis_for_others(client, publisher_user, admin, rest) -> None:
    made = rest(admin).call("post", "/apis", WHOLE | {"provider": publisher_user.username, "accessControl": "NONE"})
    assert made.json()["provider"] == publisher_user.username
    nobody = rest(admin).call("post", "/apis", WHOLE | {"provider": "nobody", "name": "B", "context": "/b"})
    assert (nobody.status_code, nobody.json()["error"][0]["field"]) == (400, "provider")


def test_an_advertised_api_is_published_without_plan_and_deployment(client) -> None:
    body = WHOLE | {"policies": [], "advertiseInfo": WHOLE["advertiseInfo"] | {"advertised": True}}
    api = client.call("post", "/apis", body).json()
    done = client.call("post", f"/apis/change-lifecycle?apiId={api['id']}&action=Publish")
    assert (done.status_code, done.json()["lifecycleState"]["state"]) == (200, "Published"), done.json()


def test_a_revision_brings_these_fields_back(client, publisher_user) -> None:
    api = client.call("post", "/apis", WHOLE).json()
    row = Api.objects.get(pk=api["id"])
    revision = deploy(publisher_user, row)
    client.call("put", f"/apis/{row.pk}", {"displayName": "Other", "audience": "PUBLIC", "accessControl": "NONE"})
    client.call("post", f"/apis/{row.pk}/restore-revision?revisionId={revision.pk}")
    assert differences(WHOLE, client.call("get", f"/apis/{row.pk}").json()) == []


def test_operations_name_the_products_that_use_them(client, publisher_user) -> None:
    source = make_api(publisher_user)
    resources = [{"apiId": str(source.pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    product = client.call("post", "/api-products", {"name": "P", "context": "/p", "version": "1", "apis": resources})
    operations = client.call("get", f"/apis/{source.pk}").json()["operations"]
    used = {one["verb"]: one["usedProductIds"] for one in operations}
    assert (used["GET"], used["POST"]) == ([product.json()["id"]], [])


def test_shared_scopes_are_marked(client, publisher_user) -> None:
    SharedScope.objects.create(organisation=publisher_user.organisation, name="everywhere")
    body = copy.deepcopy(WHOLE)
    body["operations"][1]["scopes"] = ["everywhere"]
    body["operations"][1]["authType"] = "Any"
    scopes = client.call("post", "/apis", body).json()["scopes"]
    assert {one["scope"]["name"]: one["shared"] for one in scopes} == {"read_orders": False, "everywhere": True}
