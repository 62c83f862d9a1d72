"""An API as a Postman collection (format 2.1): a request an operation, with address and token as variables."""

from __future__ import annotations

import json
from typing import Any

from portal import described
from portal.addresses import Address
from portal.definition import VERBS, definition
from publisher import kinds
from publisher.models import Api

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
DEPTH = 6
"""How deep an example body goes; definitions may hold themselves."""
_EXAMPLES = {"integer": 0, "number": 0.0, "boolean": False, "string": "", "null": None}


def exportable(api: Api) -> bool:
    """Whether there is a collection of `api`: of those described by OpenAPI, and of GraphQL."""
    return kinds.of(api.kind).document in ("openapi", "graphql")


def collection(api: Api, places: list[Address]) -> dict[str, Any]:
    """The collection. Call it for APIs that are `exportable`."""
    urls = [url for place in places for url in place.urls]
    variables = {"baseUrl": urls[0] if urls else "https://gateway.example.org", "accessToken": ""}
    header = api.authorization_header or "Authorization"
    items = [_graphql(api)] if api.kind == "GRAPHQL" else _openapi(definition(api, places))
    for item in items:
        item["request"]["header"].insert(0, {"key": header, "value": "Bearer {{accessToken}}"})
    return {
        "info": {"name": f"{api.name} {api.version}", "description": api.description, "schema": SCHEMA},
        "item": items,
        "variable": [{"key": name, "value": value, "type": "string"} for name, value in variables.items()],
    }


def _graphql(api: Api) -> dict[str, Any]:
    body = {"mode": "graphql", "graphql": {"query": described.example(api), "variables": ""}}
    return _item("query", "POST", "", [{"key": "Content-Type", "value": "application/json"}], [], [], body)


def _openapi(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for path, item in (document.get("paths") or {}).items():
        if not isinstance(item, dict):
            continue
        shared = item.get("parameters") or []
        for verb, operation in item.items():
            if verb in VERBS and isinstance(operation, dict):
                found.append(_operation(document, str(path), verb, operation, shared))
    return found


def _operation(
    document: dict[str, Any], path: str, verb: str, operation: dict[str, Any], shared: list[Any]
) -> dict[str, Any]:
    given = [_resolved(document, one) for one in [*shared, *(operation.get("parameters") or [])]]
    by_place: dict[str, list[dict[str, Any]]] = {}
    for one in given:
        entry = {"key": str(one.get("name", "")), "value": "", "description": str(one.get("description", ""))}
        by_place.setdefault(str(one.get("in", "")), []).append(
            entry | ({} if one.get("required") else {"disabled": True})
        )
    headers, body = by_place.get("header", []), _body(document, operation, given)
    if body:
        headers = [{"key": "Content-Type", "value": "application/json"}, *headers]
    variables = [{name: one[name] for name in ("key", "value", "description")} for one in by_place.get("path", [])]
    title = str(operation.get("summary") or operation.get("operationId") or f"{verb.upper()} {path}")
    return _item(title, verb.upper(), path, headers, by_place.get("query", []), variables, body)


def _item(
    name: str,
    verb: str,
    path: str,
    headers: list[Any],
    query: list[Any],
    variables: list[Any],
    body: dict[str, Any] | None,
) -> dict[str, Any]:
    steps = [
        f":{step[1:-1]}" if step.startswith("{") and step.endswith("}") else step for step in path.split("/") if step
    ]
    asked = "&".join(f"{one['key']}=" for one in query if not one.get("disabled"))
    raw = "/".join(["{{baseUrl}}", *steps]) + (f"?{asked}" if asked else "")
    url = {"raw": raw, "host": ["{{baseUrl}}"], "path": steps, "query": query, "variable": variables}
    request: dict[str, Any] = {"method": verb, "header": headers, "url": url}
    return {"name": name, "request": request | ({"body": body} if body else {})}


def _body(document: dict[str, Any], operation: dict[str, Any], given: list[dict[str, Any]]) -> dict[str, Any] | None:
    content = _resolved(document, operation.get("requestBody")).get("content") or {}
    media = next((one for kind, one in content.items() if "json" in kind and isinstance(one, dict)), None)
    if media is None:
        # Swagger 2 has the body among the parameters.
        media = next((one for one in given if one.get("in") == "body"), None)
    if media is None:
        return None
    example = media["example"] if "example" in media else _example(document, media.get("schema"), DEPTH)
    text = json.dumps(example, indent=2, ensure_ascii=False, default=str)
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}


def _example(document: dict[str, Any], schema: Any, depth: int) -> Any:
    schema = _resolved(document, schema)
    for name in ("example", "default", "const"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    if depth == 0:
        return {}
    if isinstance(schema.get("properties"), dict):
        return {name: _example(document, one, depth - 1) for name, one in list(schema["properties"].items())[:50]}
    if "items" in schema:
        return [_example(document, schema["items"], depth - 1)]
    kind = schema.get("type", "object")
    return _EXAMPLES.get(kind if isinstance(kind, str) else "string", {})


def _resolved(document: dict[str, Any], value: Any) -> dict[str, Any]:
    """`value`, or what it refers to inside the document; empty for anything else."""
    for _ in range(DEPTH):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            break
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        value = found
    return value if isinstance(value, dict) else {}
