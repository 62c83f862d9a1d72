"""What a query gives, and how it is written as XML and as JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from lxml import etree

from integrator.engine.dataservices.records import Field, Result
from integrator.engine.xmltools import XSI, Element

Row = list[tuple[Field, Any]]
_INTEGERS = frozenset({"integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger"})
_NUMBERS = frozenset({"double", "float", "decimal"})


@dataclass
class Table:
    """Rows under a wrapper element."""

    result: Result
    rows: list[Row] = field(default_factory=list)


def text_value(value: Any) -> str | None:
    """A database value as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def to_xml(table: Table, namespace: str) -> Element:
    """The table as an element."""
    space = table.result.namespace or namespace
    root = etree.Element(f"{{{space}}}{table.result.element}", nsmap={None: space})
    for row in table.rows:
        holder = etree.SubElement(root, f"{{{space}}}{table.result.row_name}") if table.result.row_name else root
        _fill_xml(holder, row, space)
    return root


def _fill_xml(holder: Element, row: Row, space: str) -> None:
    for described, value in row:
        if isinstance(value, Table):
            holder.append(to_xml(value, space)) if value.result.element else None
        elif isinstance(value, list):
            target = etree.SubElement(holder, f"{{{space}}}{described.name}") if described.name else holder
            _fill_xml(target, value, space)
        elif described.attribute:
            holder.set(described.name, text_value(value) or "")
        else:
            leaf = etree.SubElement(holder, f"{{{space}}}{described.name}")
            leaf.text = text_value(value)
            if value is None:
                leaf.set(f"{{{XSI}}}nil", "true")


def to_json(table: Table) -> dict[str, Any]:
    """The table as a JSON object."""
    rows = [_json_row(row) for row in table.rows]
    if table.result.row_name:
        return {table.result.element: {table.result.row_name: rows}}
    return {table.result.element: rows[0] if rows else None}


def _json_row(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for described, value in row:
        if isinstance(value, Table):
            found |= to_json(value)
        elif isinstance(value, list):
            inner = _json_row(value)
            if described.name:
                found[described.name] = inner
            else:
                found |= inner
        else:
            found[f"@{described.name}" if described.attribute else described.name] = _json_value(described, value)
    return found


def _json_value(described: Field, value: Any) -> Any:
    if value is None:
        return None
    kind = described.xsd_type
    try:
        if kind in _INTEGERS:
            return int(value)
        if kind in _NUMBERS:
            return float(value)
    except (TypeError, ValueError):
        return text_value(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")
    return text_value(value)
