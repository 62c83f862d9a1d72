"""/apis and its neighbours: fields, paging, entity tags, faults."""

from __future__ import annotations

import pytest

from publisher.models import Api
from tests.publisher.conftest import BASE
from tests.publisher.make import make_api, plan

PIZZA = {
    "name": "PizzaShackAPI",
    "description": "Pizzas",
    "context": "/pizzashack",
    "version": "1.0.0",
    "policies": ["Gold"],
    "tags": ["pizza"],
    "transport": ["https"],
    "securityScheme": ["oauth2"],
    "visibility": "PUBLIC",
    "authorizationHeader": "Authorization",
    "endpointConfig": {
        "endpoint_type": "http",
        "production_endpoints": {"url": "https://pizza.example/v1", "config": {"actionDuration": "3000"}},
        "sandbox_endpoints": {"url": "https://sandbox.example/v1"},
    },
    "operations": [
        {
            "target": "/order/{id}",
            "verb": "POST",
            "authType": "Application User",
            "throttlingPolicy": "Unlimited",
            "scopes": ["order"],
        },
        {"target": "/menu", "verb": "GET", "authType": "None"},
    ],
    "corsConfiguration": {"corsConfigurationEnabled": True, "accessControlAllowOrigins": ["https://shop.example"]},
    "businessInformation": {"businessOwner": "Jane", "businessOwnerEmail": "jane@example.org"},
    "additionalProperties": [{"name": "region", "value": "eu", "display": True}],
    "isDefaultVersion": True,
    "someFutureField": {"a": 1},
    "maxTps": None,
}


@pytest.fixture
def client(publisher_user, rest):
    plan(publisher_user.organisation)
    return rest(publisher_user)


def test_post_and_get_round(client):
    made = client.call("post", "/apis", PIZZA)
    assert made.status_code == 201, made.json()
    body = made.json()
    assert made["Location"] == f"/apis/{body['id']}"
    same = (
        "name",
        "description",
        "context",
        "version",
        "policies",
        "tags",
        "transport",
        "securityScheme",
        "isDefaultVersion",
    )
    assert {name: body[name] for name in same} == {name: PIZZA[name] for name in same}
    assert body["provider"] == "publisher"
    assert body["lifeCycleStatus"] == "CREATED"
    assert body["type"] == "HTTP"
    config = body["endpointConfig"]
    assert config["endpoint_type"] == "http"
    for side, url, duration in (
        ("production", "https://pizza.example/v1", "3000"),
        ("sandbox", "https://sandbox.example/v1", "60000"),
    ):
        endpoint = config[f"{side}_endpoints"]
        assert (endpoint["url"], endpoint["config"]["actionDuration"]) == (url, duration)
    first, second = body["operations"]
    assert (first["target"], first["verb"], first["authType"], first["scopes"]) == (
        "/order/{id}",
        "POST",
        "Application User",
        ["order"],
    )
    assert (second["authType"], second["throttlingPolicy"]) == ("None", "Unlimited")
    assert body["corsConfiguration"]["accessControlAllowOrigins"] == ["https://shop.example"]
    assert body["businessInformation"] == {
        "businessOwner": "Jane",
        "businessOwnerEmail": "jane@example.org",
        "technicalOwner": "",
        "technicalOwnerEmail": "",
    }
    assert body["additionalPropertiesMap"]["region"]["value"] == "eu"
    assert body["scopes"][0]["scope"]["name"] == "order"
    assert "serviceInfo" not in body
    assert int(body["createdTime"]) <= int(body["lastUpdatedTime"])
    got = client.call("get", f"/apis/{body['id']}")
    assert (got.json(), got["ETag"]) == (body, made["ETag"])


def test_what_was_read_can_be_written_back(client):
    body = client.call("post", "/apis", PIZZA).json()
    again = client.call("put", f"/apis/{body['id']}", body)
    assert again.status_code == 200, again.json()
    volatile = ("lastUpdatedTime", "lastUpdatedTimestamp", "operations")
    assert {k: v for k, v in again.json().items() if k not in volatile} == {
        k: v for k, v in body.items() if k not in volatile
    }
    without_id = [{k: v for k, v in operation.items() if k != "id"} for operation in again.json()["operations"]]
    assert without_id == [{k: v for k, v in operation.items() if k != "id"} for operation in body["operations"]]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"policies": ["Nickel"]}, "policies[0]"),
        ({"policies": {"a": 1}}, "policies"),
        ({"transport": ["gopher"]}, "transport[0]"),
        ({"securityScheme": "oauth2"}, "securityScheme"),
        ({"endpointConfig": 5}, "endpointConfig"),
        ({"endpointConfig": {"endpoint_type": "fallover"}}, "endpointConfig.endpoint_type"),
        ({"endpointConfig": {"production_endpoints": {"url": "no"}}}, "endpointConfig.production_endpoints.url"),
        (
            {"endpointConfig": {"production_endpoints": {"url": "http://a", "config": {"actionDuration": "soon"}}}},
            "endpointConfig.production_endpoints.config.actionDuration",
        ),
        ({"endpointConfig": {"production_endpoints": [{"url": "http://a"}]}}, "endpointConfig.production_endpoints"),
        ({"operations": "GET /"}, "operations"),
        ({"operations": [5]}, "operations[0]"),
        ({"operations": [{"verb": "GET", "target": "/", "authType": "Some"}]}, "operations[0].authType"),
        ({"operations": [{"verb": "GET", "target": "/", "throttlingPolicy": "No"}]}, "operations[0].throttlingPolicy"),
        (
            {"corsConfiguration": {"accessControlAllowMethods": ["BREW"]}},
            "corsConfiguration.accessControlAllowMethods[0]",
        ),
        ({"businessInformation": {"technicalOwnerEmail": "x"}}, "businessInformation.technicalOwnerEmail"),
        ({"apiThrottlingPolicy": "No"}, "apiThrottlingPolicy"),
        ({"isDefaultVersion": "yes"}, "isDefaultVersion"),
        ({"visibility": "RESTRICTED"}, "visibleRoles"),
        ({"type": "GRAPHQL"}, "type"),
        ({"name": 5}, "name"),
        ({"description": "\x00"}, "body.description"),
    ],
)
def test_a_wrong_value_is_a_400_with_its_place(client, change, place):
    if "visibility" in change:
        change = {**change, "visibleRoles": []}
    response = client.call("post", "/apis", {**PIZZA, **change})
    assert response.status_code == 400
    body = response.json()
    assert {"code", "message", "description", "moreInfo", "error"} == set(body)
    assert [error["field"] for error in body["error"]] == [place]


