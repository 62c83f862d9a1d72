"""Looks at every `$ref` before anything resolves one: only places inside the same document are allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from publisher.openapi.reading import Path

_DATA = frozenset({"example", "examples", "default", "enum", "const", "value"})
"""Below these a `$ref` is the API's own data."""


def reference_mistakes(document: Any) -> Iterator[tuple[Path, str]]:
    """Every reference that leaves the document, leads nowhere, or only to itself, with its path."""
    for path, target in references(document):
        fault = _fault(document, target)
        if fault:
            yield (*path, "$ref"), fault


def references(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and target of each reference object."""
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            yield path, target
        for name, part in value.items():
            # `example` may also be the name of a property, so data is skipped only where a schema stands.
            if name.startswith("x-") or (name in _DATA and not _names_things(path)):
                continue
            yield from references(part, (*path, name))
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from references(part, (*path, position))


def _names_things(path: Path) -> bool:
    return bool(path) and path[-1] in ("properties", "definitions", "schemas", "$defs", "patternProperties", "paths")


def resolve(document: Any, target: str) -> Any:
    """What `#/…` points at. Raises KeyError when that is nothing."""
    value = document
    for step in (target[1:].split("/")[1:]) if target != "#" else []:
        step = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise KeyError(step)
    return value


def follow(document: Any, value: Any) -> Any:
    """`value`, or what its chain of references ends at; an empty object for a broken or endless chain."""
    for _ in range(50):
        if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
            return value
        try:
            value = resolve(document, value["$ref"])
        except KeyError:
            return {}
    return {}


def _fault(document: Any, target: str) -> str:
    if not target.startswith("#"):
        return f"{target[:100]!r} lies outside this document; external references are not fetched. Bundle the files into one."
    if not target.startswith("#/"):
        # `#` is the document itself, `#name` an anchor of JSON Schema (3.1).
        return ""
    try:
        end = resolve(document, target)
    except KeyError:
        return f"{target[:100]!r} leads nowhere: there is no such place in this document."
    looped = isinstance(end, dict) and isinstance(end.get("$ref"), str) and follow(document, end) == {}
    return f"{target[:100]!r} only refers to itself." if looped else ""
