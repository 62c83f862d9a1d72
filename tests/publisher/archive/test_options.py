"""What importers and exporters may ask for, what mistakes are called, and that nothing is half done."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.accounts.models import AuditRow
from apim.eventhub.models import Current
from publisher.actions.lifecycle import change_state
from publisher.actions.revisions import create_revision, deploy_revision
from publisher.models import Api, EndpointCertificate, OperationPolicy, Revision
from tests.publisher.archive import designs
from tests.publisher.make import deploy, make_api, plan
from tests.support.client_certificate import make_client_certificate
from tests.support.people import make_user

TOOL = """
type: api
version: v4.2.0
data:
  id: 28114236-515c-4f40-82e4-6a016e632008
  name: PizzaShackAPI
  description: Pizza
  context: /t/somewhere.org/pizzashack
  version: 1.0
  provider: nobody
  lifeCycleStatus: PUBLISHED
  responseCachingEnabled: false
  cacheTimeout: 300
  hasThumbnail: false
  isDefaultVersion: false
  enableSchemaValidation: false
  type: HTTP
  audiences: [all]
  transport: [http, https]
  tags: [pizza]
  organizationId: somewhere.org
  policies: [Gold]
  authorizationHeader: Authorization
  apiKeyHeader: ""
  securityScheme: [oauth2, oauth_basic_auth_api_key_mandatory]
  visibility: PUBLIC
  visibleRoles: []
  mediationPolicies: [{name: add_it, type: in}]
  additionalProperties: []
  additionalPropertiesMap: []
  accessControl: NONE
  accessControlRoles: []
  corsConfiguration:
    corsConfigurationEnabled: false
    accessControlAllowOrigins: ['*']
    accessControlAllowCredentials: false
    accessControlAllowHeaders: [authorization]
    accessControlAllowMethods: [GET]
  createdTime: Dec 14, 2020 3:52:06 PM
  endpointConfig:
    endpoint_type: http
    production_endpoints: {url: "https://localhost:9443/am/", config: {retryTimeOut: 60, factor: 1.5}}
    endpoint_security:
      production: {password: "", customParameters: {}, type: BASIC, enabled: true, username: admin}
      sandbox: {customParameters: {}, enabled: false}
  endpointImplementationType: ENDPOINT
  scopes: []
  operations:
   - {id: "", target: /menu, verb: GET, authType: Application & Application User, throttlingPolicy: Unlimited, scopes: [],
      operationPolicies: {request: [{policyName: customAddLogMessage, policyVersion: v1, parameters: {propertyName: a}}]}}
  categories: []
  keyManagers: [all]
  websubSubscriptionConfiguration: ""
  isRevision: false
  revisionId: 0
  gatewayVendor: wso2
  gatewayType: wso2/synapse
"""
POLICY = """
type: operation_policy_specification
version: v4.2.0
data:
  category: Mediation
  name: customAddLogMessage
  version: v1
  displayName: Custom Log Policy
  applicableFlows: [request, response, fault]
  supportedGateways: [Synapse]
  supportedApiTypes: [HTTP]
  policyAttributes:
   - {name: propertyName, displayName: Property Name, type: String, required: true}
"""
SWAGGER = """
openapi: 3.0.1
info: {title: PizzaShackAPI, version: 1.0.0}
paths:
  /menu: {get: {responses: {'200': {description: OK}}}}
  /order: {post: {responses: {'201': {description: Created}}}}
"""
SEQUENCE = '<sequence xmlns="http://ws.apache.org/ns/synapse" name="add_it"><log level="full"/></sequence>'
TOOL_FILES = {
    "api.yaml": TOOL,
    "Definitions/swagger.yaml": SWAGGER,
    "Policies/customAddLogMessage_v1.yaml": POLICY,
    "Policies/customAddLogMessage_v1.j2": '<property name="{{propertyName}}" value="x"/>',
    "Sequences/in-sequence/Custom/add_it.xml": SEQUENCE,
    "Docs/Doc1/document.yaml": "type: document\nversion: v4.2.0\n"
    "data: {documentId: x, name: Doc1, type: HOWTO, summary: s, sourceType: INLINE, visibility: API_LEVEL}\n",
    "Docs/Doc1/Doc1": "Hello",
}
"""As the original's tool makes it, with what older versions had."""


