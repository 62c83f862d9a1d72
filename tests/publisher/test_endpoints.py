"""Endpoints in all their forms: the contract's and ours, their secrets, their certificates, and what gateways are told."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.accounts.models import AuditRow
from apim.eventhub.models import Current
from gateway import schema
from gateway.endpoints.script import evaluate
from publisher.actions.apis import update_api
from publisher.api.shapes import endpoints as shapes
from publisher.models import Api, EndpointCertificate, Revision
from tests.publisher.make import deploy, make_api, plan
from tests.support.certificate import make_certificate

pytestmark = pytest.mark.django_db

SECRET = "s3cr3t-of-the-backend"
PATIENCE = {
    "actionSelect": "discard", "actionDuration": "4000", "retryErroCode": ["101504"], "retryTimeOut": "3", "retryDelay": "200",
    "suspendErrorCode": ["101503", "101505"], "suspendDuration": "2000", "suspendMaxDuration": "60000", "factor": "1.5",
    "connectTimeout": "900", "retries": 2, "healthCheck": {"path": "/up", "seconds": 5.0, "healthy": 2},
    "circuitBreakers": {"maxConnections": 10, "maxPendingRequests": 5},
}  # fmt: skip
USUAL = {
    "actionSelect": "fault", "actionDuration": "60000", "retryErroCode": [], "retryTimeOut": "", "retryDelay": "",
    "suspendErrorCode": [], "suspendDuration": "", "suspendMaxDuration": "", "factor": "",
}  # fmt: skip
ROUND_ROBIN = "org.apache.synapse.endpoints.algorithms.RoundRobin"
FORMS: dict[str, dict[str, Any]] = {
    "http": {
        "endpoint_type": "http",
        "production_endpoints": {"url": "https://a.example/v1", "config": PATIENCE},
        "sandbox_endpoints": {"url": "http://b.example", "config": USUAL},
    },
    "address": {
        "endpoint_type": "address",
        "production_endpoints": {"url": "http://soap.example/ws", "config": USUAL, "endpoint_type": "address"},
    },
    "default": {"endpoint_type": "default", "production_endpoints": {"url": "default", "config": USUAL}},
    "load_balance": {
        "endpoint_type": "load_balance",
        "algoCombo": ROUND_ROBIN.replace("Round", "WeightedRound"),
        "algoClassName": ROUND_ROBIN.replace("Round", "WeightedRound"),
        "sessionManagement": "simpleClientSession",
        "sessionTimeOut": "30000",
        "failOver": "False",
        "production_endpoints": [
            {"url": "http://a.example", "config": PATIENCE, "weight": 3},
            {"url": "http://b.example", "config": USUAL},
        ],
        "sandbox_endpoints": [{"url": "http://c.example", "config": USUAL}],
    },
    "failover": {
        "endpoint_type": "failover",
        "production_endpoints": {"url": "http://a.example", "config": USUAL},
        "production_failovers": [{"url": "http://b.example", "config": PATIENCE}],
        "sandbox_endpoints": {"url": "http://c.example", "config": USUAL},
        "sandbox_failovers": [],
    },
}


@pytest.fixture
def client(publisher_user, rest):
    plan(publisher_user.organisation)
    return rest(publisher_user)


def told(api: Api) -> dict[str, Any]:
    """The record that gateways have of an API."""
    found: dict[str, Any] = json.loads(Current.objects.get(kind="api", key__endswith=str(api.pk)).record)
    return found


def save(client, api: Api, **changes: Any):
    body = client.call("get", f"/apis/{api.pk}").json() | changes
    return client.call("put", f"/apis/{api.pk}", body)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_comes_back_as_it_went(client, publisher_user, form):
    api = make_api(publisher_user, endpoints={})
    saved = save(client, api, endpointConfig=FORMS[form])
    assert saved.status_code == 200, saved.json()
    assert saved.json()["endpointConfig"] == FORMS[form]
    assert client.call("get", f"/apis/{api.pk}").json()["endpointConfig"] == FORMS[form]
    assert save(client, api).json()["endpointConfig"] == FORMS[form]
    for endpoint in Api.objects.get(pk=api.pk).endpoints.values():
        msgspec.convert(endpoint, schema.Endpoint)


SECURITIES = [
    {"type": "BASIC", "username": "u", "password": SECRET},
    {"type": "DIGEST", "username": "u", "password": SECRET},
    {"type": "OAUTH", "grantType": "CLIENT_CREDENTIALS", "tokenUrl": "https://t.example/token", "clientId": "c",
     "clientSecret": SECRET, "customParameters": {"scope": "a"}},
    {"type": "OAUTH", "grantType": "PASSWORD", "tokenUrl": "https://t.example/token", "clientId": "c", "clientSecret": SECRET,
     "username": "u", "password": SECRET + "2"},
    {"type": "APIKEY", "apiKeyIdentifier": "X-Key", "apiKeyValue": SECRET, "apiKeyIdentifierType": "QUERY_PARAMETER"},
]  # fmt: skip
HTTP = {"endpoint_type": "http", "production_endpoints": {"url": "https://a.example"}}


@pytest.mark.parametrize("security", SECURITIES, ids=lambda one: one["type"])
def test_secrets_go_in_and_never_come_out(client, publisher_user, security):
    api = make_api(publisher_user, endpoints={})
    secured = HTTP | {"endpoint_security": {"production": {"enabled": True} | security}}
    answer = save(client, api, endpointConfig=secured)
    assert answer.status_code == 200, answer.json()
    shown = answer.json()["endpointConfig"]["endpoint_security"]
    assert shown["production"]["type"] == security["type"]
    assert shown["sandbox"] == {"enabled": False, "type": "NONE"} if "sandbox" in shown else True
    again = save(client, api)
    assert again.status_code == 200, again.json()
    api.refresh_from_db()
    revision = deploy(publisher_user, api)
    texts = [
        answer.content.decode(), again.content.decode(), json.dumps(api.endpoints), json.dumps(revision.snapshot),
        json.dumps([[row.before, row.after] for row in AuditRow.objects.all()]),
    ]  # fmt: skip
    assert not [text for text in texts if SECRET in text]
    shown = told(api)["production"]["security"]
    assert SECRET in (shown.get("password"), shown.get("client_secret"), shown.get("value"))


def test_functions_of_amazon(client, publisher_user):
    api = make_api(publisher_user, endpoints={})
    sent = {
        "endpoint_type": "awslambda", "access_method": "stored", "amznAccessKey": "AKID", "amznSecretKey": SECRET,
        "amznRegion": "eu-west-1", "amznRoleArn": "arn:role", "amznRoleSessionName": "s", "amznRoleRegion": "eu-west-1",
    }  # fmt: skip
    arn = "arn:aws:lambda:eu-west-1:1:function:f"
    operations = [{"target": "/order", "verb": "GET", "amznResourceName": arn, "amznResourceTimeout": 9000}]
    saved = save(client, api, endpointConfig=sent, operations=operations)
    assert saved.status_code == 200, saved.json()
    body = saved.json()
    assert body["endpointConfig"] == sent | {"amznSecretKey": "AWS_SECRET_KEY"}
    assert body["operations"][0]["amznResourceName"] == arn
    assert body["operations"][0]["amznResourceTimeout"] == 9000
    assert save(client, api).status_code == 200
    deploy(publisher_user, Api.objects.get(pk=api.pk))
    record = told(api)
    assert ["secret_key", SECRET] in record["production"]["properties"]
    assert record["production"]["functions"][0]["name"] == arn


@pytest.mark.parametrize("implementation", ["INLINE", "MOCKED_OAS"])
def test_mocks_take_the_definition_with_them(client, publisher_user, implementation):
    api = make_api(publisher_user, endpoints={})
    saved = save(client, api, endpointImplementationType=implementation)
    assert saved.status_code == 200, saved.json()
    assert saved.json()["endpointImplementationType"] == implementation
    assert saved.json()["endpointConfig"]["implementation_status"] == "prototyped"
    assert save(client, api).json()["endpointImplementationType"] == implementation
    deploy(publisher_user, Api.objects.get(pk=api.pk))
    record = told(api)
    assert record["production"]["kind"] == "mock"
    assert json.loads(record["definition"])["paths"]
    back = save(client, api, endpointImplementationType="ENDPOINT", endpointConfig=HTTP)
    assert back.json()["endpointImplementationType"] == "ENDPOINT"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpoint_type": "odd"}, "endpointConfig.endpoint_type"),
        ({"production_endpoints": {"url": "ftp://x"}}, "endpointConfig.production_endpoints.url"),
        ({"production_endpoints": {"url": "http://x", "config": {"actionDuration": "soon"}}},
         "endpointConfig.production_endpoints.config.actionDuration"),
        ({"production_endpoints": {"url": "http://x", "config": {"factor": "much"}}},
         "endpointConfig.production_endpoints.config.factor"),
        ({"production_endpoints": {"url": "http://x", "config": {"actionSelect": "explode"}}},
         "endpointConfig.production_endpoints.config.actionSelect"),
        ({"endpoint_type": "load_balance", "production_endpoints": [{"url": "http://x"}, {"url": "y"}]},
         "endpointConfig.production_endpoints.members[1].url"),
        ({"production_endpoints": {"url": "http://x"}, "endpoint_security": {"production": {"enabled": True, "type": "BASIC"}}},
         "endpointConfig.production_endpoints.security.username"),
        ({"production_endpoints": {"url": "http://x"}, "endpoint_security": {"production": {"enabled": True, "type": "MAGIC"}}},
         "endpointConfig.endpoint_security.production.type"),
        ({"production_endpoints": {"url": "http://x", "config": {"suspendErrorCode": ["7"]}}},
         "endpointConfig.production_endpoints.config.suspendErrorCode"),
        ({"endpoint_type": "awslambda", "amznRegion": "moon"}, "endpointConfig.production_endpoints.properties.region"),
    ],
)  # fmt: skip
def test_mistakes_name_their_place(client, publisher_user, changes, field):
    api = make_api(publisher_user, endpoints={})
    answer = save(client, api, endpointConfig={"endpoint_type": "http"} | changes)
    assert answer.status_code == 400
    assert field in json.dumps(answer.json())


def test_secrets_stay_when_forms_leave_them_empty(publisher_user):
    secured = {"production": {"url": "http://a", "security": {"kind": "basic", "username": "u", "password": SECRET}}}
    api = make_api(publisher_user, endpoints=secured)
    stored = api.endpoints["production"]["security"]["password"]
    assert SECRET not in stored
    changed = {"production": {"url": "http://b", "security": {"kind": "basic", "username": "v", "password": ""}}}
    api = update_api(by=publisher_user, api=api, endpoints=changed)
    assert api.endpoints["production"]["security"] == {"kind": "basic", "username": "v", "password": stored}
    other = {"production": {"url": "http://b", "security": {"kind": "digest", "username": "v"}}}
    api = update_api(by=publisher_user, api=api, endpoints=other)
    assert "password" not in api.endpoints["production"]["security"], "another kind has another password"


# -- certificates


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("backend.crt", content, "application/x-x509-ca-cert")


def test_certificates_come_and_go(client, publisher_user, tmp_path):
    pem = make_certificate(tmp_path)[0].read_bytes()
    sent = {"alias": "mine", "endpoint": "https://a.example:8443/x", "certificate": upload(pem)}
    made = client.call("post", "/endpoint-certificates", sent, format="multipart")
    assert (made.status_code, made.json()) == (200, {"alias": "mine", "endpoint": "https://a.example:8443/x"})
    assert made["Location"] == "/endpoint-certificates/mine"
    again = client.call("post", "/endpoint-certificates", sent | {"certificate": upload(pem)}, format="multipart")
    assert again.status_code == 409
    listed = client.call("get", "/endpoint-certificates").json()
    assert (listed["count"], listed["certificates"][0]["alias"]) == (1, "mine")
    assert client.call("get", "/endpoint-certificates?endpoint=other").json()["count"] == 0
    about = client.call("get", "/endpoint-certificates/mine").json()
    assert (about["status"], about["subject"]) == ("Active", "CN=localhost")
    assert client.call("get", "/endpoint-certificates/mine/content").content.strip() == pem.strip()
    assert client.call("delete", "/endpoint-certificates/mine").status_code == 200
    assert client.call("get", "/endpoint-certificates/mine").status_code == 404


def test_bad_certificates_are_refused_by_field(client):
    answer = client.call(
        "post",
        "/endpoint-certificates",
        {"alias": "a b", "endpoint": "", "certificate": upload(b"no")},
        format="multipart",
    )
    assert answer.status_code == 400
    assert {one["message"].split(":")[0] for one in answer.json()["error"]} | {
        answer.json()["description"].split(":")[0]
    }
    text = json.dumps(answer.json())
    assert all(word in text for word in ("alias", "endpoint", "certificate"))
    assert EndpointCertificate.objects.count() == 0


def test_gateways_get_the_certificates_of_their_backends(client, publisher_user, tmp_path):
    pem = make_certificate(tmp_path)[0].read_bytes()
    endpoints = {
        "production": {
            "kind": "failover",
            "members": [{"url": "https://a.example:8443/x"}, {"url": "https://b.example"}],
        }
    }
    api = make_api(publisher_user, endpoints=endpoints)
    deploy(publisher_user, api)
    assert "certificates" not in json.dumps(told(api))
    sent = {"alias": "mine", "endpoint": "a.example", "certificate": upload(pem)}
    assert client.call("post", "/endpoint-certificates", sent, format="multipart").status_code == 200
    first, second = told(api)["production"]["members"]
    assert first["certificates"] == [pem.decode()]
    assert "certificates" not in second
    usage = client.call("get", "/endpoint-certificates/mine/usage").json()
    assert [one["name"] for one in usage["list"]] == [api.name]
    client.call("delete", "/endpoint-certificates/mine")
    assert "certificates" not in json.dumps(told(api))


def test_certificates_belong_to_their_organisation(
    client, rest, publisher_user, other_organisation, make_user, tmp_path
):
    pem = make_certificate(tmp_path)[0].read_bytes()
    client.call(
        "post",
        "/endpoint-certificates",
        {"alias": "m", "endpoint": "a", "certificate": upload(pem)},
        format="multipart",
    )
    stranger = rest(make_user(other_organisation, "Internal/publisher"))
    assert stranger.call("get", "/endpoint-certificates").json()["count"] == 0
    assert stranger.call("delete", "/endpoint-certificates/m").status_code == 404
    assert EndpointCertificate.objects.count() == 1


def test_shapes_are_total() -> None:
    assert shapes.config({}, False) == {}
    assert shapes.given({}) is None
    assert Revision is not None


def test_mock_scripts_are_written_from_the_definition_and_run(client, publisher_user):
    described = {"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {"/a": {"get": {"responses": {
        "200": {"description": "", "content": {"application/json": {"example": {"made": "up"}},
                                               "application/xml": {"example": "<a>\u2028</a>"}}},
        "404": {"description": "gone"}, "default": {"description": "", "content": {"text/plain": {"example": "else"}}},
    }}}}}  # fmt: skip
    operations = [{"verb": "GET", "target": "/a"}]
    api = make_api(publisher_user, endpoints={}, definition=json.dumps(described), operations=operations)
    listed = client.call("get", f"/apis/{api.pk}/generated-mock-scripts").json()["list"]
    assert [(one["path"], one["verb"]) for one in listed] == [("/a", "GET")]
    written = client.call("post", f"/apis/{api.pk}/generate-mock-scripts")
    assert written.status_code == 200
    api.refresh_from_db()
    script = json.loads(api.definition)["paths"]["/a"]["get"]["x-mediation-script"]
    assert script == listed[0]["content"]

    def run(accept: str | None = None, code: str | None = None) -> tuple[str, Any, str | None]:
        properties = {"AcceptHeader": accept} | ({"query.param.responseCode": code} if code else {})
        out = evaluate(script, json.dumps({"properties": properties, "headers": {}, "body": ""}))
        return out["properties"]["HTTP_SC"], out["payload"], out["properties"].get("CONTENT_TYPE")

    assert run() == ("200", '{"made":"up"}', "application/json")
    assert run("application/xml") == ("200", "<a>\u2028</a>", "application/xml")
    assert run(code="404") == ("404", None, None)
    assert run(code="418") == ("418", "else", "text/plain")
    mine = api.definition.replace("var accept", "// mine\\nvar accept")
    update_api(by=publisher_user, api=api, definition=mine)
    client.call("post", f"/apis/{api.pk}/generate-mock-scripts")
    api.refresh_from_db()
    assert "// mine" in api.definition, "what people wrote stays"
