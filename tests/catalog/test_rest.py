"""The service catalog's REST contract, as clients written for it see it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from apim.accounts.models import AuditRow, User
from apim.keymanager.actions.registration import register_client
from apim.keymanager.issue import access_token
from catalog.models import Service
from publisher.models import Api
from tests.catalog.archives import OPENAPI, archive, files, metadata
from tests.catalog.conftest import ROOT, Rest


def upload(data: bytes, name: str = "payload.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "application/octet-stream")


def register(rest: Rest, **fields: Any) -> dict[str, Any]:
    form = {
        "serviceMetadata": json.dumps(metadata(**fields)),
        "definitionFile": upload(OPENAPI.encode(), "definition.yaml"),
    }
    answer = rest.post("/services", form)
    assert answer.status_code == 201, answer.content
    return answer.json()


def put(rest: Rest, path: str, form: dict[str, Any]) -> Any:
    return rest.put(path, encode_multipart(BOUNDARY, form), content_type=MULTIPART_CONTENT)


def test_a_service_is_added_read_changed_and_removed(rest: Rest) -> None:
    made = register(rest)
    assert made["serviceKey"] == "customers-1.0" and made["usage"] == 0 and made["securityType"] == "NONE"
    assert rest.get(f"/services/{made['id']}").json() == made
    changed = put(rest, f"/services/{made['id']}", {"serviceMetadata": json.dumps(metadata(description="New"))})
    assert changed.status_code == 200 and changed.json()["description"] == "New"
    assert changed.json()["md5"] != made["md5"]
    assert rest.get(f"/services/{made['id']}/definition").content.decode() == OPENAPI
    assert rest.delete(f"/services/{made['id']}").status_code == 204
    assert rest.get(f"/services/{made['id']}").status_code == 404
    assert list(AuditRow.objects.values_list("action", flat=True)) == [
        "service.delete",
        "service.update",
        "service.create",
    ]


def test_metadata_may_come_as_a_file_and_the_definition_inline(rest: Rest) -> None:
    form = {"serviceMetadata": upload(json.dumps(metadata(key=None)).encode(), "m.json"), "inlineContent": OPENAPI}
    answer = rest.post("/services", form)
    assert answer.status_code == 201 and answer.json()["serviceKey"] == "customers-1.0"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": None}, "serviceMetadata.name"),
        ({"name": "a*b"}, "serviceMetadata.name"),
        ({"version": "x" * 31}, "serviceMetadata.version"),
        ({"serviceUrl": "ftp://x"}, "serviceMetadata.serviceUrl"),
        ({"serviceUrl": "http://"}, "serviceMetadata.serviceUrl"),
        ({"serviceUrl": "javascript:alert(1)"}, "serviceMetadata.serviceUrl"),
        ({"definitionType": "RAML"}, "serviceMetadata.definitionType"),
        ({"securityType": "KERBEROS"}, "serviceMetadata.securityType"),
        ({"mutualSSLEnabled": "perhaps"}, "serviceMetadata.mutualSSLEnabled"),
        ({"description": "x" * 1025}, "serviceMetadata.description"),
    ],
)
def test_a_wrong_field_is_named(rest: Rest, fields: dict[str, Any], named: str) -> None:
    form = {"serviceMetadata": json.dumps(metadata(**fields)), "inlineContent": OPENAPI}
    answer = rest.post("/services", form)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["error"]] == [named]
    assert not Service.objects.exists()


@pytest.mark.parametrize(
    ("kind", "text", "good"),
    [
        ("OAS2", '{"swagger": "2.0"}', True),
        ("OAS3", '{"swagger": "2.0"}', True),
        ("OAS2", "openapi: 3.0.1", True),
        ("OAS2", '{"swagger": "1.2"}', False),
        ("OAS3", "openapi: 3.1.0", True),
        ("OAS3", "[1", False),
        ("OAS3", " ", False),
        ("OAS3", "[" * 5000, False),
        ("ASYNC_API", "asyncapi: 2.6.0", True),
        ("ASYNC_API", "openapi: 3.0.0", False),
        ("WSDL1", '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>', True),
        ("WSDL1", '<!DOCTYPE a [<!ENTITY b "c">]><definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>', False),
        ("WSDL2", '<description xmlns="http://www.w3.org/ns/wsdl"/>', True),
        (
            "WSDL1",
            '<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>',
            True,
        ),
        ("WSDL1", "<definitions>", False),
        ("GRAPHQL_SDL", "type Query { a: Int }", True),
        ("GRAPHQL_SDL", "hello", False),
    ],
)
def test_the_definition_must_be_of_its_kind(rest: Rest, kind: str, text: str, good: bool) -> None:
    answer = rest.post(
        "/services", {"serviceMetadata": json.dumps(metadata(definitionType=kind)), "inlineContent": text}
    )
    assert answer.status_code == (201 if good else 400), answer.content


def test_the_same_service_again_is_a_conflict(rest: Rest) -> None:
    register(rest)
    for fields in ({"key": "other"}, {"name": "other"}):
        form = {"serviceMetadata": json.dumps(metadata(**fields)), "inlineContent": OPENAPI}
        assert rest.post("/services", form).status_code == 409


def test_what_identifies_a_service_cannot_be_changed(rest: Rest) -> None:
    made = register(rest)
    for fields in ({"name": "other"}, {"version": "2.0"}, {"key": "other"}, {"definitionType": "OAS2"}):
        answer = put(rest, f"/services/{made['id']}", {"serviceMetadata": json.dumps(metadata(**fields))})
        assert answer.status_code == 400 and "Cannot update" in answer.json()["description"]


def test_a_service_in_use_is_kept_and_shows_its_apis(rest: Rest, creator: User) -> None:
    made = register(rest)
    service = Service.objects.get()
    Api.objects.create(
        organisation=creator.organisation, name="Shop", version="1", context="/shop", provider=creator, service=service
    )
    assert rest.delete(f"/services/{made['id']}").status_code == 409
    usage = rest.get(f"/services/{made['id']}/usage").json()
    assert usage["count"] == 1
    assert usage["list"][0] | {"id": ""} == {
        "id": "",
        "name": "Shop",
        "context": "/shop",
        "version": "1",
        "provider": "creator",
    }
    assert rest.get("/services").json()["list"][0]["usage"] == 1


def test_lists_are_searched_sorted_and_paged(rest: Rest) -> None:
    for number in range(5):
        register(rest, name=f"service{number}", key=f"k{number}", version=f"1.{number}")

    def names(query: str) -> list[str]:
        answer = rest.get(f"/services?{query}")
        assert answer.status_code == 200, answer.content
        return [row["name"] for row in answer.json()["list"]]

    assert names("") == [f"service{n}" for n in range(5)]
    assert names("sortOrder=desc&limit=2") == ["service4", "service3"]
    assert names("name=SERVICE3") == ["service3"] and names('name="service"') == []
    assert names('version="1.2"') == ["service2"] and len(names("version=1.")) == 5
    assert names("key=k1,k4") == ["service1", "service4"]
    assert len(names("definitionType=OAS")) == 5 and names("definitionType=WSDL1") == []
    page = rest.get("/services?limit=2&offset=2").json()
    assert page["count"] == 2
    assert page["pagination"] == {
        "offset": 2, "limit": 2, "total": 5, "next": "/services?limit=2&offset=4", "previous": "/services?limit=2&offset=0",
    }  # fmt: skip
    assert set(rest.get("/services?shrink=true").json()["list"][0]) == {"id", "name", "version", "serviceKey", "md5"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "offset=99999999999999999999999",
        "sortBy=url",
        "sortOrder=up",
        "definitionType=x",
        "shrink=1",
    ],
)
def test_a_wrong_query_is_the_callers_mistake(rest: Rest, query: str) -> None:
    answer = rest.get(f"/services?{query}")
    assert answer.status_code == 400 and answer.json()["error"]


def test_an_import_registers_every_service_and_says_so(rest: Rest) -> None:
    data = archive(files(), files("orders", key="orders-1", name="orders"))
    answer = rest.post("/services/import?overwrite=true", {"file": upload(data), "verifier": "[]"})
    assert answer.status_code == 200 and answer.headers["ETag"]
    assert answer.json()["count"] == 2
    assert set(answer.json()["list"][0]) == {"id", "name", "key", "version", "md5"}
    listed = {row["serviceKey"]: row["md5"] for row in rest.get("/services").json()["list"]}
    assert listed == {row["key"]: row["md5"] for row in answer.json()["list"]}
    assert all(len(md5) == 64 for md5 in listed.values())


def test_an_unchanged_import_changes_nothing_and_a_changed_one_needs_overwrite(rest: Rest) -> None:
    rest.post("/services/import", {"file": upload(archive())})
    before = Service.objects.get()
    assert rest.post("/services/import", {"file": upload(archive())}).status_code == 200
    assert Service.objects.get().updated == before.updated
    changed = archive(files(description="changed"))
    assert rest.post("/services/import", {"file": upload(changed)}).status_code == 409
    assert rest.post("/services/import?overwrite=true", {"file": upload(changed)}).status_code == 200
    after = Service.objects.get()
    assert (after.pk, after.description) == (before.pk, "changed") and after.md5 != before.md5


def test_an_import_is_all_or_nothing(rest: Rest) -> None:
    bad = archive(files(), files("orders", key="orders-1", name="orders", serviceUrl="nowhere"))
    answer = rest.post("/services/import?overwrite=true", {"file": upload(bad)})
    assert answer.status_code == 400 and "orders/metadata.serviceUrl" in answer.json()["error"][0]["field"]
    rest.post("/services/import", {"file": upload(archive(files("z", key="z", name="z")))})
    clash = archive(files("a", key="a", name="a"), files("z", key="z", name="z", description="other"))
    assert rest.post("/services/import", {"file": upload(clash)}).status_code == 409
    assert list(Service.objects.values_list("key", flat=True)) == ["z"]


@pytest.mark.parametrize("verifier", ["{}", "[1]", '[{"key": "a"}]', "nonsense", "[" * 100_000])
def test_a_verifier_that_is_no_list_is_refused(rest: Rest, verifier: str) -> None:
    answer = rest.post("/services/import", {"file": upload(archive()), "verifier": verifier})
    assert answer.status_code == 400 and answer.json()["error"][0]["field"] == "verifier"


def test_what_is_exported_can_be_imported(rest: Rest, other_organisation: Any, make_user: Callable[..., User]) -> None:
    register(rest)
    answer = rest.get("/services/export?name=customers&version=1.0")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        assert yaml.safe_load(opened.read("customers-1.0/metadata.yaml")) == metadata()
    other = Rest(make_user(other_organisation, "Internal/creator"))
    assert other.post("/services/import", {"file": upload(answer.content)}).status_code == 200
    assert rest.get("/services/export?name=customers&version=9").status_code == 404
    assert rest.get("/services/export?name=customers").status_code == 400


def test_other_bodies_are_unsupported(rest: Rest) -> None:
    answer = rest.post("/services", "{}", content_type="application/json")
    assert answer.status_code == 415 and answer.json()["code"] == 900415


def test_settings_list_the_scopes(rest: Rest) -> None:
    assert rest.get("/settings").json() == {"scopes": ["service_catalog:service_view", "service_catalog:service_write"]}


@pytest.mark.parametrize("path", ["/services", "/services/x", "/settings"])
def test_nobody_reads_without_a_log_in(db: None, path: str, integration_dev: User) -> None:
    assert Rest(None).get(path).status_code == 401
    assert Rest(integration_dev, "wrong").get(path).status_code == 401


def test_roles_decide_who_reads_and_who_writes(
    rest: Rest, publisher_user: User, developer: User, organisation: Any
) -> None:
    made = register(rest)
    assert Rest(developer).get("/services").status_code == 403
    assert Rest(developer).post("/services/import", {"file": upload(archive())}).status_code == 403
    reader = User.objects.get(pk=publisher_user.pk)
    reader.roles.remove(reader.roles.get(name="Internal/creator"))
    assert Rest(reader).get(f"/services/{made['id']}").status_code == 200
    assert Rest(reader).delete(f"/services/{made['id']}").status_code == 403


def test_a_bearer_token_opens_only_what_its_scopes_say(rest: Rest, integration_dev: User) -> None:
    made = register(rest)
    client, _ = register_client(by=integration_dev, name="ci", grant_types=["client_credentials"])

    def status(verb: str, path: str, *scopes: str) -> int:
        token, _ = access_token(client, scopes=list(scopes), lifetime=60, user=integration_dev)
        return getattr(Client(), verb)(ROOT + path, HTTP_AUTHORIZATION=f"Bearer {token}").status_code

    path = f"/services/{made['id']}"
    assert status("get", path, "service_catalog:service_view") == 200
    assert status("get", path, "apim:api_view") == 200
    assert status("get", path, "service_catalog:service_write") == 403
    assert status("delete", path, "service_catalog:service_view") == 403
    assert status("delete", path, "service_catalog:service_write") == 204


def test_another_tenant_sees_and_touches_nothing(
    rest: Rest, other_organisation: Any, make_user: Callable[..., User]
) -> None:
    made = register(rest)
    other = Rest(make_user(other_organisation, "admin"))
    assert other.get("/services").json()["list"] == []
    for path in ("", "/definition", "/usage"):
        assert other.get(f"/services/{made['id']}{path}").status_code == 404
    assert other.delete(f"/services/{made['id']}").status_code == 404
    form = {"serviceMetadata": json.dumps(metadata(description="stolen"))}
    assert put(other, f"/services/{made['id']}", form).status_code == 404
    assert other.get("/services/export?name=customers&version=1.0").status_code == 404
    assert register(other)["id"] != made["id"]
    assert Service.objects.count() == 2