def packed(files: dict[str, str | bytes], root: str = "PizzaShackAPI-1.0/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(root + name, content)
    return buffer.getvalue()


@pytest.fixture
def client(publisher_user, rest):
    plan(publisher_user.organisation)
    return rest(publisher_user)


def send(client, content: bytes, query: str = "", path: str = "/apis/import", **parts: Any):
    file = SimpleUploadedFile("archive.zip", content)
    return client.call("post", f"{path}?{query}", {"file": file, **parts}, format="multipart")


def exported(client, query: str) -> bytes:
    answer = client.call("get", f"/apis/export?{query}")
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/zip"
    return answer.content


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def data_of(content: bytes, name: str = "api.yaml") -> dict[str, Any]:
    return yaml.safe_load(files_of(content)[name])["data"]


def changed(content: bytes, **fields: Any) -> bytes:
    """An archive with other fields in its api.yaml."""
    files = files_of(content)
    document = yaml.safe_load(files["api.yaml"])
    document["data"] |= fields
    return packed(files | {"api.yaml": yaml.safe_dump(document)})


def test_what_the_tool_writes_is_read(client, publisher_user):
    answer = send(client, packed(TOOL_FILES), "environment=")
    assert answer.status_code == 200, answer.json()
    assert "stays CREATED instead of PUBLISHED" in answer.json()["warnings"][0]
    assert {one["change"] for one in answer.json()["changes"]} == {"added"}
    api = Api.objects.get()
    assert (api.name, api.version, api.context, api.audiences) == ("PizzaShackAPI", "1.0", "/pizzashack", [])
    assert api.provider == publisher_user
    assert [(one.verb, one.target) for one in api.operations.all()] == [("GET", "/menu"), ("POST", "/order")]
    assert api.operations.first().flows["request"][0]["definition"].startswith("<property")
    assert api.flows["request"][0]["definition"] == '<log level="full"/>'
    assert {one.name for one in api.own_policies.all()} == {"customAddLogMessage", "request_add_it"}
    assert api.definition == SWAGGER
    assert api.documents.get().text == "Hello"
    assert api.endpoints["production"]["security"]["username"] == "admin"


def test_the_tools_form_for_deployments_is_taken_apart(client, publisher_user, tmp_path):
    pem = make_client_certificate(tmp_path, "alice").pem
    parameters = {
        "configs": {
            "endpoints": {"production": {"url": "https://prod.example", "config": {"factor": 2}}},
            "security": {"production": {"enabled": True, "type": "basic", "username": "u", "password": "pw"}},
            "certs": [{"hostName": "https://prod.example", "alias": "prod", "path": "alice.crt"}],
            "mutualSslCerts": [{"tierName": "Gold", "alias": "alice", "path": "alice.crt", "keyType": "SANDBOX"}],
            "deploymentEnvironments": [{"displayOnDevportal": True, "deploymentEnvironment": "Default"}],
            "policies": ["Gold"],
        }
    }
    outer = {
        "SourceArchive.zip": packed(TOOL_FILES),
        "Deployment/intermediate_params.yaml": yaml.safe_dump(parameters["configs"]),
        "Deployment/certificates/alice.crt": pem,
    }
    answer = send(client, packed(outer, "x-1/"), "rotateRevision=true")
    assert answer.status_code == 200, answer.json()
    api = Api.objects.get()
    assert api.state == "PUBLISHED"
    assert api.endpoints["production"]["url"] == "https://prod.example"
    assert "mutualssl" in api.security
    assert (api.client_certificates.get().tier, api.client_certificates.get().key_type) == ("Gold", "SANDBOX")
    assert EndpointCertificate.objects.get().endpoint == "https://prod.example"
    assert api.deployments.get().environment.name == "Default"


def test_parameters_beside_the_archive_alone_are_the_tools_form_for_a_file(client):
    """What it makes of one file: no folder, the chosen parameters beside the archive."""
    outer = {
        "SourceArchive.zip": packed(TOOL_FILES, "SourceArchive/"),
        "intermediate_params.yaml": yaml.safe_dump({"endpoints": {"production": {"url": "https://prod.example"}}}),
    }
    for number, top in enumerate(("", "apim123/")):
        answer = send(client, packed(outer, top), "overwrite=true")
        assert answer.status_code == 200, (number, answer.json())
        assert Api.objects.get().endpoints["production"]["url"] == "https://prod.example"
        Api.objects.update(endpoints={})


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"endpointType": "soap", "endpoints": {"sandbox": {"url": "http://s.example"}}}, {"sandbox": "soap"}),
        ({"endpointType": "dynamic"}, {"production": "dynamic", "sandbox": "dynamic"}),
        (
            {
                "endpointRoutingPolicy": "load_balanced",
                "loadBalanceEndpoints": {"production": [{"url": "http://a.example"}, {"url": "http://b.example"}]},
            },
            {"production": "load_balance"},
        ),
        (
            {
                "endpointRoutingPolicy": "failover",
                "failoverEndpoints": {
                    "production": {"url": "http://a.example"},
                    "productionFailovers": [{"url": "http://b.example"}],
                },
            },
            {"production": "failover"},
        ),
        (
            {
                "endpointType": "aws",
                "awsLambdaEndpoints": {
                    "accessMethod": "stored",
                    "amznRegion": "us-west-1",
                    "amznAccessKey": "k",
                    "amznSecretKey": "s",
                },
            },
            {"production": "aws_lambda", "sandbox": "aws_lambda"},
        ),
        (
            {"endpointType": "aws", "awsLambdaEndpoints": {"accessMethod": "role_supplied"}},
            {"production": "aws_lambda", "sandbox": "aws_lambda"},
        ),
        (
            {"endpoints": {"production": {"url": "https://a.example", "config": {"retryTimeOut": 13000, "factor": 3}}}},
            {"production": "http"},
        ),
    ],
)
def test_parameters_replace_backends(values, found, client):
    file = yaml.safe_dump({"environments": [{"name": "dev", "configs": {}}, {"name": "prod", "configs": values}]})
    tool = yaml.safe_load(TOOL)
    if values.get("endpointType") == "aws":
        tool["data"]["operations"][0] |= {"amznResourceName": "arn:aws:lambda:us-west-1:123456789012:function:f"}
    content = packed(TOOL_FILES | {"api.yaml": yaml.safe_dump(tool)})
    answer = send(client, content, "environment=prod", params=SimpleUploadedFile("p.yaml", file.encode()))
    assert answer.status_code == 200, answer.json()
    endpoints = Api.objects.get().endpoints
    assert {side: one.get("kind", "http") for side, one in endpoints.items()} == found


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ("environments: [{name: dev}]", "params: environments: 'prod' is not one of dev."),
        ("{endpontType: soap}", "params: endpontType: Is not known; allowed: endpointType"),
        ("{endpointType: soup}", "params: endpointType: 'soup' is not one of rest"),
        ("{certs: [{alias: a, hostName: h, path: no.crt}]}", "params: certs[0].path"),
        ("{security: {production: {enabled: true, username: u}}}", "params: security.production.type"),
        ("{policies: Gold}", "params: policies: 'Gold' is not a list."),
        ("{deploymentEnvironments: [{deploymentEnvironment: Mars}]}", "params: data[0].deploymentEnvironment"),
        ("- x", "params: ['x'] is not an object"),
        ("a: [", "params"),
    ],
)
def test_mistakes_in_parameters_name_the_field(parameters, place, client):
    answer = send(client, packed(TOOL_FILES), "environment=prod", params=parameters)
    assert answer.status_code == 400
    assert place in answer.json()["description"]
    assert not Api.objects.exists()


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"policies": ["Diamond"]}, "api.yaml: data.policies[0]: 'Diamond' is not one of"),
        ({"lifeCycleStatus": "SOLD"}, "api.yaml: data.lifeCycleStatus: 'SOLD' is not one of CREATED"),
        ({"type": "COBOL"}, "api.yaml: data.type: 'COBOL' is not one of HTTP"),
        ({"context": "/a b"}, "api.yaml: data.context: '/a b' is not allowed"),
        ({"operations": [{"verb": "EAT", "target": "/x"}]}, "api.yaml: data.operations[0].verb: 'EAT' is not one of"),
        ({"endpointConfig": {"endpoint_type": "pigeon"}}, "api.yaml: data.endpointConfig.endpoint_type: 'pigeon'"),
    ],
)
def test_mistakes_name_file_field_value_and_what_is_allowed(fields, place, client, publisher_user):
    make_api(publisher_user, name="Orders", version="1.0")
    content = exported(client, "name=Orders&version=1.0")
    Api.objects.all().delete()
    answer = send(client, changed(content, **fields))
    assert answer.status_code == 400, answer.json()
    assert place in answer.json()["description"]
    assert not Api.objects.exists()


