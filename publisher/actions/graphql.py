"""GraphQL APIs: made from a schema, given a new one, and what their fields cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from publisher import snapshots
from publisher.actions.apis import create_api, update_api
from publisher.actions.definitions import merge_operations
from publisher.graphql import schema
from publisher.models import Api
from publisher.openapi.report import Report

HIGHEST_COST = 1_000_000


def validate_graphql(text: str) -> Report:
    """Check an SDL text. Never raises for what it holds, never fetches anything."""
    return schema.check(text)


def import_graphql(
    *,
    by: User,
    text: str,
    name: str,
    context: str,
    version: str,
    endpoint: str | None = None,
    plans: Sequence[str] = (),
    **fields: Any,
) -> Api:
    """Create a GraphQL API; its operations are the root fields of the schema.

    Raises BadSchema with line and column of every mistake, and what `create_api` raises.
    """
    suggestion = schema.valid(text).suggestion
    if endpoint and "endpoints" not in fields:
        fields["endpoints"] = {"production": {"url": endpoint}}
    given = fields.pop("operations", None) or []
    operations = merge_operations([one for one in given if isinstance(one, dict)], suggestion["operations"])
    return create_api(
        by=by,
        name=name,
        context=context,
        version=version,
        kind="GRAPHQL",
        definition=text,
        plans=list(plans),
        operations=operations,
        **fields,
    )


@transaction.atomic
def replace_schema(*, by: User, api: Api, text: str, expected: str = "") -> Api:
    """Give `api` a new schema and its operations; rights and limits stay where a field stays, costs where a type's field stays.

    Raises BadSchema with line and column of every mistake, Invalid when the API is of another kind.
    """
    require_graphql(api)
    report = schema.valid(text)
    operations = merge_operations(snapshots.operations(api), report.suggestion["operations"])
    known = {(one["type"], field) for one in schema.types(text) for field in one["fields"]}
    kept = [one for one in api.complexities if (one["type"], one["field"]) in known]
    return update_api(by=by, api=api, expected=expected, definition=text, operations=operations, complexities=kept)


@transaction.atomic
def set_complexities(*, by: User, api: Api, costs: list[dict[str, Any]], expected: str = "") -> Api:
    """Give fields of `api` their costs: `{"type", "field", "value"}` each; a cost of 1 need not be said.

    Raises Invalid for fields that the schema does not have, costs that are no whole numbers, and APIs of another kind.
    """
    require_graphql(api)
    known = {(one["type"], field) for one in schema.types(api.definition) for field in one["fields"]}
    wrong = [error for place, one in enumerate(costs) if (error := _wrong(place, one, known))]
    if wrong:
        raise Invalid(f"{wrong[0].field}: {wrong[0].message}", wrong)
    chosen = {(one["type"], one["field"]): one["value"] for one in costs}
    kept = [{"type": kind, "field": name, "value": value} for (kind, name), value in chosen.items() if value != 1]
    return update_api(by=by, api=api, expected=expected, complexities=kept)


def require_graphql(api: Api) -> None:
    """Raises Invalid unless `api` is a GraphQL API."""
    if api.kind != "GRAPHQL":
        message = f"{api} is no GraphQL API."
        raise Invalid(message, [FieldError("type", message)])


def _wrong(place: int, one: dict[str, Any], known: set[tuple[str, str]]) -> FieldError | None:
    if (one.get("type"), one.get("field")) not in known:
        return FieldError(f"list[{place}]", f"The schema has no field {one.get('type')}.{one.get('field')}.")
    value = one.get("value")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= HIGHEST_COST:
        return FieldError(f"list[{place}].complexityValue", f"It must be a whole number from 0 to {HIGHEST_COST}.")
    return None
