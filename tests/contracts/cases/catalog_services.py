"""The service catalog's operations."""

from __future__ import annotations

import json
from typing import Any

from tests.catalog.archives import OPENAPI, archive, metadata
from tests.contracts.harness import case
from tests.contracts.world import World


def parts(**fields: object) -> dict[str, tuple[str, bytes, str]]:
    """A service's metadata and definition, as uploads."""
    return {
        "serviceMetadata": ("metadata.json", json.dumps(metadata(**fields)).encode(), "application/json"),
        "definitionFile": ("definition.yaml", OPENAPI.encode(), "application/yaml"),
    }


def service(w: World) -> dict[str, Any]:
    """A service, added."""
    return w.catalog.post("/services", files=parts()).json()


@case("catalog", "searchServices")
def search(w: World) -> Any:
    service(w)
    return w.catalog.get("/services?name=customers&sortBy=name&sortOrder=desc&limit=5")


@case("catalog", "addService")
def add(w: World) -> Any:
    return w.catalog.post("/services", files=parts())


@case("catalog", "getServiceById")
def read(w: World) -> Any:
    return w.catalog.get(f"/services/{service(w)['id']}")


@case("catalog", "updateService")
def change(w: World) -> Any:
    return w.catalog.put(f"/services/{service(w)['id']}", files=parts(description="other words"))


@case("catalog", "deleteService")
def delete(w: World) -> Any:
    return w.catalog.delete(f"/services/{service(w)['id']}")


@case("catalog", "getServiceDefinition")
def definition(w: World) -> Any:
    return w.catalog.get(f"/services/{service(w)['id']}/definition")


@case("catalog", "getServiceUsage")
def usage(w: World) -> Any:
    return w.catalog.get(f"/services/{service(w)['id']}/usage")


@case("catalog", "importService")
def bring(w: World) -> Any:
    files = {"file": ("services.zip", archive(), "application/zip")}
    return w.catalog.post("/services/import?overwrite=true", files=files)


@case("catalog", "exportService")
def export(w: World) -> Any:
    service(w)
    return w.catalog.get("/services/export?name=customers&version=1.0")


@case("catalog", "getSettings")
def settings(w: World) -> Any:
    return w.catalog.get("/settings")