def test_a_mistake_at_the_end_leaves_nothing(client, publisher_user):
    designs.rest(publisher_user)
    before = OperationPolicy.objects.count(), AuditRow.objects.count(), Current.objects.count()
    content = exported(client, "name=Orders&version=1.10")
    files = files_of(content) | {
        "deployment_environments.yaml": b"type: deployment_environments\ndata: [{deploymentEnvironment: Mars}]"
    }
    content = changed(packed(files), name="Other", context="/other")
    answer = send(client, content)
    assert answer.status_code == 400
    assert "deployment_environments.yaml: data[0].deploymentEnvironment" in answer.json()["description"]
    assert not Api.objects.filter(name="Other").exists()
    assert before == (OperationPolicy.objects.count(), AuditRow.objects.count(), Current.objects.count())


def test_an_api_that_is_there_is_a_conflict_unless_it_is_to_be_overwritten(client, publisher_user):
    api = make_api(publisher_user, name="Orders", version="1.0")
    content = changed(exported(client, f"apiId={api.pk}"), description="New")
    assert send(client, content).status_code == 409
    assert send(client, content, "overwrite=false").status_code == 409
    answer = send(client, content, "overwrite=true")
    assert answer.status_code == 200
    change = {"change": "changed", "file": "api.yaml", "field": "description", "before": "", "after": "New"}
    assert [one for one in answer.json()["changes"] if one["file"] == "api.yaml"] == [change]
    assert Api.objects.get().description == "New"
    assert send(client, changed(content, type="SOAP"), "overwrite=true").status_code == 400
    assert send(client, content, "overwrite=perhaps").status_code == 400


