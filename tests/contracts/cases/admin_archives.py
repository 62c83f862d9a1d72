"""Archives at the admin contract's addresses."""

from __future__ import annotations

from tests.contracts.cases.publisher_import_export import _product as a_product
from tests.contracts.harness import Answer, case
from tests.contracts.world import World


def _taken(answer: Answer) -> dict[str, tuple[str, bytes, str]]:
    assert answer.status_code == 200, answer.content[:500]
    return {"file": ("archive.zip", answer.content, "application/zip")}


@case("admin", "GET /export/api")
def export_api(w: World) -> Answer:
    w.published(name="Orders", version="1.0.0")
    return w.admin.get("/export/api?name=Orders&version=1.0.0&format=YAML&preserveStatus=true")


@case("admin", "POST /import/api")
def import_api(w: World) -> Answer:
    w.published(name="Orders", version="1.0.0")
    file = _taken(w.admin.get("/export/api?name=Orders&version=1.0.0"))
    return w.admin.post("/import/api?overwrite=true&preserveProvider=true", files=file)


@case("admin", "GET /export/api-product")
def export_product(w: World) -> Answer:
    a_product(w)
    return w.admin.get("/export/api-product?name=Shop&version=1.0.0&format=JSON")


@case("admin", "POST /import/api-product")
def import_product(w: World) -> Answer:
    a_product(w)
    file = _taken(w.admin.get("/export/api-product?name=Shop&version=1.0.0"))
    return w.admin.post("/import/api-product?overwriteAPIProduct=true&overwriteAPIs=true&importAPIs=true", files=file)


@case("admin", "GET /export/applications")
def export_application(w: World) -> Answer:
    w.application(name="Shop")
    return w.admin.get("/export/applications?appName=Shop&appOwner=admin")


@case("admin", "POST /import/applications")
def import_application(w: World) -> Answer:
    w.application(name="Shop")
    file = _taken(w.admin.get("/export/applications?appName=Shop&appOwner=admin&withKeys=true"))
    return w.admin.post("/import/applications?update=true&preserveOwner=true", files=file)
