"""Definitions that we write: for an API designed by hand, and one brought in step with its operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from publisher.openapi import paths
from publisher.openapi.reading import Source, Unreadable
from publisher.openapi.references import follow

_PARAMETER = re.compile(r"\{([^{}/]+)\}")


def generate(name: str, version: str, description: str, operations: Iterable[dict[str, Any]]) -> str:
    """A minimal OpenAPI 3.0 definition of an API that has none, as JSON."""
    info = {"title": name, "version": version, **({"description": description} if description else {})}
    document: dict[str, Any] = {"openapi": "3.0.3", "info": info, "paths": {}}
    for operation in operations:
        _add(document, operation)
    return json.dumps(document, indent=2, ensure_ascii=False)


def in_step(text: str, operations: list[dict[str, Any]]) -> str:
    """`text` with paths for exactly `operations`; the very same text when it has them already."""
    try:
        source = Source(text)
    except Unreadable:
        return text
    document = source.document
    wanted = {(operation["target"], operation["verb"].lower()): operation for operation in operations}
    there = {(operation["target"], operation["verb"].lower()) for operation in paths.operations(document)}
    if wanted.keys() == there:
        return text
    for target, verb in there - wanted.keys():
        _remove(document, target, verb)
    for key in wanted.keys() - there:
        _add(document, wanted[key])
    if source.is_json:
        return json.dumps(document, indent=2, ensure_ascii=False)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _remove(document: dict[str, Any], target: str, verb: str) -> None:
    item = document["paths"][target]
    if "$ref" in item:
        item = document["paths"][target] = dict(follow(document, item))
    item.pop(verb, None)
    if not any(name in paths.VERBS for name in item):
        del document["paths"][target]


def _add(document: dict[str, Any], operation: dict[str, Any]) -> None:
    target, verb = operation["target"], operation["verb"].lower()
    entry: dict[str, Any] = {"responses": {"200": {"description": "OK"}}}
    parameters = [_parameter(name, "swagger" in document) for name in _PARAMETER.findall(target)]
    if parameters:
        entry["parameters"] = parameters
    document.setdefault("paths", {}).setdefault(target, {})[verb] = entry


def _parameter(name: str, swagger: bool) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": "string"} if swagger else {"schema": {"type": "string"}}
    return {"name": name, "in": "path", "required": True, **kind}