def test_a_dry_run_tells_and_changes_nothing(client, publisher_user):
    api = designs.rest(publisher_user)
    content = exported(client, f"apiId={api.pk}&revisionNumber=")
    content = changed(content, description="New", tags=["b"])
    before = list(Api.objects.values()), AuditRow.objects.count(), list(Current.objects.values())
    answer = send(client, content, "overwrite=true&dryRun=true").json()
    assert answer["message"] == "API would be updated."
    assert {(one["field"], one["after"]) for one in answer["changes"]} == {("description", "New"), ("tags", '["b"]')}
    fresh = changed(content, name="Fresh", context="/fresh")
    answer = send(client, fresh, "dryRun=true").json()
    assert (answer["created"], answer["id"]) == (True, "")
    assert {"api.yaml", "Definitions/swagger.yaml", "Docs/Manual/manual v1.pdf"} <= {
        one["file"] for one in answer["changes"]
    }
    assert before == (list(Api.objects.values()), AuditRow.objects.count(), list(Current.objects.values()))
    assert send(client, changed(content, policies=["No"]), "overwrite=true&dryRun=true").status_code == 400


def test_revisions_are_exported_and_rotate(client, publisher_user):
    api = make_api(publisher_user, name="Orders", version="1.0", description="first")
    deploy(publisher_user, api)
    Api.objects.filter(pk=api.pk).update(description="second")
    create_revision(by=publisher_user, api=api)
    one = exported(client, f"apiId={api.pk}&revisionNumber=1")
    assert (data_of(one)["description"], data_of(one)["revisionId"]) == ("first", 1)
    assert yaml.safe_load(files_of(one)["deployment_environments.yaml"])["data"] == [
        {"displayOnDevportal": True, "deploymentEnvironment": "Default", "deploymentVhost": "localhost"}
    ]
    latest = exported(client, f"apiId={api.pk}&latestRevision=true")
    assert (data_of(latest)["description"], data_of(latest)["revisionId"]) == ("second", 2)
    now = exported(client, f"apiId={api.pk}")
    assert "deployment_environments.yaml" not in files_of(now)
    for query in ("revisionNumber=9", "revisionNumber=x"):
        assert client.call("get", f"/apis/export?apiId={api.pk}&{query}").status_code in (400, 404)
    for _ in range(3):
        create_revision(by=publisher_user, api=api)
    deploy_revision(by=publisher_user, revision=Revision.objects.get(api=api, number=1), environments=["Default"])
    assert send(client, one, "overwrite=true").status_code == 400
    assert send(client, one, "overwrite=true&rotateRevision=true").status_code == 200
    numbers = sorted(api.revisions.values_list("number", flat=True))
    assert numbers == [2, 3, 4, 5, 6]
    assert api.deployments.get().revision.number == 6


