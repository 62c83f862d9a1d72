"""Operation policies over REST: specifications, archives, flows of operations and APIs, tenants, secrets, records."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.accounts.models import AuditRow, Organisation, User
from apim.eventhub.models import Current
from publisher.actions.apis import copy_api, update_api
from publisher.models import Api, OperationPolicy
from publisher.policies.shipped import specifications
from tests.publisher.make import deploy, make_api

SPEC = {
    "category": "Mediation",
    "name": "tagRequest",
    "version": "v1",
    "displayName": "Tag Request",
    "description": "Tags requests.",
    "applicableFlows": ["request", "response"],
    "supportedGateways": ["Synapse"],
    "supportedApiTypes": ["HTTP"],
    "policyAttributes": [
        {"name": "tag", "displayName": "Tag", "type": "String", "required": True, "validationRegex": "^[a-z]+$"},
        {"name": "times", "type": "Integer", "defaultValue": 2},
        {"name": "key", "type": "Secret"},
        {"name": "mode", "type": "Enum", "allowedValues": ["on", "off"]},
    ],
}
DEFINITION = '<property name="X-Tag" value="{{tag}}" scope="transport"/>'


def files(spec: Any = SPEC, definition: str = DEFINITION, text: str = "") -> dict[str, Any]:
    """The parts of an upload."""
    found = {"policySpecFile": SimpleUploadedFile("spec.json", (text or json.dumps(spec)).encode())}
    if definition:
        found["synapsePolicyDefinitionFile"] = SimpleUploadedFile("policy.j2", definition.encode())
    return found


def use(name: str, **parameters: Any) -> dict[str, Any]:
    """A policy in a flow, as the contract writes it."""
    return {"policyName": name, "policyVersion": "v1", "parameters": parameters}


@pytest.fixture
def client(publisher_user: User, rest: Any) -> Any:
    return rest(publisher_user)


@pytest.fixture
def api(publisher_user: User) -> Api:
    return make_api(publisher_user, operations=[{"verb": "GET", "target": "/a"}, {"verb": "POST", "target": "/a"}])


def put(client: Any, api: Api, **body: Any) -> Any:
    """Changes an API over REST."""
    return client.call(
        "put", f"/apis/{api.pk}", {"name": api.name, "version": api.version, "context": api.context} | body
    )


def flows_of(client: Any, api: Api, position: int = 0) -> dict[str, Any]:
    """The policies of one operation, over REST."""
    return client.call("get", f"/apis/{api.pk}").json()["operations"][position]["operationPolicies"]


def operations(policies: dict[str, Any]) -> list[dict[str, Any]]:
    """Two operations, the first with policies."""
    return [{"verb": "GET", "target": "/a", "operationPolicies": policies}, {"verb": "POST", "target": "/a"}]


def test_every_organisation_has_those_that_ship(client: Any) -> None:
    found = client.call("get", "/operation-policies?limit=100").json()
    assert found["count"] == len(specifications()) == 22
    names = {one["name"] for one in found["list"]}
    assert {"addHeader", "regexPolicy", "opaPolicy", "jsonValidator", "ccCallInterceptorService"} <= names
    one = next(one for one in found["list"] if one["name"] == "jsonValidator")
    assert {a["name"]: a.get("defaultValue") for a in one["policyAttributes"]}["maxKeyLength"] == "100"
    assert (one["isAPISpecific"], len(one["md5"])) == (False, 32)
    found = client.call("get", "/operation-policies?query=name:addHeader%20version:v1").json()
    assert [one["name"] for one in found["list"]] == ["addHeader"]


def test_a_policy_is_added_read_downloaded_and_deleted(client: Any) -> None:
    made = client.call("post", "/operation-policies", files(), format="multipart")
    assert made.status_code == 201, made.json()
    body = made.json()
    assert made["Location"] == f"/operation-policies/{body['id']}"
    assert body["policyAttributes"][0]["validationRegex"] == "^[a-z]+$"
    assert client.call("get", f"/operation-policies/{body['id']}").json() == body
    archive = client.call("get", f"/operation-policies/{body['id']}/content")
    assert archive["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as held:
        assert sorted(held.namelist()) == ["tagRequest_v1/tagRequest_v1.j2", "tagRequest_v1/tagRequest_v1.yaml"]
        assert yaml.safe_load(held.read("tagRequest_v1/tagRequest_v1.yaml"))["data"]["name"] == "tagRequest"
    assert client.call("post", "/operation-policies", files(), format="multipart").status_code == 409
    assert client.call("delete", f"/operation-policies/{body['id']}").status_code == 200
    assert client.call("get", f"/operation-policies/{body['id']}").status_code == 404


def test_an_exported_policy_can_be_imported_elsewhere(client: Any, other_publisher: Any) -> None:
    client.call("post", "/operation-policies", files(), format="multipart")
    for form in ("YAML", "JSON"):
        archive = client.call("get", f"/operation-policies/export?name=tagRequest&version=v1&format={form}").content
        upload = {"file": SimpleUploadedFile("p.zip", archive)}
        answer = other_publisher.call("post", "/operation-policies/import", upload, format="multipart")
        assert answer.status_code == (200 if form == "YAML" else 409)
    found = OperationPolicy.objects.filter(name="tagRequest")
    assert {one.definition for one in found} == {DEFINITION} and found.count() == 2
    assert client.call("get", "/operation-policies/export?name=none&version=v1").status_code == 404
    broken = {"file": SimpleUploadedFile("p.zip", b"PK nonsense")}
    assert client.call("post", "/operation-policies/import", broken, format="multipart").status_code == 400


@pytest.fixture
def other_publisher(other_organisation: Organisation, make_user: Any, rest: Any) -> Any:
    """A publisher of another organisation."""
    return rest(make_user(other_organisation, "Internal/publisher"))


@pytest.mark.parametrize(
    ("changes", "definition", "field"),
    [
        ({"name": "has space"}, DEFINITION, "name"),
        ({"applicableFlows": ["sideways"]}, DEFINITION, "applicableFlows[0]"),
        ({"applicableFlows": []}, DEFINITION, "applicableFlows"),
        ({"supportedGateways": ["Toaster"]}, DEFINITION, "supportedGateways[0]"),
        ({"policyAttributes": [{"name": "a", "type": "Colour"}]}, DEFINITION, "policyAttributes[0].type"),
        ({"policyAttributes": [{"name": "a", "type": "Enum"}]}, DEFINITION, "policyAttributes[0].allowedValues"),
        ({"policyAttributes": [{"name": "a", "validationRegex": "("}]}, DEFINITION, "policyAttributes[0].validationRegex"),
        ({"policyAttributes": [{"name": "a", "type": "Integer", "defaultValue": "x"}]}, DEFINITION, "].defaultValue"),
        ({}, "", "synapsePolicyDefinitionFile"),
        ({}, "<property", "synapsePolicyDefinitionFile"),
        ({}, "{% if %}", "synapsePolicyDefinitionFile"),
    ],
)  # fmt: skip
def test_a_wrong_specification_names_the_field(
    client: Any, changes: dict[str, Any], definition: str, field: str
) -> None:
    answer = client.call("post", "/operation-policies", files(SPEC | changes, definition), format="multipart")
    assert answer.status_code == 400
    assert field in [one["message"].split(":")[0] for one in answer.json()["error"]] or field in str(answer.json())
    assert not OperationPolicy.objects.filter(shipped=False).exists()


@pytest.mark.parametrize("text", ["{", "- a\n- b", "a: [", "x" * 300_000])
def test_what_is_no_specification_is_refused(client: Any, text: str) -> None:
    assert client.call("post", "/operation-policies", files(text=text), format="multipart").status_code == 400


def test_flows_go_in_and_out_with_defaults_and_ids(client: Any, api: Api) -> None:
    made = client.call("post", "/operation-policies", files(), format="multipart").json()
    wanted = {
        "request": [
            use("addHeader", headerName="a", headerValue="b"),
            use("tagRequest", tag="abc"),
            use("tagRequest", tag="def"),
        ]
    }
    assert put(client, api, operations=operations(wanted)).status_code == 200
    shown = flows_of(client, api)
    assert [one["policyName"] for one in shown["request"]] == ["addHeader", "tagRequest", "tagRequest"]
    assert shown["request"][1]["parameters"] == {"tag": "abc", "times": 2}
    assert (shown["request"][1]["policyId"], shown["request"][1]["policyType"]) == (made["id"], "common")
    assert shown["response"] == shown["fault"] == []
    assert flows_of(client, api, 1)["request"] == []


def test_operations_that_say_nothing_of_policies_keep_them(client: Any, api: Api, publisher_user: User) -> None:
    put(client, api, operations=operations({"request": [use("addHeader", headerName="a", headerValue="b")]}))
    update_api(by=publisher_user, api=api, operations=[{"verb": "GET", "target": "/a", "auth": "user"}])
    assert len(flows_of(client, api)["request"]) == 1
    put(client, api, operations=operations({"request": [], "response": [], "fault": []}))
    assert flows_of(client, api)["request"] == []


@pytest.mark.parametrize(
    ("policies", "text"),
    [
        ({"request": [use("nothing")]}, "There is no policy 'nothing'"),
        ({"fault": [use("jsonValidator")]}, "cannot stand in the fault flow"),
        ({"request": [use("addHeader", headerName="a")]}, "headerValue: Is required"),
        ({"request": [use("addHeader", headerName="a b", headerValue="c")]}, "does not match"),
        ({"request": [use("addHeader", headerName="a", headerValue="b", colour="c")]}, "Is not an attribute"),
        ({"request": [use("jsonValidator", maxKeyLength="many")]}, "is not a whole number"),
        ({"request": [use("changeHTTPMethod", httpMethod="BREW")]}, "is not one of GET"),
        ({"request": [use("xmlValidator", dtdEnabled="perhaps")]}, "is neither true nor false"),
        ({"request": [use("opaPolicy", serverUrl="http://x", policy="p", accessKey="sealed:nonsense")]}, "sealed:"),
        ({"request": [use("disableChunking")] * 51}, "50 at most"),
        ({"request": "all"}, ""),
        ({"request": ["addHeader"]}, ""),
    ],
)
def test_wrong_uses_are_refused(client: Any, api: Api, policies: Any, text: str) -> None:
    answer = put(client, api, operations=operations(policies))
    if isinstance(policies.get("request"), str):
        assert answer.status_code == 200 and flows_of(client, api)["request"] == []
        return
    assert answer.status_code == 400, answer.json()
    assert text in json.dumps(answer.json())


def test_policies_of_one_api_are_its_own(client: Any, api: Api, publisher_user: User) -> None:
    other = make_api(publisher_user)
    path = f"/apis/{api.pk}/operation-policies"
    made = client.call("post", path, files(), format="multipart")
    assert made.status_code == 201
    identifier = made.json()["id"]
    assert made.json()["isAPISpecific"] is True
    assert [one["id"] for one in client.call("get", path).json()["list"]] == [identifier]
    assert client.call("get", f"/apis/{other.pk}/operation-policies").json()["count"] == 0
    assert client.call("get", f"/apis/{other.pk}/operation-policies/{identifier}").status_code == 404
    assert client.call("get", f"/operation-policies/{identifier}").status_code == 404
    assert put(client, api, apiPolicies={"request": [use("tagRequest", tag="x")]}).status_code == 200
    assert put(client, other, apiPolicies={"request": [use("tagRequest", tag="x")]}).status_code == 400
    assert client.call("delete", f"{path}/{identifier}").status_code == 409
    copied = copy_api(by=publisher_user, api=Api.objects.get(pk=api.pk), version="2.0.0")
    assert copied.own_policies.get().name == "tagRequest"
    assert put(client, api, apiPolicies={"request": []}).status_code == 200
    assert client.call("get", f"{path}/{identifier}/content").status_code == 200
    assert client.call("delete", f"{path}/{identifier}").status_code == 200


def test_gateways_get_definitions_and_secrets_people_do_not(client: Any, api: Api, publisher_user: User) -> None:
    client.call("post", "/operation-policies", files(), format="multipart")
    wanted = {"request": [use("tagRequest", tag="abc", key="t0p-secret")]}
    assert (
        put(
            client,
            api,
            operations=operations(wanted),
            enableSchemaValidation=True,
            responseCachingEnabled=True,
            cacheTimeout=77,
        ).status_code
        == 200
    )
    stored = json.dumps(Api.objects.get(pk=api.pk).operations.first().flows)
    assert "t0p-secret" not in stored and "sealed:" in stored
    shown = flows_of(client, api)["request"][0]
    assert shown["parameters"]["key"] == ""
    assert put(client, api, operations=operations({"request": [shown]})).status_code == 200
    body = client.call("get", f"/apis/{api.pk}").json()
    assert (body["enableSchemaValidation"], body["responseCachingEnabled"], body["cacheTimeout"]) == (True, True, 77)
    deploy(publisher_user, Api.objects.get(pk=api.pk))
    record = json.loads(Current.objects.get(kind="api", key=f"Default:{api.pk}").record)
    found = record["operations"][0]["flows"]["request"][0]
    assert found["parameters"] == {"tag": "abc", "times": 2, "key": "t0p-secret"}
    assert found["definition"] == DEFINITION
    assert (record["validate_schema"], record["cache_seconds"]) == (True, 77)
    assert "t0p-secret" not in json.dumps(list(AuditRow.objects.values("before", "after")), default=str)


def test_those_who_may_only_look_change_nothing(api: Api, make_user: Any, rest: Any, publisher_user: User) -> None:
    looker = rest(make_user(publisher_user.organisation, "Internal/devops"))
    assert looker.call("get", "/operation-policies").status_code == 200
    assert looker.call("post", "/operation-policies", files(), format="multipart").status_code == 403
    first = OperationPolicy.objects.filter(organisation=publisher_user.organisation).first()
    assert looker.call("delete", f"/operation-policies/{first.pk}").status_code == 403


def test_organisations_do_not_see_each_others_policies(client: Any, other_publisher: Any) -> None:
    made = client.call("post", "/operation-policies", files(), format="multipart").json()
    assert other_publisher.call("get", f"/operation-policies/{made['id']}").status_code == 404
    assert other_publisher.call("delete", f"/operation-policies/{made['id']}").status_code == 404
    assert other_publisher.call("get", "/operation-policies?query=name:tagRequest").json()["count"] == 0
    assert Organisation.objects.count() >= 2
