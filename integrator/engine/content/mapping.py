"""Reads XML, JSON and CSV into the objects that a data mapper's script works on, and writes what it returns (reference 3.3).

In a script an attribute `x` is the field `attr_x`, the text beside attributes is `_ELEMVAL`, and `p:name` is `p_name`.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from lxml import etree

from integrator.engine.content import jsonxml
from integrator.engine.errors import Fault
from integrator.engine.xmltools import Element, children, local, namespace

ATTRIBUTE, TEXT = "attr_", "_ELEMVAL"
_NUMBERS = ("number", "integer")


class Shape:
    """A schema of the data mapper: the root's name, its namespaces, and what is known of each field."""

    def __init__(self, schema: Any):
        if not isinstance(schema, dict):
            raise Fault(0, "datamapper: a schema must be a JSON object")
        self.schema = schema
        self.title = str(schema.get("title") or "root")
        spaces = schema.get("namespaces")
        known = [item for item in spaces if isinstance(item, dict)] if isinstance(spaces, list) else []
        self.prefixes = {str(item.get("url")): str(item.get("prefix") or "") for item in known}
        self.spaces = {prefix: url for url, prefix in self.prefixes.items()}

    def field(self, tag: str) -> str:
        """Name of an element or attribute in the script; `tag` is a local name, or one in Clark's notation."""
        space, _, name = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
        prefix = self.prefixes.get(space, "")
        return f"{prefix}_{name}" if prefix else name


def part(schema: Any, name: str) -> Any:
    """What a schema says about a field; names with a prefix are written `p:name` there."""
    known = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(known, dict):
        return {}
    return known.get(name) or known.get(name.replace("_", ":", 1)) or {}


def items_of(schema: Any) -> Any:
    """What a schema says about the items of an array."""
    found = schema.get("items", {}) if isinstance(schema, dict) else {}
    return (found[0] if found else {}) if isinstance(found, list) else found


def kind_of(schema: Any) -> str:
    """The type in a schema, empty when there is none."""
    return str(schema.get("type", "")) if isinstance(schema, dict) else ""


def scalar(text: str, kind: str) -> Any:
    """Text as a value of a type; what does not fit stays text."""
    if kind in _NUMBERS or kind == "boolean":
        return jsonxml.primitive(text.strip())
    return text


def from_xml(root: Element, shape: Shape) -> Any:
    """The object of an XML document; a SOAP envelope's or an array's schema starts at its first item."""
    schema = shape.schema
    return _element(root, items_of(schema) if kind_of(schema) == "array" else schema, shape)


def _element(element: Element, schema: Any, shape: Shape) -> Any:
    inner, text = children(element), element.text or ""
    attributes = {f"{ATTRIBUTE}{shape.field(name)}": value for name, value in element.attrib.items()}
    if not inner and not attributes and kind_of(schema) != "object":
        return scalar(text, kind_of(schema))
    made: dict[str, Any] = dict(attributes)
    if text.strip() and not inner:
        value = schema.get("value", {}) if isinstance(schema, dict) else {}
        made[TEXT] = scalar(text, kind_of(value))
    for item in inner:
        name = shape.field(f"{{{namespace(item)}}}{local(item)}")
        known = part(schema, name)
        many = kind_of(known) == "array"
        value = _element(item, items_of(known) if many else known, shape)
        if many or name in made:
            held = made.setdefault(name, [])
            made[name] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            made[name] = value
    return made


def from_csv(text: str, shape: Shape) -> list[dict[str, Any]]:
    """Rows as objects named by the schema; a first row that holds just the names is left out."""
    known = items_of(shape.schema).get("properties") if kind_of(shape.schema) == "array" else None
    if not isinstance(known, dict):
        known = shape.schema.get("properties") or {}
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    names = list(known)
    if rows and [cell.strip() for cell in rows[0]] == names:
        rows = rows[1:]
    return [{name: scalar(cell, kind_of(known[name])) for name, cell in zip(names, row, strict=False)} for row in rows]


def to_xml(value: Any, shape: Shape) -> Element:
    """The XML document of what a script returned. Raises Fault."""
    root = _new(shape.title, shape, None)
    _fill(root, value, shape)
    return root


def _new(name: str, shape: Shape, parent: Element | None) -> Element:
    tag = _clark(name, shape)
    nsmap = {prefix or None: url for prefix, url in shape.spaces.items() if url}
    try:
        return etree.Element(tag, nsmap=nsmap) if parent is None else etree.SubElement(parent, tag)
    except ValueError as error:
        raise Fault(0, f"datamapper: {name!r} is no name of an XML element") from error


def _clark(name: str, shape: Shape) -> str:
    for mark in (":", "_"):
        prefix, found, short = name.partition(mark)
        if found and shape.spaces.get(prefix):
            return f"{{{shape.spaces[prefix]}}}{short}"
    return name


def _fill(element: Element, value: Any, shape: Shape) -> None:
    if not isinstance(value, dict):
        element.text = None if value is None else jsonxml.xml_text(_text(value))
        return
    for name, item in value.items():
        if item is None:
            continue
        if name == TEXT:
            element.text = jsonxml.xml_text(_text(item))
        elif name.startswith(ATTRIBUTE):
            _attribute(element, _clark(name.removeprefix(ATTRIBUTE), shape), _text(item))
        else:
            for one in item if isinstance(item, list) else [item]:
                _fill(_new(name, shape, element), one, shape)


def _attribute(element: Element, name: str, value: str) -> None:
    try:
        element.set(name, jsonxml.xml_text(value))
    except ValueError as error:
        raise Fault(0, f"datamapper: {name!r} is no name of an XML attribute") from error


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(jsonxml.scalar_text(value))


def to_csv(value: Any) -> str:
    """Lines of what a script returned: one for each object, its fields in order."""
    rows = value if isinstance(value, list) else [value]
    if isinstance(value, dict) and len(value) == 1 and isinstance(only := next(iter(value.values())), list):
        rows = only
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        cells = list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else [row]
        writer.writerow(["" if cell is None else _text(cell) for cell in cells])
    return out.getvalue()
