"""OpenAPI definitions: check one, make an API from one, replace that of an API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apim.accounts.models import User
from publisher import kinds, snapshots
from publisher.actions.apis import create_api, update_api
from publisher.models import Api
from publisher.openapi import writing
from publisher.openapi.report import Report
from publisher.openapi.validation import validate


def validate_openapi(text: str) -> Report:
    """Check `text` (JSON or YAML; OpenAPI 2.0, 3.0, 3.1). Never raises for what it holds, never fetches anything."""
    return validate(text)


def import_openapi(
    *,
    by: User,
    text: str,
    name: str | None = None,
    context: str | None = None,
    version: str | None = None,
    endpoint: str | None = None,
    sandbox_endpoint: str | None = None,
    plans: Sequence[str] = (),
    **fields: Any,
) -> Api:
    """Create an API from a definition; what is not given is suggested by the definition.

    Raises BadDefinition with every mistake and its place, and what `create_api` raises.
    """
    report = validate(text)
    report.raise_if_invalid()
    design = {**report.suggestion, "definition": text, "plans": list(plans)}
    given = {"name": name, "context": context, "version": version, **fields}
    design |= {key: value for key, value in given.items() if value is not None}
    addresses = {"production": endpoint, "sandbox": sandbox_endpoint}
    chosen = {key: {"url": url} for key, url in addresses.items() if url}
    if chosen and "endpoints" not in fields:
        design["endpoints"] = design.get("endpoints", {}) | chosen
    return create_api(by=by, **design)


@transaction.atomic
def replace_definition(*, by: User, api: Api, text: str, expected: str = "") -> Api:
    """Give `api` a new definition and its operations; limits and who may call stay where an operation stays.

    Raises BadDefinition with every mistake and its place.
    """
    report = validate(text)
    report.raise_if_invalid()
    operations = merge_operations(snapshots.operations(api), report.suggestion["operations"])
    return update_api(by=by, api=api, expected=expected, definition=text, operations=operations)


def merge_operations(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`after`, with what `before` had set by hand where the definition says nothing."""
    known = {(operation["verb"], operation["target"]): operation for operation in before}
    merged = []
    for operation in after:
        old = known.get((operation["verb"], operation["target"]), {})
        said = {name: value for name, value in operation.items() if value and value != "any"}
        merged.append({"auth": "any", **old, **said})
    return merged


def definition_text(api: Api) -> str:
    """The OpenAPI definition as it was given, or a minimal one for an API designed by hand or of another kind."""
    if kinds.of(api.kind).document != "openapi":
        return writing.generate(api.name, api.version, api.description, [{"verb": "POST", "target": "/*"}])
    return api.definition or writing.generate(api.name, api.version, api.description, snapshots.operations(api))