def test_the_state_goes_along_or_not(client, publisher_user, other_organisation, rest):
    api = make_api(publisher_user, name="Orders", version="1.0")
    deploy(publisher_user, api)
    change_state(by=publisher_user, api=api, action="Publish")
    change_state(by=publisher_user, api=api, action="Deprecate")
    with_state = exported(client, f"apiId={api.pk}&revisionNumber=1")
    assert data_of(with_state)["lifeCycleStatus"] == "DEPRECATED"
    without = exported(client, f"apiId={api.pk}&preserveStatus=false")
    assert data_of(without)["lifeCycleStatus"] == "CREATED"
    assert send(client, without, "overwrite=true").status_code == 200
    assert Api.objects.get().state == "DEPRECATED"
    plan(other_organisation)
    there = rest(make_user(other_organisation, "Internal/creator", "Internal/publisher"))
    assert send(there, with_state).json()["warnings"] == []
    assert Api.objects.get(organisation=other_organisation).state == "DEPRECATED"


def test_the_provider_stays_where_that_is_possible(client, publisher_user, admin, creator, rest):
    make_api(creator, name="Orders", version="1.0")
    content = exported(client, "name=Orders&version=1.0&providerName=creator")
    Api.objects.all().delete()
    assert send(client, content, "preserveProvider=true").status_code == 403
    assert send(client, content).status_code == 200
    assert Api.objects.get().provider == publisher_user
    Api.objects.all().delete()
    assert send(rest(admin), content, "preserveProvider=true").status_code == 200
    assert Api.objects.get().provider == creator
    Api.objects.all().delete()
    assert send(rest(admin), content, "preserveProvider=false").status_code == 200
    assert Api.objects.get().provider == admin
    gone = changed(content, provider="nobody", name="B", context="/b")
    assert send(rest(admin), gone, "preserveProvider=true").status_code == 403


def test_json_archives_are_json(client, publisher_user):
    designs.graphql(publisher_user)
    files = files_of(exported(client, "name=Films&version=1.0&format=json"))
    assert {"api.json", "api_meta.json", "Definitions/schema.graphql", "Definitions/graphql-complexity.json"} == set(
        files
    )
    assert json.loads(files["api.json"])["type"] == "api"
    assert client.call("get", "/apis/export?name=Films&version=1.0&format=XML").status_code == 400


