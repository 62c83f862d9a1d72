"""JSON in the BadgerFish convention: text is `$`, attributes `@name`, namespaces `@xmlns` (reference 2.8)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from integrator.engine.content.jsonxml import MAX_DEPTH, scalar_text, valid_name, xml_text
from integrator.engine.errors import BadPayload
from integrator.engine.xmltools import Element, children, clone, local

Names = dict[str | None, str]


def to_xml(value: Any) -> Element:
    """The element of an object with one key. Raises BadPayload."""
    if not isinstance(value, dict) or len(value) != 1:
        raise BadPayload("BadgerFish JSON is an object with one key, the root element")
    (name, content), *_ = value.items()
    holder = etree.Element("holder")
    _add(holder, name, content, {}, 0)
    root = holder[0]
    holder.remove(root)
    return root


def _add(parent: Element, name: str, content: Any, outer: Names, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadPayload(f"JSON is nested more than {MAX_DEPTH} levels deep")
    if isinstance(content, list):
        for item in content:
            _add(parent, name, item, outer, depth + 1)
        return
    given = content if isinstance(content, dict) else {} if content is None else {"$": content}
    declared = given.get("@xmlns", {})
    own = {None if prefix == "$" else prefix: str(uri) for prefix, uri in _pairs(declared) if uri}
    names = outer | own
    try:
        element = etree.SubElement(parent, _name(name, names), nsmap=own or None)
    except ValueError as error:
        raise BadPayload(f"BadgerFish JSON: {name!r}: {error}") from error
    for key, item in given.items():
        if key == "$":
            element.text = None if item is None else xml_text(scalar_text(item))
        elif key.startswith("@"):
            if key != "@xmlns":
                element.set(valid_name(key[1:].rpartition(":")[2]), xml_text(scalar_text(item)))
        else:
            _add(element, key, item, names, depth + 1)


def _pairs(declared: Any) -> list[tuple[str, Any]]:
    return list(declared.items()) if isinstance(declared, dict) else [("$", declared)]


def _name(name: str, names: Names) -> str:
    prefix, colon, bare = name.rpartition(":")
    uri = names.get(prefix if colon else None)
    return f"{{{uri}}}{valid_name(bare)}" if uri else valid_name(bare)


def to_json(root: Element) -> dict[str, Any]:
    """An object with the root element as its only key."""
    alone = clone(root)
    etree.cleanup_namespaces(alone)
    return {_shown(alone): _value(alone, {})}


def _shown(element: Element) -> str:
    return f"{element.prefix}:{local(element)}" if element.prefix else local(element)


def _value(element: Element, outer: Names) -> dict[str, Any]:
    found: dict[str, Any] = {}
    declared = {prefix or "$": uri for prefix, uri in element.nsmap.items() if outer.get(prefix) != uri}
    if declared:
        found["@xmlns"] = declared
    found |= {f"@{etree.QName(name).localname}": text for name, text in element.attrib.items()}
    text = (element.text or "").strip()
    if text:
        found["$"] = text
    seen: dict[str, list[Any]] = {}
    for item in children(element):
        seen.setdefault(_shown(item), []).append(_value(item, element.nsmap))
    return found | {name: values if len(values) > 1 else values[0] for name, values in seen.items()}