@pytest.mark.parametrize("body", ["[]", "5", '"x"', "{", "null", '{"name": "\\ud800"}'])
def test_a_strange_body_is_a_400(client, body):
    assert client.post(f"{BASE}/apis", body, content_type="application/json").status_code == 400


def test_clashes_are_409(client):
    assert client.call("post", "/apis", PIZZA).status_code == 201
    assert client.call("post", "/apis", PIZZA).status_code == 409
    assert client.call("post", "/apis", {**PIZZA, "name": "Other", "version": "2"}).status_code == 409


def test_entity_tags(client):
    made = client.call("post", "/apis", PIZZA)
    path = f"/apis/{made.json()['id']}"
    assert client.call("get", path, HTTP_IF_NONE_MATCH=made["ETag"]).status_code == 304
    changed = client.call("put", path, {"description": "new"}, HTTP_IF_MATCH=made["ETag"])
    assert (changed.status_code, changed.json()["description"]) == (200, "new")
    assert changed["ETag"] != made["ETag"]
    assert client.call("put", path, {"description": "late"}, HTTP_IF_MATCH=made["ETag"]).status_code == 412
    assert client.call("delete", path, HTTP_IF_MATCH=made["ETag"]).status_code == 412
    assert client.call("delete", path, HTTP_IF_MATCH=changed["ETag"]).status_code == 200
    assert client.call("get", path).status_code == 404


def test_name_version_and_context_stay(client):
    path = f"/apis/{client.call('post', '/apis', PIZZA).json()['id']}"
    for name, value in (("name", "Other"), ("version", "2"), ("context", "/other")):
        response = client.call("put", path, {name: value})
        assert (response.status_code, response.json()["error"][0]["field"]) == (400, name)


def test_list_is_paged_sorted_and_searched(client, publisher_user):
    for name in ("Beta", "Alpha", "Gamma"):
        make_api(publisher_user, name=name, context=f"/{name.lower()}", tags=["greek", name])
    listed = client.call("get", "/apis?limit=2&offset=1&sortBy=name&sortOrder=asc").json()
    assert ([row["name"] for row in listed["list"]], listed["count"]) == (["Beta", "Gamma"], 2)
    assert listed["pagination"] == {
        "offset": 1,
        "limit": 2,
        "total": 3,
        "next": "",
        "previous": "/apis?sortBy=name&sortOrder=asc&limit=2&offset=0",
    }
    for query, names in (
        ("name:alp", ["Alpha"]),
        ("tag:Gamma", ["Gamma"]),
        ("greek beta", ["Beta"]),
        ("status:PUBLISHED", []),
    ):
        found = client.call("get", f"/apis?query={query}").json()
        assert [row["name"] for row in found["list"]] == names
    row = client.call("get", "/search?query=alpha").json()["list"][0]
    assert (row["name"], row["type"]) == ("Alpha", "API")
    for bad in ("limit=-1", "limit=x", "offset=x", "sortBy=colour", "query=%00"):
        assert client.call("get", f"/apis?{bad}").status_code == 400


def test_validate_says_whether_a_name_is_taken(client, publisher_user):
    make_api(publisher_user, name="Pizza", context="/pizza")
    expected = {"name:pizza": 200, "context:/pizza": 200, "name:pasta": 404, "colour:red": 400}
    for query, status in expected.items():
        assert client.call("post", f"/apis/validate?query={query}").status_code == status


def test_copy(client, publisher_user):
    api = make_api(publisher_user)
    made = client.call("post", f"/apis/copy-api?apiId={api.pk}&newVersion=2.0.0&defaultVersion=true")
    assert (made.status_code, made.json()["version"], made.json()["isDefaultVersion"]) == (201, "2.0.0", True)
    assert client.call("post", f"/apis/copy-api?apiId={api.pk}&newVersion=2.0.0").status_code == 409
    assert client.call("post", f"/apis/copy-api?apiId={api.pk}").status_code == 400
    assert client.call("post", "/apis/copy-api?apiId=none&newVersion=3").status_code == 404


def test_roles(developer, creator, rest):
    assert rest(developer).call("get", "/apis").status_code == 403
    assert rest(creator).call("post", "/apis", {"name": "A", "context": "/a", "version": "1"}).status_code == 201
    api = Api.objects.get()
    assert rest(creator).call("post", f"/apis/change-lifecycle?apiId={api.pk}&action=Publish").status_code == 403


def test_nobody_is_401(client):
    client.logout()
    assert client.call("get", "/apis").status_code == 401
