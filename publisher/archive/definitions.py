"""`Definitions/`, `WSDL/` and `SoapToRest/`: what an API's callers read of it, and how SOAP is translated."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import uuid4

from publisher import kinds
from publisher.archive import texts
from publisher.archive.design import Design
from publisher.archive.texts import within
from publisher.archive.tree import Tree, bad
from publisher.asyncapi import definition as asyncapi
from publisher.asyncapi import writing as asyncapi_writing
from publisher.graphql import schema
from publisher.openapi import writing
from publisher.openapi.reading import Source, Unreadable
from publisher.openapi.validation import validate
from publisher.wsdl import about, bundle, rest
from publisher.wsdl.operations import operations as soap_operations

OPENAPI, ASYNCAPI = "Definitions/swagger", "Definitions/asyncapi"
GRAPHQL, COMPLEXITY = "Definitions/schema.graphql", "Definitions/graphql-complexity"
_OPENAPI_NAMES = (*texts.names(OPENAPI), *texts.names("Definitions/openapi"))
_DIRECTIONS = ("in", "out")


def write(tree: Tree, seen: Design, form: str) -> None:
    """Add them."""
    api, kind = seen.api, kinds.of(seen.api.kind)
    rows = seen.snapshot["operations"]
    if kind.document == "graphql":
        tree.put(GRAPHQL, api.definition)
        if api.complexities:
            listed = [
                {"type": one["type"], "field": one["field"], "complexityValue": one["value"]}
                for one in api.complexities
            ]
            texts.put(tree, COMPLEXITY, "graphql-complexity", {"list": listed}, form)
    elif kind.document == "asyncapi":
        text = api.definition or asyncapi_writing.generate(api.name, api.version, api.description, rows)
        _put(tree, ASYNCAPI, text, form)
    else:
        text = api.definition if kind.document == "openapi" else ""
        _put(tree, OPENAPI, text or writing.generate(api.name, api.version, api.description, rows), form)
    if api.wsdl:
        held = bundle.load(api.wsdl)
        stem = f"WSDL/{seen.folder}"
        tree.put(f"{stem}.wsdl" if len(held.files) == 1 else f"{stem}.zip", _content(held))
    for one in api.resource_policies:
        tree.put(_sequence(one["direction"], one["target"], one["verb"]), one["content"])


def _put(tree: Tree, stem: str, text: str, form: str) -> None:
    """The text as it is; JSON is YAML as well, YAML is written anew where JSON is asked for."""
    if form != "JSON":
        tree.put(f"{stem}.yaml", text)
        return
    try:
        source = Source(text)
    except Unreadable:
        source = None
    if source is None or source.is_json:
        tree.put(f"{stem}.json", text)
    else:
        texts.put_plain(tree, stem, source.document, form)


def _content(held: bundle.Bundle) -> str | bytes:
    return held.text if len(held.files) == 1 else held.archive()


def _sequence(direction: str, target: str, verb: str) -> str:
    return f"SoapToRest/{direction}/{quote(target.lstrip('/'), safe='-._~')}_{verb.lower()}.xml"


def read(tree: Tree, kind: kinds.Kind, *, generated: bool) -> dict[str, Any]:
    """Columns of the design from the files, and under `suggested` the operations that the definition has.

    `generated`: the definition was made from the operations and is not kept. Raises BadArchive and what the checks of
    definitions raise, naming file and place.
    """
    found: dict[str, Any] = {"suggested": []}
    if kind.document == "graphql":
        found |= _graphql(tree)
    elif kind.document == "asyncapi":
        found |= _asyncapi(tree, generated)
    elif kind.document == "openapi":
        found |= _openapi(tree, generated)
    if kind.name in ("SOAP", "SOAPTOREST"):
        found |= _wsdl(tree)
    return found


def _graphql(tree: Tree) -> dict[str, Any]:
    text = tree.text(GRAPHQL)
    with within(GRAPHQL):
        suggested = schema.valid(text).suggestion["operations"]
    found = {"definition": text, "suggested": suggested, "complexities": []}
    path = tree.first(*texts.names(COMPLEXITY))
    if path:
        held = texts.mapping(tree, path, "graphql-complexity").get("list") or []
        if not isinstance(held, list):
            raise bad(path, "Must be a list.", "data.list")
        found["complexities"] = [_cost(path, n, one) for n, one in enumerate(held)]
    return found


def _cost(path: str, number: int, one: Any) -> dict[str, Any]:
    place = f"data.list[{number}]"
    if not isinstance(one, dict) or not isinstance(one.get("complexityValue"), int):
        raise bad(path, "Needs type, field and a whole number as complexityValue.", place)
    cost = {"type": texts.word(one, "type", path, place), "field": texts.word(one, "field", path, place)}
    return cost | {"value": one["complexityValue"]}


def _asyncapi(tree: Tree, generated: bool) -> dict[str, Any]:
    path = tree.first(*texts.names(ASYNCAPI))
    if not path or generated:
        return {"definition": ""} if generated else {}
    text = tree.text(path)
    with within(path):
        suggested = asyncapi.valid(text).suggestion["operations"]
    return {"definition": text, "suggested": suggested}


def _openapi(tree: Tree, generated: bool) -> dict[str, Any]:
    path = tree.first(*_OPENAPI_NAMES)
    if not path or generated:
        return {"definition": ""} if generated else {}
    text = tree.text(path)
    with within(path):
        report = validate(text)
        report.raise_if_invalid()
    return {"definition": text, "suggested": report.suggestion["operations"]}


def _wsdl(tree: Tree) -> dict[str, Any]:
    paths = sorted(path for path in tree.files if path.startswith("WSDL/"))
    if not paths:
        return {}
    with within(paths[0]):
        held = bundle.from_upload(tree.files[paths[0]])
        about.about(held)
    return {"wsdl": held.dump()}


def sequences(tree: Tree, rows: list[Any], wsdl: str) -> list[dict[str, str]]:
    """The sequences of the operations `rows` of a REST-from-SOAP API; without files those that its WSDL asks for."""
    found = []
    for row in rows:
        if not isinstance(row, dict):
            continue
        verb, target = str(row.get("verb")), str(row.get("target"))
        for direction in _DIRECTIONS:
            path = _sequence(direction, target, verb)
            if path in tree.files:
                with within(path):
                    rest.check_sequence(tree.text(path))
                found.append({"verb": verb, "target": target, "direction": direction, "content": tree.text(path)})
    if not found and wsdl:
        return rest.policies(rest.resources(soap_operations(bundle.load(wsdl))))
    return [{"id": str(uuid4()), **one} for one in found]
