"""Life cycle, revisions, deployments, definitions, services, policies and settings over REST."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apim.eventhub.models import Current, GatewayStatus
from catalog.models import Service
from publisher.actions.lifecycle import DEPRECATE_OLD, RESUBSCRIBE
from publisher.models import Api
from tests.publisher.make import deploy, make_api, make_service, plan

CORPUS = Path(__file__).parent.parent / "corpus" / "openapi"


@pytest.fixture
def client(publisher_user, rest):
    plan(publisher_user.organisation)
    for name in ("10KPerMin", "20KPerMin"):
        plan(publisher_user.organisation, name, "api")
    return rest(publisher_user)


def gateway(name: str, sequence: int, refusals=()) -> None:
    now = timezone.now()
    GatewayStatus.objects.create(
        gateway=name,
        environment="Default",
        host="h",
        pid=1,
        sequence=sequence,
        started=now,
        seen=now,
        refusals=list(refusals),
    )


def test_the_path_from_creation_to_retirement(client):
    api = client.call("post", "/apis", {"name": "A", "context": "/a", "version": "1", "policies": ["Gold"]}).json()[
        "id"
    ]
    step = f"/apis/change-lifecycle?apiId={api}&action="
    assert client.call("post", step + "Publish").status_code == 400
    revision = client.call("post", f"/apis/{api}/revisions", {"description": "first"}).json()
    assert (revision["displayName"], revision["description"], revision["deploymentInfo"]) == ("Revision 1", "first", [])
    deploy_path = f"/apis/{api}/deploy-revision?revisionId={revision['id']}"
    where = [{"name": "Default", "vhost": "localhost", "displayOnDevportal": True}]
    refused = client.call("post", deploy_path, where)
    assert (refused.status_code, refused.json()["code"]) == (400, 903226)
    client.call("put", f"/apis/{api}", {"endpointConfig": {"production_endpoints": {"url": "http://b.example"}}})
    revision = client.call("post", f"/apis/{api}/revisions", {}).json()
    deployed = client.call("post", f"/apis/{api}/deploy-revision?revisionId={revision['id']}", where)
    assert deployed.status_code == 200
    assert deployed.json()[0]["name"] == "Default"
    assert deployed.json()[0]["status"] == "APPROVED"
    state = client.call("get", f"/apis/{api}/lifecycle-state").json()
    assert state["state"] == "Created"
    assert {"event": "Publish", "targetState": "Published"} in state["availableTransitions"]
    assert [item["name"] for item in state["checkItems"]] == [DEPRECATE_OLD, RESUBSCRIBE]
    published = client.call("post", f"{step}Publish&lifecycleChecklist={DEPRECATE_OLD}:true,{RESUBSCRIBE}:false")
    assert published.json()["workflowStatus"] == "APPROVED"
    assert published.json()["lifecycleState"]["state"] == "Published"
    bad = client.call("post", step + "Retire")
    assert (bad.status_code, bad.json()["code"]) == (400, 903229)
    assert client.call("post", step + "Deprecate").status_code == 200
    assert client.call("post", step + "Retire").status_code == 200
    history = client.call("get", f"/apis/{api}/lifecycle-history").json()
    assert [item["postState"] for item in history["list"]] == ["RETIRED", "DEPRECATED", "PUBLISHED", "CREATED"]
    assert not Current.objects.filter(kind="api").exists()


def test_publish_without_plan_is_400_903224(client, publisher_user):
    api = make_api(publisher_user, plans=[])
    deploy(publisher_user, api)
    response = client.call("post", f"/apis/change-lifecycle?apiId={api.pk}&action=Publish")
    assert (response.status_code, response.json()["code"]) == (400, 903224)


@pytest.mark.parametrize("checklist", ["nonsense", "x:maybe", "Ring the bell:true"])
def test_a_wrong_checklist_is_400(client, publisher_user, checklist):
    api = make_api(publisher_user)
    path = f"/apis/change-lifecycle?apiId={api.pk}&action=Publish&lifecycleChecklist={checklist}"
    assert client.call("post", path).status_code == 400


def test_revisions(client, publisher_user):
    api = make_api(publisher_user, tags=["old"])
    ids = [client.call("post", f"/apis/{api.pk}/revisions", {}).json()["id"] for _ in range(5)]
    full = client.call("post", f"/apis/{api.pk}/revisions", {})
    assert (full.status_code, full.json()["code"]) == (400, 903227)
    assert (
        client.call("post", f"/apis/{api.pk}/deploy-revision?revisionId={ids[0]}", [{"name": "Default"}]).status_code
        == 200
    )
    assert client.call("get", f"/apis/{api.pk}/revisions").json()["count"] == 5
    assert client.call("get", f"/apis/{api.pk}/revisions?query=deployed:true").json()["count"] == 1
    one = client.call("get", f"/apis/{api.pk}/revisions/{ids[0]}").json()
    assert one["deploymentInfo"][0]["name"] == "Default"
    assert client.call("delete", f"/apis/{api.pk}/revisions/{ids[0]}").status_code == 400
    assert client.call("delete", f"/apis/{api.pk}/revisions/{ids[1]}").json()["count"] == 4
    assert (
        client.call("post", f"/apis/{api.pk}/undeploy-revision?revisionNumber=1&allEnvironments=true").status_code
        == 201
    )
    assert client.call("get", f"/apis/{api.pk}/deployments").json() == {"count": 0, "list": []}
    client.call("put", f"/apis/{api.pk}", {"tags": ["new"]})
    restored = client.call("post", f"/apis/{api.pk}/restore-revision?revisionId={ids[2]}")
    assert (restored.status_code, restored.json()["tags"]) == (201, ["old"])


@pytest.mark.parametrize(
    "body", [[], {}, [5], [{"name": 5}], [{"name": "Mars"}], [{"name": "Default", "vhost": "a b"}], 7]
)
def test_a_wrong_deployment_is_400_and_changes_nothing(client, publisher_user, body):
    api = make_api(publisher_user)
    revision = client.call("post", f"/apis/{api.pk}/revisions", {}).json()["id"]
    if isinstance(body, list) and body:
        body = [{"name": "Default"}, *body]
    assert client.call("post", f"/apis/{api.pk}/deploy-revision?revisionId={revision}", body).status_code == 400
    assert not api.deployments.exists()


def test_deployments_tell_what_gateways_run(client, publisher_user):
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    sequence = Current.objects.get(kind="api").sequence
    gateway("one", sequence)
    gateway("two", sequence - 1)
    gateway("three", sequence, [{"sequence": sequence, "kind": "api", "key": f"Default:{api.pk}", "reason": "no"}])
    row = client.call("get", f"/apis/{api.pk}/deployments").json()["list"][0]
    assert (row["liveGatewayCount"], row["deployedGatewayCount"], row["failedGatewayCount"]) == (3, 1, 1)
    hidden = client.call("put", f"/apis/{api.pk}/deployments/Default", {"displayOnDevportal": False})
    assert hidden.json()["displayOnDevportal"] is False
    assert client.call("put", f"/apis/{api.pk}/deployments/Default", {}).status_code == 400
    assert client.call("put", f"/apis/{api.pk}/deployments/Mars", {}).status_code == 404


def test_openapi_is_validated_and_imported(client):
    text = (CORPUS / "valid" / "pizza-3.0.json").read_text()
    upload = {"file": SimpleUploadedFile("pizza.json", text.encode())}
    report = client.call("post", "/apis/validate-openapi?returnContent=true", upload, format="multipart").json()
    assert report["isValid"] is True
    assert report["content"] == text
    assert report["info"] == {
        "name": "Pizza",
        "version": "2.1.0",
        "context": "/pizza",
        "description": "",
        "openAPIVersion": "3.0.3",
        "endpoints": ["https://eu.pizza.example.org/v2"],
    }
    more = json.dumps({"name": "Mine", "context": "/mine", "policies": ["Gold"], "operations": []})
    upload = {"file": SimpleUploadedFile("pizza.json", text.encode()), "additionalProperties": more}
    made = client.call("post", "/apis/import-openapi", upload, format="multipart")
    assert made.status_code == 201, made.json()
    assert (made.json()["name"], made.json()["context"], len(made.json()["operations"])) == ("Mine", "/mine", 3)
    swagger = client.call("get", f"/apis/{made.json()['id']}/swagger")
    assert swagger.content.decode() == text
    assert swagger["Content-Type"].startswith("application/json")


def test_a_broken_definition_is_told_with_its_place(client):
    text = (CORPUS / "broken" / "no-responses.yaml").read_text()
    report = client.call("post", "/apis/validate-openapi", {"inlineAPIDefinition": text}, format="multipart").json()
    assert report["isValid"] is False
    assert report["errors"][0]["code"] == "900754"
    assert "line 6, /paths/~1pets/get" in report["errors"][0]["description"]
    refused = client.call("post", "/apis/import-openapi", {"inlineAPIDefinition": text}, format="multipart")
    assert (refused.status_code, refused.json()["code"]) == (400, 900754)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"url": "http://169.254.169.254/"},
        {"file": SimpleUploadedFile("x", b"\xff\xfe\x00")},
        {"inlineAPIDefinition": "openapi: 3.0.0", "additionalProperties": "{"},
        {"inlineAPIDefinition": "openapi: 3.0.0", "additionalProperties": "[]"},
    ],
)
def test_a_strange_import_is_400(client, form):
    if "file" in form:
        form["file"].seek(0)
    assert client.call("post", "/apis/import-openapi", form, format="multipart").status_code == 400


def test_the_definition_is_replaced(client, publisher_user):
    api = make_api(publisher_user)
    generated = client.call("get", f"/apis/{api.pk}/swagger").json()
    assert (generated["info"]["title"], list(generated["paths"])) == (api.name, ["/*"])
    text = (CORPUS / "valid" / "petshop-2.0.yaml").read_text()
    put = client.call("put", f"/apis/{api.pk}/swagger", {"apiDefinition": text}, format="multipart")
    assert (put.status_code, put.json()["swagger"]) == (200, "2.0")
    as_given = client.call("get", f"/apis/{api.pk}/swagger", HTTP_ACCEPT="application/yaml")
    assert (as_given.content.decode(), as_given["Content-Type"]) == (text, "application/yaml; charset=utf-8")
    assert client.call("get", f"/apis/{api.pk}/swagger", HTTP_IF_NONE_MATCH=put["ETag"]).status_code == 304
    targets = {o["target"] for o in client.call("get", f"/apis/{api.pk}").json()["operations"]}
    assert targets == {"/pets", "/pets/{id}"}
    operations = client.call("get", f"/apis/{api.pk}").json()["operations"][:1]
    client.call("put", f"/apis/{api.pk}", {"operations": operations})
    assert "/pets/{id}" not in client.call("get", f"/apis/{api.pk}/swagger").content.decode()


def test_from_a_service_and_again_when_it_changed(client, publisher_user):
    text = (CORPUS / "valid" / "stars-3.1.yaml").read_text()
    service = make_service(publisher_user.organisation, text)
    made = client.call(
        "post", f"/apis/import-service?serviceKey={service.key}", {"name": "Stars", "context": "/stars", "version": "1"}
    )
    assert made.status_code == 201, made.json()
    body = made.json()
    assert body["endpointConfig"]["endpoint_type"] == "service"
    assert body["endpointConfig"]["production_endpoints"]["url"] == service.url
    assert body["serviceInfo"] == {
        "key": service.key,
        "name": service.name,
        "version": "1.0.0",
        "md5": "one",
        "outdated": False,
    }
    Service.objects.filter(pk=service.pk).update(
        md5="two", url="http://moved.example", definition=text.replace("/find", "/seek")
    )
    assert client.call("get", f"/apis/{body['id']}").json()["serviceInfo"]["outdated"] is True
    again = client.call("put", f"/apis/{body['id']}/reimport-service").json()
    assert again["serviceInfo"]["outdated"] is False
    assert again["endpointConfig"]["production_endpoints"]["url"] == "http://moved.example"
    assert "/seek" in {o["target"] for o in again["operations"]}
    assert client.call("post", "/apis/import-service?serviceKey=none", {}).status_code == 404
    plain = make_api(publisher_user)
    assert client.call("put", f"/apis/{plain.pk}/reimport-service").status_code == 409


def test_a_copy_can_stand_on_a_newer_service(client, publisher_user):
    text = (CORPUS / "valid" / "stars-3.1.yaml").read_text()
    service = make_service(publisher_user.organisation, text)
    make_service(
        publisher_user.organisation, text, key="next", name=service.name, version="2", url="http://two.example", md5="2"
    )
    api = client.call("post", f"/apis/import-service?serviceKey={service.key}", {}).json()["id"]
    copy = client.call("post", f"/apis/copy-api?apiId={api}&newVersion=2&serviceVersion=2").json()
    assert (copy["serviceInfo"]["key"], copy["endpointConfig"]["production_endpoints"]["url"]) == (
        "next",
        "http://two.example",
    )
    assert Api.objects.count() == 2


def test_policies_and_settings(client):
    plans = client.call("get", "/throttling-policies/subscription?limit=2").json()
    assert plans["count"] == 2
    assert {"name", "requestCount", "unitTime", "timeUnit", "tierPlan", "stopOnQuotaReach"} <= set(plans["list"][0])
    assert client.call("get", "/throttling-policies/subscription/Gold").json()["name"] == "Gold"
    assert client.call("get", "/throttling-policies/api/10KPerMin").json()["policyLevel"] == "api"
    assert client.call("get", "/throttling-policies/api/None").status_code == 404
    assert client.call("get", "/throttling-policies/moon").status_code == 400
    environment = client.call("get", "/settings").json()["environment"][0]
    assert (environment["name"], environment["vhosts"][0]["httpsPort"]) == ("Default", 8243)
