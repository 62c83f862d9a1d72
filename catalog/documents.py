"""Reads YAML and JSON that strangers send: no tags, no deep nesting (which would crash the C parser), bounded size."""

from __future__ import annotations

from typing import Any

import yaml

from apim.errors import Invalid

DEEPEST = 100
"""Levels of nesting allowed; the largest public OpenAPI documents stay below 40."""

LARGEST = 4 * 1024 * 1024
"""Characters of one document."""


def load(text: str, where: str, *, strings: bool = False) -> Any:
    """The document as Python values. `strings` keeps every scalar as written (`1.10` stays `1.10`).

    Raises Invalid, naming `where` and the line, when it cannot be read.
    """
    if len(text) > LARGEST:
        raise Invalid(f"{where} has {len(text)} characters; at most {LARGEST} are allowed.")
    loader = yaml.CBaseLoader if strings else yaml.CSafeLoader
    try:
        _check_depth(text, where)
        return yaml.load(text, loader)  # noqa: S506 - both loaders build plain values only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(f"{where} is not readable as YAML or JSON: {_one_line(error)}") from error


def _check_depth(text: str, where: str) -> None:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1
                raise Invalid(f"{where}, line {line}: nested deeper than {DEEPEST} levels.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())[:300]
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', '')}"
