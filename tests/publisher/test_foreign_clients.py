"""What clients written for the original send besides the common: definitions in archives, blank names, SOAP without a WSDL."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from publisher.models import Api
from publisher.openapi import archives
from tests.publisher.make import plan
from tests.publisher.test_rest_apis import PIZZA
from tests.publisher.test_soap import FILMS

MAIN = {
    "openapi": "3.0.1",
    "info": {"title": "Orders", "version": "1.0"},
    "paths": {
        "/orders": {"$ref": "paths/orders.json"},
        "/own": {"get": {"responses": {"200": {"$ref": "#/components/responses/Ok"}}}},
    },
    "components": {"responses": {"Ok": {"description": "fine"}}},
}
ORDERS = {
    "get": {
        "responses": {
            "200": {
                "description": "d",
                "content": {"application/json": {"schema": {"$ref": "../schemas.yaml#/Order"}}},
            },
            "404": {"$ref": "../openapi.json#/components/responses/Ok"},
        }
    }
}
SCHEMAS = "Order:\n  type: object\n  properties:\n    line: {$ref: '#/Line'}\nLine:\n  type: string\n"
SHAPES = (
    '<xsd:schema targetNamespace="urn:parts" xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/">'
    '<xsd:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>'
    '<xsd:complexType name="Words"><xsd:complexContent><xsd:restriction base="enc:Array">'
    '<xsd:attribute ref="enc:arrayType"/></xsd:restriction></xsd:complexContent></xsd:complexType></xsd:schema>'
)


@pytest.fixture
def client(publisher_user, rest):
    plan(publisher_user.organisation)
    return rest(publisher_user)


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return buffer.getvalue()


def several(**other: object) -> dict[str, str]:
    parts = {"openapi.json": MAIN, "paths/orders.json": ORDERS} | other
    files = {name: text if isinstance(text, str) else json.dumps(text) for name, text in parts.items()}
    return {"schemas.yaml": SCHEMAS} | files


def send(client, path: str, content: bytes, **more: str):
    body = {"file": SimpleUploadedFile("orders.zip", content)} | more
    return client.call("post", path, body, format="multipart")


@pytest.mark.parametrize("folder", ["", "orders/"])
def test_a_definition_in_several_files(client, folder):
    content = zipped({folder + name: text for name, text in several().items()} | {"__MACOSX/x": "junk"})
    assert send(client, "/apis/validate-openapi", content).json()["isValid"] is True
    given = json.dumps({"name": "Orders", "context": "/orders", "version": "1.0", "policies": ["Gold"]})
    answer = send(client, "/apis/import-openapi", content, additionalProperties=given)
    assert answer.status_code == 201, answer.json()
    assert {(one["verb"], one["target"]) for one in answer.json()["operations"]} == {
        ("GET", "/orders"),
        ("GET", "/own"),
    }
    document = client.call("get", f"/apis/{answer.json()['id']}/swagger").json()
    answers = document["paths"]["/orders"]["get"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"]["properties"]["line"] == {"type": "string"}
    assert answers["404"] == {"$ref": "#/components/responses/Ok"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"readme.txt": "x"}, "holds none of swagger.yaml"),
        (several(**{"paths/orders.json": {"$ref": "gone.json"}}), "names a file that is not in the archive"),
        (several(**{"paths/orders.json": {"$ref": "../../../etc/passwd"}}), "names a file that is not in the archive"),
        (several(**{"paths/orders.json": {"$ref": "../schemas.yaml#/Nothing"}}), "leads nowhere"),
        (several(**{"paths/orders.json": {"a": {"$ref": "#/a"}}}), "leads back to itself"),
        (several(**{"schemas.yaml": "a: [", "paths/orders.json": {"$ref": "../schemas.yaml"}}), "Not valid YAML"),
    ],
)
def test_files_that_do_not_fit_together(client, files, told):
    report = send(client, "/apis/validate-openapi", zipped(files))
    assert (report.status_code, report.json()["isValid"]) == (200, False)
    assert told in report.json()["errors"][0]["message"]
    answer = send(client, "/apis/import-openapi", zipped(files), additionalProperties=json.dumps({"name": "X"}))
    assert answer.status_code == 400
    assert told in answer.json()["description"]


def test_references_that_multiply_are_bounded(client, monkeypatch):
    monkeypatch.setattr(archives, "MOST_VALUES", 2_000)
    layers = {f"l{n}": [{"$ref": f"#/l{n + 1}"}] * 10 for n in range(30)} | {"l30": "x"}
    files = several(**{"schemas.yaml": json.dumps({"Order": {"$ref": "#/l0"}} | layers)})
    report = send(client, "/apis/validate-openapi", zipped(files))
    assert "more than 2000 values" in report.json()["errors"][0]["message"]


def test_blank_names_in_lists_are_nobody(client):
    blank = {"visibleRoles": [""], "subscriptionAvailableTenants": [""], "tags": ["a", ""], "accessControlRoles": [""]}
    answer = client.call("post", "/apis", PIZZA | blank)
    assert answer.status_code == 201, answer.json()
    assert {name: answer.json()[name] for name in blank} == {name: [] for name in blank} | {"tags": ["a"]}
    assert (
        client.call(
            "post", "/apis", PIZZA | {"name": "R", "context": "/r", "visibility": "RESTRICTED"} | blank
        ).status_code
        == 400
    )


def test_a_soap_api_without_a_wsdl(client):
    soap = {"name": "S", "context": "/s", "type": "SOAP", "operations": [{"verb": "POST", "target": "/*"}]}
    answer = client.call("post", "/apis", PIZZA | soap)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["type"] == "SOAP"
    assert [(one["verb"], one["target"]) for one in answer.json()["operations"]] == [("POST", "/*")]
    address = f"/apis/{answer.json()['id']}"
    assert client.call("put", address, answer.json()).status_code == 200
    assert client.call("get", f"{address}/wsdl").status_code == 404
    assert client.call("get", f"{address}/swagger").status_code == 200
    refused = client.call("post", "/apis", PIZZA | {"name": "G", "context": "/g", "type": "GRAPHQL"})
    assert refused.status_code == 400
    assert "importing a definition" in refused.json()["error"][0]["message"]


def test_a_default_endpoint_has_no_address_of_its_own(client):
    config = {"endpoint_type": "default", "production_endpoints": {"url": "http://elsewhere.example"}}
    answer = client.call("post", "/apis", PIZZA | {"endpointConfig": config})
    assert answer.json()["endpointConfig"]["endpoint_type"] == "default"
    assert Api.objects.get().endpoints["production"]["kind"] == "dynamic"


def test_asynchronous_apis_are_of_the_kind_their_definition_tells(client):
    text = """
asyncapi: 2.0.0
info: {title: Chat, version: '1'}
servers: {a: {url: 'wss://b.example', protocol: wss}}
channels: {/c: {subscribe: {}}}
"""
    given = {"name": "Chat", "context": "/chat", "version": "1", "type": "ASYNC"}
    body = {"file": SimpleUploadedFile("a.yaml", text.encode()), "additionalProperties": json.dumps(given)}
    answer = client.call("post", "/apis/import-asyncapi", body, format="multipart")
    assert (answer.status_code, answer.json().get("type")) == (201, "WS"), answer.json()


def test_wsdls_that_name_the_encoding_of_soap(client):
    """They never bring its schema along."""
    text = FILMS.replace("<xsd:schema", f"{SHAPES}<xsd:schema", 1)
    given = {"name": "Films", "context": "/films", "version": "1.0", "policies": ["Gold"]}
    body = {
        "file": SimpleUploadedFile("f.wsdl", text.encode()),
        "implementationType": "SOAPTOREST",
        "additionalProperties": json.dumps(given),
    }
    answer = client.call("post", "/apis/import-wsdl", body, format="multipart")
    assert answer.status_code == 201, answer.json()
