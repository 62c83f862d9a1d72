"""An API's whole design as plain data: what a revision keeps, a restore brings back and a copy starts from."""

from __future__ import annotations

import hashlib
from typing import Any

from publisher import products
from publisher.models import Api, Operation, SharedScope

COLUMNS = (
    "description",
    "endpoints",
    "transports",
    "security",
    "authorization_header",
    "cors",
    "policy",
    "tags",
    "visibility",
    "visible_roles",
    "audiences",
    "key_managers",
    "definition",
    "business_owner",
    "business_owner_email",
    "technical_owner",
    "technical_owner_email",
    "additional_properties",
    "api_key_header",
    "scope_roles",
    "scope_texts",
    "flows",
    "validate_schema",
    "cache_seconds",
    "throughput",
    "complexities",
    "gateway_options",
    "wsdl",
    "resource_policies",
    "display_name",
    "access_roles",
    "subscription_availability",
    "subscription_tenants",
    "advertise",
    "contract_fields",
)
"""Columns of `Api` that are design, not identity and not state."""


def take(api: Api) -> dict[str, Any]:
    """The design of `api` now, with operations and the names of its plans."""
    rows = operations(api)
    return {
        "name": api.name,
        "version": api.version,
        "context": api.context,
        "provider": api.provider.get_username(),
        **{name: getattr(api, name) for name in COLUMNS},
        "plans": list(api.plans.values_list("name", flat=True)),
        "categories": list(api.categories.values_list("name", flat=True)),
        "operations": rows,
        **({"sources": products.sources(rows)} if api.kind == products.PRODUCT else {}),
    }


def for_audit(api: Api) -> dict[str, Any]:
    """The design for the audit trail, with the definition's fingerprint in place of its text, which may be megabytes."""
    text = api.definition
    digest = hashlib.sha256(text.encode()).hexdigest() if text else ""
    design = {name: value for name, value in take(api).items() if name != "sources"}
    wsdl = hashlib.sha256(design["wsdl"].encode()).hexdigest() if design["wsdl"] else ""
    return design | {"definition": f"sha256:{digest}" if text else "", "wsdl": f"sha256:{wsdl}" if wsdl else ""}


def operations(api: Api) -> list[dict[str, Any]]:
    """The operations of `api` as plain dicts."""
    found = api.operations.values("verb", "target", "auth", "scopes", "policy", "flows", "contract_fields", "source_id")
    return [_plain(operation) for operation in found]


def _plain(operation: dict[str, Any]) -> dict[str, Any]:
    """Without what most operations do not have, so that snapshots stay small."""
    source = operation.pop("source_id")
    for name in ("flows", "contract_fields"):
        if not operation[name]:
            del operation[name]
    return operation | ({"source_id": str(source)} if source else {})


def put_operations(api: Api, wanted: list[dict[str, Any]]) -> None:
    """Give `api` exactly the `wanted` operations; one that it has already, by verb and target, keeps its id."""
    left = {(one.verb, one.target): one for one in api.operations.all()}
    new, changed = [], []
    for position, operation in enumerate(wanted):
        row = left.pop((operation["verb"], operation["target"]), None)
        values = {name: _empty(name) for name in _VALUES} | operation | {"position": position}
        if row is not None and "contract_fields" not in operation:
            values["contract_fields"] = row.contract_fields
        if row is None:
            new.append(Operation(api=api, **values))
        elif _changed(row, values):
            changed.append(row)
    api.operations.filter(pk__in=[row.pk for row in left.values()]).delete()
    Operation.objects.bulk_create(new)
    Operation.objects.bulk_update(changed, ["position", *_VALUES], batch_size=100)
    asked = {scope for operation in wanted for scope in operation.get("scopes") or ()}
    api.shared_scopes.set(SharedScope.objects.filter(organisation=api.organisation_id, name__in=asked))


_VALUES = ("auth", "scopes", "policy", "flows", "contract_fields", "source_id")
"""What an operation has besides verb, target and position."""


def _empty(name: str) -> Any:
    return Operation._meta.get_field(name).get_default()


def _changed(row: Operation, values: dict[str, Any]) -> bool:
    """Give `row` the `values`; whether one of them is another."""
    different = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    return bool(different)
