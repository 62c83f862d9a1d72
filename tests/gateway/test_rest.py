"""The gateway's management REST: its eleven operations, who may ask, and that all workers agree on what is taken off."""

from __future__ import annotations

import base64
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.conftest import Served
from tests.gateway.hub import SECRET, FakeHub
from tests.gateway.process import Answer, Gateway, running_gateway
from tests.gateway.test_sync import fill
from tests.support.wait import until

BASE = "/api/am/gateway/v2"
NAMED = "?apiName=rest&version=1.0"
SYNAPSE = "{http://ws.apache.org/ns/synapse}"


@pytest.fixture(scope="module")
def filled(served: Served, backend: Backend) -> Served:
    security = schema.EndpointSecurity("basic", username="u", password="not-to-be-seen")
    flows = schema.Flows(
        request=(schema.PolicyUse("addHeader", "v1", {"headerName": "x", "headerValue": "not-to-be-seen"}),)
    )
    operations = (
        schema.Operation("GET", "/menu", "user", ("read",)),
        schema.Operation("POST", "/order", policy="Unlimited"),
    )
    api = world.api(
        "rest", "", *operations, production=schema.Endpoint(backend.url, security=security), flows=flows,
        sandbox=schema.Endpoint(backend.url + "-sand"), default_context="/rest",
    )  # fmt: skip
    acme = world.api("rest", backend.url, id="id-acme", organisation="acme.com", context="/t/acme.com/rest/1.0")
    served.publish(("api", "Default:id-rest", api), ("api", "Default:id-acme", acme), world.subscription("rest"))
    served.hub.people = {
        ("carbon.super", "admin", "secret"): ["admin"],
        ("carbon.super", "maker", "secret"): ["Internal/creator"],
        ("acme.com", "admin@acme.com", "secret"): ["admin"],
    }
    return served


def get(gateway: Gateway, path: str, method: str = "GET", **headers: str) -> Answer:
    return gateway.call(BASE + path, method, headers=headers)


def basic(name: str, password: str = "secret") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_what_it_runs(filled: Served) -> None:
    gateway = filled.gateway
    assert (get(gateway, "/server-startup-healthcheck").status, get(gateway, "/server-startup-healthcheck").body) == (
        200,
        b"OK",
    )
    listed = get(gateway, "/apis?context=/rest/1.0&version=1.0").json
    assert listed["count"] == 1
    one = listed["list"][0]
    assert (one["apiUUID"], one["name"], one["isDefaultVersion"], one["status"]) == (
        "id-rest",
        "rest",
        True,
        "PUBLISHED",
    )
    assert {one["name"] for one in get(gateway, "/apis").json["list"]} == {"rest"}
    assert get(gateway, "/apis?tenantDomain=acme.com").json["list"][0]["apiUUID"] == "id-acme"
    info = get(gateway, "/apis/id-rest").json
    assert info["urlMappings"][0] == {
        "authScheme": "Application User", "throttlingPolicy": "Unlimited", "httpMethod": "GET", "urlPattern": "/menu",
        "scopes": ["read"],
    }  # fmt: skip
    assert info["subscripitons"][0]["application"]["keys"][0]["consumerKey"] == "client-1"
    application = get(gateway, "/applications?name=App%201").json["list"][0]
    assert (application["uuid"], len(application["keys"])) == ("app-1", 2)
    assert get(gateway, "/applications?uuid=app-1").json["count"] == 1
    found = get(gateway, "/subscriptions?apiUUID=id-rest&appUUID=app-1").json
    assert (found["policyId"], found["subscriptionState"], found["apiId"]) == ("Unlimited", "UNBLOCKED", one["apiId"])