def test_secrets_stay_out_stay_where_they_are_or_go_along_sealed(client, publisher_user, rest):
    api = designs.secured(publisher_user)
    reader = rest(make_user(publisher_user.organisation, "Internal/devops"))
    assert reader.call("get", f"/apis/export?apiId={api.pk}").status_code == 200
    assert reader.call("get", f"/apis/export?apiId={api.pk}&preserveCredentials=true").status_code == 403
    content = exported(client, f"apiId={api.pk}")
    assert b"sealed:" not in b"".join(files_of(content).values())
    before = api.endpoints["production"]["security"]["password"]
    assert send(client, content, "overwrite=true").status_code == 200
    assert Api.objects.get().endpoints["production"]["security"]["password"] == before
    whole = exported(client, f"apiId={api.pk}&preserveCredentials=true")
    Api.objects.all().delete()
    assert send(client, whole).status_code == 200
    assert Api.objects.get().endpoints["production"]["security"]["password"] == before


def test_products_ask_for_their_apis_or_bring_them(client, publisher_user, other_organisation, rest):
    designs.product(publisher_user)
    answer = client.call("get", "/api-products/export?name=Shop&version=1.0.0")
    assert answer.status_code == 200
    plan(other_organisation)
    there = rest(make_user(other_organisation, "Internal/creator", "Internal/publisher"))
    path = "/api-products/import"
    refused = send(there, answer.content, path=path)
    assert refused.status_code == 400
    assert (
        "api_product.yaml: data.apis[0]: There is no API Orders 1.10; import it first" in refused.json()["description"]
    )
    assert send(there, answer.content, "importAPIs=true", path).status_code == 200
    assert send(there, answer.content, "importAPIs=true", path).status_code == 409
    again = send(there, answer.content, "importAPIs=true&overwriteAPIProduct=true&overwriteAPIs=true", path).json()
    assert (again["message"], again["changes"]) == ("API Product imported successfully.", [])
    product = Api.objects.get(organisation=other_organisation, kind="PRODUCT")
    assert {one.source.organisation for one in product.operations.all()} == {other_organisation}
    assert client.call("get", "/apis/export?name=Shop&version=1.0.0").status_code == 404


def test_parameters_reach_the_apis_of_a_product(client, publisher_user):
    designs.product(publisher_user)
    content = client.call("get", "/api-products/export?name=Shop&version=1.0.0").content
    sent = {"dependentAPIs": {"First-1.0.0": {"endpoints": {"production": {"url": "http://there.example"}}}}}
    answer = send(
        client,
        content,
        "overwriteAPIProduct=true&overwriteAPIs=true",
        "/api-products/import",
        params=yaml.safe_dump(sent),
    )
    assert answer.status_code == 200, answer.json()
    assert Api.objects.get(name="First").endpoints["production"]["url"] == "http://there.example"


def test_policies_of_an_api_change_with_it(client, publisher_user):
    api = designs.rest(publisher_user)
    files = files_of(exported(client, f"apiId={api.pk}"))
    files["Policies/own_v2.j2"] = b"<log/>"
    assert send(client, packed(files), "overwrite=true").status_code == 200
    assert api.own_policies.get(name="own").definition == "<log/>"
    files["Policies/own_v2.yaml"] = files["Policies/own_v2.yaml"].replace(b"- request", b"- lunch")
    answer = send(client, packed(files), "overwrite=true")
    assert "Policies/own_v2.yaml: applicableFlows[0]: 'lunch' is not one of" in answer.json()["description"]


def test_who_may(client, publisher_user, developer, other_organisation, rest):
    api = make_api(publisher_user, name="Orders", version="1.0")
    content = exported(client, f"apiId={api.pk}")
    assert rest(developer).call("get", f"/apis/export?apiId={api.pk}").status_code == 403
    assert send(rest(developer), content, "overwrite=true").status_code == 403
    devops = make_user(publisher_user.organisation, "Internal/devops")
    assert send(rest(devops), content, "overwrite=true").status_code == 403
    stranger = rest(make_user(other_organisation, "Internal/creator", "Internal/publisher"))
    assert stranger.call("get", f"/apis/export?apiId={api.pk}").status_code == 404
    assert stranger.call("get", "/apis/export?name=Orders&version=1.0").status_code == 404
    assert client.call("post", "/apis/import", {}, format="multipart").status_code == 400
    assert client.call("get", "/apis/export").status_code == 400
