"""Archives of APIs, products and policies."""

from __future__ import annotations

import json

from publisher.actions.policies import add_policy
from publisher.actions.products import create_product
from publisher.models import Api
from tests.contracts.harness import Answer, case
from tests.contracts.world import World

ZIP = "application/zip"
SPEC = {"name": "stamp", "version": "v1", "applicableFlows": ["request"]}


def _archive(w: World, path: str) -> dict[str, tuple[str, bytes, str]]:
    answer = w.publisher.get(path)
    assert answer.status_code == 200, answer.content
    return {"file": ("archive.zip", answer.content, ZIP)}


def _product(w: World) -> Api:
    source = w.api(name="Orders", version="1.0.0")
    resources = [{"api": str(source.pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    return create_product(by=w.user, name="Shop", context="/shop", version="1.0.0", resources=resources, plans=["Gold"])


def _policy(w: World) -> None:
    add_policy(by=w.user, spec=json.dumps(SPEC), definition="<log/>")


@case("publisher", "exportAPI")
def export_api(w: World) -> Answer:
    w.published(name="Orders", version="1.0.0")
    return w.publisher.get("/apis/export?name=Orders&version=1.0.0&providerName=admin&format=YAML&latestRevision=true")


@case("publisher", "importAPI")
def import_api(w: World) -> Answer:
    api = w.published(name="Orders", version="1.0.0")
    file = _archive(w, f"/apis/export?apiId={api.pk}&revisionNumber=1&preserveStatus=true")
    return w.publisher.post("/apis/import?overwrite=true&preserveProvider=true&rotateRevision=true", files=file)


@case("publisher", "exportAPIProduct")
def export_product(w: World) -> Answer:
    _product(w)
    return w.publisher.get("/api-products/export?name=Shop&version=1.0.0&format=JSON&preserveStatus=true")


@case("publisher", "importAPIProduct")
def import_product(w: World) -> Answer:
    _product(w)
    file = _archive(w, "/api-products/export?name=Shop&version=1.0.0")
    options = "overwriteAPIProduct=true&overwriteAPIs=true&importAPIs=true&preserveProvider=false&rotateRevision=false"
    return w.publisher.post(f"/api-products/import?{options}", files=file)


@case("publisher", "exportOperationPolicy")
def export_policy(w: World) -> Answer:
    _policy(w)
    return w.publisher.get("/operation-policies/export?name=stamp&version=v1&format=yaml")


@case("publisher", "importOperationPolicy")
def import_policy(w: World) -> Answer:
    _policy(w)
    file = _archive(w, "/operation-policies/export?name=stamp&version=v1&format=json")
    found = w.publisher.get("/operation-policies?query=name:stamp").json()["list"][0]
    assert w.publisher.delete(f"/operation-policies/{found['id']}").status_code == 200
    return w.publisher.post("/operation-policies/import", files=file)