def test_artifacts_hold_no_secret(filled: Served) -> None:
    gateway = filled.gateway
    api = ElementTree.fromstring(get(gateway, f"/api-artifact{NAMED}").json["api"])
    assert (api.tag, api.get("context"), len(api.findall(f"{SYNAPSE}resource"))) == (f"{SYNAPSE}api", "/rest/1.0", 2)
    ends = get(gateway, f"/end-points{NAMED}").json["endpoints"]
    assert [ElementTree.fromstring(one).get("name") for one in ends] == [
        "rest--v1.0_APIproductionEndpoint", "rest--v1.0_APIsandboxEndpoint",
    ]  # fmt: skip
    assert filled.backend.url in ends[0]
    sequences = get(gateway, f"/sequence{NAMED}").json["sequences"]
    assert "addHeader" in sequences[0] and len(sequences) == 1
    entries = get(gateway, f"/local-entry{NAMED}").json["localEntries"]
    assert "/menu" in entries[0]
    for path in ("api-artifact", "end-points", "sequence", "local-entry"):
        assert b"not-to-be-seen" not in get(gateway, f"/{path}{NAMED}").body


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api-artifact", "GET", 400),
        ("/api-artifact?apiName=rest", "GET", 400),
        ("/api-artifact?apiName=rest&version=9", "GET", 404),
        ("/redeploy-api?apiName=none&version=9", "POST", 404),
        ("/redeploy-api" + NAMED, "GET", 405),
        ("/api-artifact" + NAMED, "POST", 405),
        ("/apis?context=/rest/1.0", "GET", 400),
        ("/apis?context=/none&version=1.0", "GET", 404),
        ("/apis/none", "GET", 404),
        ("/apis/id-acme", "GET", 404),
        ("/applications", "GET", 400),
        ("/applications?name=none", "GET", 404),
        ("/subscriptions?apiUUID=id-rest", "GET", 400),
        ("/subscriptions?apiUUID=id-rest&appUUID=none", "GET", 404),
        ("/nothing", "GET", 404),
        ("/apis/id-rest/more", "GET", 404),
        ("/apis?" + "&".join(f"a{n}=1" for n in range(60)), "GET", 400),
    ],
)
def test_mistakes_have_the_contracts_form(filled: Served, path: str, method: str, status: int) -> None:
    answer = get(filled.gateway, path, method)
    assert (answer.status, answer.json["code"]) == (status, status)
    assert answer.json["description"]


def test_who_may_ask(filled: Served) -> None:
    gateway = filled.gateway
    far = {"x-forwarded-for": "203.0.113.7"}
    assert get(gateway, "/apis", **far).status == 401
    assert "basic" in get(gateway, "/apis", **far).headers["www-authenticate"].lower()
    assert get(gateway, "/apis", authorization=f"Bearer {SECRET}", **far).status == 200
    assert get(gateway, "/apis", **{"internal-key": SECRET}, **far).status == 200
    assert get(gateway, "/apis", authorization="Bearer wrong", **far).status == 401
    assert get(gateway, "/apis", **{"internal-key": "wrong"}, **far).status == 401
    assert get(gateway, "/apis", authorization=basic("admin"), **far).status == 200
    assert get(gateway, "/apis", authorization=basic("admin", "wrong"), **far).status == 401
    assert get(gateway, "/apis", authorization="Basic !!!", **far).status == 401
    assert get(gateway, "/apis", authorization=basic("maker"), **far).status == 403
    acme = basic("admin@acme.com")
    assert get(gateway, "/apis?tenantDomain=acme.com", authorization=acme, **far).status == 200
    assert get(gateway, "/apis", authorization=acme, **far).status == 403
    assert get(gateway, "/server-startup-healthcheck", **far).status == 200


def test_all_workers_agree_on_what_is_taken_off(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    named = "?apiName=one&version=1.0"
    with running_gateway(var, hub.url, redis_url, workers=2, GATEWAY_POLL_SECONDS="30") as gateway:
        gateway.until_sequence(hub.sequence)

        def statuses() -> set[int]:
            return {gateway.call("/one/1.0/a", token=signer.token()).status for _ in range(12)}

        until(lambda: statuses() == {200})
        answer = get(gateway, f"/undeploy-api{named}", "POST")
        assert (answer.status, answer.json["deployStatus"]) == (200, "UNDEPLOYED")
        until(lambda: statuses() == {404}, what="both workers to take it off")
        hub.publish("api", "Default:id-one", world.api("one", backend.url + "2"))
        gateway.until_sequence(hub.sequence)
        assert statuses() == {404}
    with running_gateway(var, hub.url, redis_url, workers=2) as gateway:
        assert gateway.call("/one/1.0/a").status == 404
        answer = get(gateway, f"/redeploy-api{named}", "POST")
        assert (answer.status, answer.json["deployStatus"]) == (200, "DEPLOYED")
        until(lambda: {gateway.call("/one/1.0/a", token=signer.token()).status for _ in range(12)} == {200})
        assert gateway.call("/one/1.0/a", token=signer.token()).json["target"] == "/base2/a"
