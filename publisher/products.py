"""What an API product is made of: resources of several APIs, and the designs these resources are served with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from publisher.models import Api, Operation, Revision

PRODUCT = "PRODUCT"
SOURCES = ("HTTP", "SOAP", "SOAPTOREST")
"""Kinds of APIs whose resources a product may hold."""


def design_of(source: Api) -> dict[str, Any]:
    """The design a product serves the resources of `source` with: its deployed revision's, else what it is now."""
    revision = Revision.objects.filter(api=source, deployments__isnull=False).order_by("-number").first()
    if revision is not None:
        return dict(revision.snapshot)
    operations = source.operations.values("verb", "target", "auth", "scopes", "policy", "flows")
    return {"endpoints": source.endpoints, "flows": source.flows, "operations": list(operations)}


def sources(operations: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By API id: name, version, backends and policies for the resources with that `source_id`; part of a product's snapshot."""
    wanted = {operation["source_id"] for operation in operations if operation.get("source_id")}
    found = {}
    for api in Api.objects.filter(pk__in=wanted).order_by("name", "version"):
        design = design_of(api)
        found[str(api.pk)] = {
            "name": api.name,
            "version": api.version,
            "endpoints": design["endpoints"],
            "flows": design.get("flows") or {},
            "operations": {
                f"{one['verb']} {one['target']}": {
                    name: one.get(name) or None for name in ("auth", "scopes", "policy", "flows")
                }
                for one in design["operations"]
            },
        }
    return found


def used(
    snapshot_sources: dict[str, dict[str, Any]], operations: Iterable[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The sources with only the operations that the product has: what it is compared by."""
    names: dict[str, set[str]] = {}
    for operation in operations:
        names.setdefault(operation.get("source_id", ""), set()).add(f"{operation['verb']} {operation['target']}")
    return {
        key: source | {"operations": {name: source["operations"].get(name) for name in sorted(names.get(key, ()))}}
        for key, source in snapshot_sources.items()
    }


def is_outdated(product: Api) -> bool:
    """Whether an API of the product was deployed anew, or changed while undeployed, since the product's last revision."""
    newest = product.revisions.order_by("-number").first()
    if newest is None:
        return False
    operations = newest.snapshot["operations"]
    return used(sources(operations), operations) != used(newest.snapshot.get("sources", {}), operations)


def products_of(source: Api) -> list[Api]:
    """The products that hold resources of `source`."""
    return list(Api.objects.filter(pk__in=Operation.objects.filter(source=source).values("api")).order_by("name"))
