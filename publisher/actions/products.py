"""API products: resources of several APIs under one context, designed, deployed and published like an API."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from apim.accounts.models import Organisation, User
from publisher import snapshots
from publisher.actions.access import DESIGNERS, locked
from publisher.actions.apis import create_api, update_api
from publisher.checks import Problems
from publisher.checks.basics import items, shown
from publisher.models import Api
from publisher.products import PRODUCT, SOURCES


@transaction.atomic
def create_product(*, by: User, name: str, context: str, version: str, resources: Any, **fields: Any) -> Api:
    """Create a product of `resources`: a list of `{"api": id, "operations": [{"verb", "target"}]}`.

    Who may call an operation, its scopes and its limit are those of its API. Raises Invalid naming what is wrong, Taken.
    """
    operations = chosen(by.organisation, resources)
    return create_api(by=by, name=name, context=context, version=version, kind=PRODUCT, operations=operations, **fields)


@transaction.atomic
def update_product(*, by: User, product: Api, resources: Any = None, expected: str = "", **changes: Any) -> Api:
    """Change the named fields; `resources` replace those it had. Raises Invalid, PreconditionFailed."""
    if resources is not None:
        changes["operations"] = chosen(product.organisation, resources)
    return update_api(by=by, api=product, expected=expected, **changes)


@transaction.atomic
def refresh_product(*, by: User, product: Api, expected: str = "") -> Api:
    """Take over who may call, scopes and limits of its resources as their APIs have them now; vanished ones are left out."""
    product = locked(by, product, *DESIGNERS, expected=expected)
    now = {(str(one.api_id), one.verb, one.target): one for api in _sources(product) for one in api.operations.all()}
    wanted: dict[str, list[dict[str, str]]] = {}
    for operation in product.operations.all():
        if (str(operation.source_id), operation.verb, operation.target) in now:
            row = {"verb": operation.verb, "target": operation.target}
            wanted.setdefault(str(operation.source_id), []).append(row)
    return update_product(
        by=by, product=product, resources=[{"api": api, "operations": rows} for api, rows in wanted.items()]
    )


def chosen(organisation: Organisation, resources: Any) -> list[dict[str, Any]]:
    """The operations of a product, taken from its APIs. Raises Invalid naming the place of everything that is wrong."""
    problems = Problems()
    found: list[dict[str, Any]] = []
    seen: dict[tuple[str, str], str] = {}
    for position, item in enumerate(items(problems, "apis", resources)):
        place = f"apis[{position}]"
        api = _source(problems, place, item, organisation)
        for row, operation in _operations(problems, place, item, api) if api else ():
            key = (operation["verb"], operation["target"])
            if key in seen:
                problems.add(row, f"{key[0]} {key[1]} is there already, from {seen[key]}.")
                continue
            seen[key] = str(api)
            found.append(operation | {"source_id": str(api.pk)})
    if not found and not problems.found:
        problems.add("apis", "A product needs at least one resource of an API.")
    problems.raise_any()
    return found


def _source(problems: Problems, place: str, item: Any, organisation: Organisation) -> Api | None:
    if not isinstance(item, dict):
        problems.add(place, f"{shown(item)} is not an object.")
        return None
    try:
        identifier = uuid.UUID(str(item.get("api")))
    except ValueError:
        identifier = None
    api = Api.objects.filter(organisation=organisation, pk=identifier).first() if identifier else None
    if api is None:
        problems.add(f"{place}.apiId", f"There is no API {shown(item.get('api'))}.")
    elif api.kind not in SOURCES:
        problems.add(
            f"{place}.apiId", f"{api} is of the kind {api.kind}; products hold resources of {', '.join(SOURCES)}."
        )
        return None
    return api


def _operations(problems: Problems, place: str, item: dict[str, Any], api: Api) -> list[tuple[str, dict[str, Any]]]:
    known = {(one["verb"], one["target"]): one for one in snapshots.operations(api)}
    found = []
    for number, row in enumerate(items(problems, f"{place}.operations", item.get("operations"))):
        where = f"{place}.operations[{number}]"
        key = (str(row.get("verb")).upper(), row.get("target")) if isinstance(row, dict) else None
        if key is None or not isinstance(key[1], str) or key not in known:
            problems.add(where, f"{shown(row)} is no operation of {api}.")
            continue
        found.append((where, known[key]))
    return found


def _sources(product: Api) -> list[Api]:
    return list(Api.objects.filter(in_products__api=product).distinct().prefetch_related("operations"))
