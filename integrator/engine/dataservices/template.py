"""JSON result templates become the same mapping as XML results (reference 6.4, ds.result.json)."""

from __future__ import annotations

import re
from typing import Any

from integrator.engine.content.payload import decode_json
from integrator.engine.dataservices.records import CallQuery, Field, Result
from integrator.engine.errors import BadPayload

_VALUE = re.compile(r"\$([\w.\[\]]+)(?:\(([^)]*)\))?\Z")


def result_of_template(text: str) -> Result:
    """The mapping of a template. Raises ValueError saying what is wrong."""
    try:
        template = decode_json(text)
    except BadPayload as error:
        raise ValueError(str(error)) from error
    if not isinstance(template, dict) or len(template) != 1:
        raise ValueError("exactly one top-level key is expected")
    element, body = next(iter(template.items()))
    if not isinstance(body, dict):
        raise ValueError(f"the value of {element!r} must be an object")
    if len(body) == 1:
        row_name, rows = next(iter(body.items()))
        if isinstance(rows, list):
            if len(rows) != 1 or not isinstance(rows[0], dict):
                raise ValueError(f"the array {row_name!r} must hold exactly one object")
            return Result(element, row_name, _fields(rows[0]))
    return Result(element, "", _fields(body))


def _fields(record: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(_field(name, value) for name, value in record.items())


def _field(name: str, value: Any) -> Field:
    if name.startswith("@"):
        return Field("", call=CallQuery(name[1:], _parameters(str(value))))
    if isinstance(value, dict):
        return Field(name, kind="group", fields=_fields(value))
    if isinstance(value, list):
        raise ValueError(f"an array is not allowed at {name!r}")
    text = str(value)
    found = _VALUE.match(text)
    if not found:
        return Field(name, kind="value", reference=text)
    options = dict(part.strip().partition(":")[::2] for part in (found.group(2) or "").split(";") if part.strip())
    return Field(
        name,
        reference=found.group(1),
        xsd_type=options.get("type", "string").strip().rpartition(":")[2],
        optional=options.get("optional", "").strip() == "true",
    )


def _parameters(text: str) -> tuple[tuple[str, str, str], ...]:
    found = []
    for part in text.split(","):
        source, arrow, target = part.strip().partition("->")
        if not arrow or not source.startswith("$"):
            raise ValueError(f"{part.strip()!r}: expected $column->parameter")
        found.append((target.strip(), "column", source[1:].strip()))
    return tuple(found)
