"""Generated clients and Postman collections."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from apim.accounts.models import User
from apim.errors import Invalid
from portal import postman
from portal.addresses import addresses
from portal.sdk import generator, slots, store
from publisher.models import Api
from tests.portal.builders import browser, make_api, rest

pytestmark = pytest.mark.django_db
ROOT = "/api/am/devportal/v3"
needs_generator = pytest.mark.skipif(not generator.available(), reason="openapi-generator-cli is not installed here")
ORDERS: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "put": {
                "operationId": 'say "hi"',
                "parameters": [{"name": "dry", "in": "query", "schema": {"type": "boolean"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                "responses": {"200": {"description": "OK"}},
            },
        }
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "properties": {
                    "size": {"type": "string", "enum": ["small", "large"]},
                    "number": {"type": "integer"},
                    "next": {"$ref": "#/components/schemas/Order"},
                },
            }
        }
    },
}


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.APIM = settings.APIM.model_copy(update={"var": tmp_path})
    return tmp_path


def _archive(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


@needs_generator
def test_a_client_is_made_once_and_has_the_gateways_address(
    developer: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api(developer.organisation, "Pizza")
    answer = rest(developer).get(f"{ROOT}/apis/{api.pk}/sdks/python")
    assert answer["Content-Type"] == "application/zip"
    archive = _archive(answer.content)
    assert "openapi_client/configuration.py" in archive.namelist()
    assert b"https://localhost:8243/pizza/1.0" in archive.read("openapi_client/configuration.py")
    assert not any(b"backend.internal" in archive.read(name) for name in archive.namelist())
    monkeypatch.setattr(generator, "generate", lambda *given: pytest.fail("was made already"))
    assert rest(developer).get(f"{ROOT}/apis/{api.pk}/sdks/python").content == answer.content
    assert browser(developer).get(f"/devportal/apis/{api.pk}/clients/python.zip").content == answer.content


def test_unknown_languages_kinds_and_strangers(developer: User) -> None:
    api = make_api(developer.organisation, "Pizza")
    assert rest(developer).get(f"{ROOT}/apis/{api.pk}/sdks/cobol").status_code == 404
    assert rest().get(f"{ROOT}/apis/{api.pk}/sdks/python").status_code == 401
    assert rest().get(f"{ROOT}/sdk-gen/languages").status_code == 401
    assert browser().get(f"/devportal/apis/{api.pk}/clients/python.zip").status_code == 302
    Api.objects.filter(pk=api.pk).update(kind="GRAPHQL", definition="type Query { a: Int }")
    assert rest(developer).get(f"{ROOT}/apis/{api.pk}/sdks/python").status_code == 404


@needs_generator
@pytest.mark.parametrize("reference", ["file:///etc/passwd", "http://10.0.0.1/x.json", "other.yaml#/a"])
def test_a_definition_that_refers_to_elsewhere_is_refused(reference: str) -> None:
    document = {**ORDERS, "components": {"schemas": {"Order": {"$ref": reference}}}}
    with pytest.raises(Invalid) as refused:
        generator.generate(document, "python")
    assert refused.value.fields[0].field == "definition"


@needs_generator
def test_what_the_generator_cannot_read_is_the_callers_mistake() -> None:
    with pytest.raises(Invalid):
        generator.generate({"openapi": "3.0.1"}, "no-such-generator")


@needs_generator
def test_one_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "SECONDS", 0.01)
    with pytest.raises(generator.Unavailable) as refused:
        generator.generate(ORDERS, "python")
    assert refused.value.status == 503


def test_only_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "WAIT", 0.0)
    with slots.slot(), slots.slot():
        with pytest.raises(slots.Busy) as refused, slots.slot():
            pass
        assert refused.value.status == 503
    with slots.slot():
        pass


def test_without_the_generator_nothing_is_offered(developer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "available", lambda: False)
    api = make_api(developer.organisation, "Pizza")
    assert rest(developer).get(f"{ROOT}/sdk-gen/languages").json() == []
    assert rest(developer).get(f"{ROOT}/apis/{api.pk}/sdks/python").status_code == 503
    page = browser(developer).get(f"/devportal/apis/{api.pk}/clients/").content.decode()
    assert "Postman" in page and "Python" not in page


def test_the_oldest_archives_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST", 2)
    for number in range(4):
        store._keep(store._folder() / f"{number}.zip", b"x")
    assert len(list(store._folder().glob("*.zip"))) == 2


def test_a_postman_collection_of_an_openapi_api(developer: User) -> None:
    api = make_api(developer.organisation, "Orders", definition=json.dumps(ORDERS))
    answer = browser().get(f"/devportal/apis/{api.pk}/clients/postman")
    assert "Orders-1.0.postman_collection.json" in answer["Content-Disposition"]
    body = answer.json()
    assert body["info"]["schema"].endswith("/v2.1.0/collection.json")
    variables = {one["key"]: one["value"] for one in body["variable"]}
    assert variables["baseUrl"] == "https://localhost:8243/orders/1.0"
    item = next(one for one in body["item"] if one["name"] == 'say "hi"')
    assert item["request"]["url"]["raw"] == "{{baseUrl}}/orders/:id"
    assert item["request"]["url"]["query"][0]["disabled"] is True
    assert item["request"]["header"][0]["value"] == "Bearer {{accessToken}}"
    sent = json.loads(item["request"]["body"]["raw"])
    assert sent["size"] == "small" and sent["next"]["number"] == 0


def test_a_postman_collection_of_a_graphql_api(developer: User) -> None:
    api = make_api(developer.organisation, "Graph", kind="GRAPHQL", definition="type Query { menu: String }")
    api.operations.all().delete()
    api.operations.create(verb="QUERY", target="menu")
    body = postman.collection(api, addresses(api))
    assert body["item"][0]["request"]["body"]["graphql"]["query"] == "query { menu }"


def test_kinds_without_a_collection(developer: User) -> None:
    api = make_api(developer.organisation, "Stream", kind="WS")
    assert browser().get(f"/devportal/apis/{api.pk}/clients/postman").status_code == 404
    assert b"Nothing to generate" in browser().get(f"/devportal/apis/{api.pk}/clients/").content
