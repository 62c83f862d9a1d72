"""The fixed mapping between JSON values and XML elements (reference 2.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from integrator.engine.errors import BadPayload
from integrator.engine.patterns import Pattern, compiled
from integrator.engine.xmltools import XSI, Element, local, namespace

WRAPPERS = frozenset({"jsonObject", "jsonArray", "jsonElement", "jsonValue"})
EMPTY_MARK = "_JsonScanner_EMPTY_OBJECT"
_DIGIT, _DOLLAR = "_JsonReader_PD_", "_JsonReader_PS_"
_ESCAPED = re.compile(r"_JsonReader_(\d+)_")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z")
_START = (
    r"A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
    r"\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd"
)
_NAME_START = re.compile(f"[{_START}]")
_NAME_BAD = re.compile(rf"[^{_START}\-.0-9\u00b7\u0300-\u036f\u203f\u2040]")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of XML -> JSON output; names as in synapse.properties (reference 2.8)."""

    auto_primitive: bool = True
    keep_as_string: Pattern | None = None
    empty_is_null: bool = True
    keep_spaces: bool = False
    preserve_namespace: bool = False
    separator: str = "_"
    arrays: bool = True
    declarations: bool = False
    marks: Pattern | None = None
    marks_become: str = ""
    nil: bool = False


_CUSTOM = "json.json.output.disableAutoPrimitive.customReplace"
DEFAULT_RULES = Rules()
_in_force = [DEFAULT_RULES]


def use(rules: Rules) -> None:
    """Set the rules of this process: those of the home it runs."""
    _in_force[0] = rules


def rules_from(settings: dict[str, str]) -> Rules:
    """Rules from synapse.properties names without the prefix `synapse.commons.`."""
    pattern = settings.get("json.output.disableAutoPrimitive.regex")
    marks = settings.get(f"{_CUSTOM}Regex")
    as_null = settings.get("enableXmlNullForEmptyElement", "true").lower() == "true"
    return Rules(
        auto_primitive=settings.get("json.output.autoPrimitive", "true").lower() == "true",
        keep_as_string=compiled(pattern) if pattern else None,
        empty_is_null=as_null and settings.get("json.output.emptyXmlElemToEmptyStr", "false").lower() != "true",
        preserve_namespace=settings.get("json.preserve.namespace", "false").lower() == "true",
        separator=settings.get("json.output.namespaceSepChar", "_"),
        arrays=settings.get("json.output.jsonoutAutoArray", "true").lower() == "true",
        declarations=settings.get("json.output.enableNSDeclarations", "false").lower() == "true",
        marks=compiled(marks, anywhere=True) if marks else None,
        marks_become=settings.get(f"{_CUSTOM}Sequence", ""),
        nil=settings.get("enableXmlNilReadWrite", "false").lower() == "true",
    )


def to_xml(value: Any, mark_arrays: bool = False) -> Element:
    """The XML view of a JSON value: jsonObject, jsonArray or jsonValue. Raises BadPayload when nested too deeply.

    With `mark_arrays`, lists of none or one get an xml-multiple instruction, so that the way back is exact.
    """
    if isinstance(value, dict):
        root = etree.Element("jsonObject")
    elif isinstance(value, list):
        root = etree.Element("jsonArray")
    else:
        root = etree.Element("jsonValue")
    _fill(root, value, 0, mark_arrays)
    return root


def _fill(element: Element, value: Any, depth: int, mark: bool) -> None:
    if depth > MAX_DEPTH:
        raise BadPayload(f"JSON is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        _fill_object(element, value, depth, mark)
    elif isinstance(value, list):
        parent = element if element.tag == "jsonArray" else etree.SubElement(element, "jsonArray")
        for item in value:
            _fill(etree.SubElement(parent, "jsonElement"), item, depth + 1, mark)
    elif value is not None:
        element.text = xml_text(scalar_text(value))
    elif _in_force[0].nil:
        element.set(f"{{{XSI}}}nil", "true")


def _fill_object(element: Element, value: dict[str, Any], depth: int, mark: bool) -> None:
    if not value:
        etree.SubElement(element, "jsonEmpty").text = EMPTY_MARK
    for key, item in value.items():
        if key == "$" and not isinstance(item, dict | list):
            element.text = None if item is None else xml_text(scalar_text(item))
        elif key.startswith("@") and len(key) > 1 and not isinstance(item, dict | list):
            element.set(valid_name(key[1:]), xml_text(scalar_text(item)))
        elif isinstance(item, list):
            _fill_array(element, valid_name(key), item, depth, mark)
        else:
            _fill(etree.SubElement(element, valid_name(key)), item, depth + 1, mark)


def _fill_array(parent: Element, name: str, items: list[Any], depth: int, mark: bool) -> None:
    if mark and len(items) < 2:  # without the mark a list of one could not be told from its item on the way back
        parent.append(etree.ProcessingInstruction("xml-multiple", name))
    for item in items:
        _fill(etree.SubElement(parent, name), item, depth + 1, mark)


def scalar_text(value: Any) -> str:
    """JSON scalar as text: true/false/null in lower case, floats as JSON writes them."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    return str(value)


def xml_text(text: str) -> str:
    """Characters that XML 1.0 cannot carry become U+FFFD instead of an error."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def valid_name(key: str) -> str:
    """An element name for a JSON key; illegal characters are written as _JsonReader_<code>_."""
    if not key:
        return "_JsonReader_0_"
    name = _NAME_BAD.sub(lambda match: f"_JsonReader_{ord(match.group())}_", key.replace("$", _DOLLAR))
    if name[0] in "0123456789":
        return _DIGIT + name
    if not _NAME_START.match(name[0]):
        return f"_JsonReader_{ord(name[0])}_{name[1:]}"
    return name


def original_name(name: str) -> str:
    """The JSON key of an element name: reverses valid_name."""
    if "_JsonReader_" not in name:
        return name
    if name == "_JsonReader_0_":
        return ""
    name = name.replace(_DIGIT, "").replace(_DOLLAR, "$")
    return _ESCAPED.sub(lambda match: chr(int(match.group(1))), name)


def to_json(root: Element, rules: Rules | None = None) -> Any:
    """JSON value of an XML element. The root stays as the single key unless it is one of the wrappers."""
    rules = rules or _in_force[0]
    name = local(root)
    if name in WRAPPERS:
        return _value(root, rules)
    return {_key(root, rules): _value(root, rules)}


def to_json_with_spaces(root: Element) -> Any:
    """As `to_json`, with text that is white space only."""
    return to_json(root, replace(_in_force[0], keep_spaces=True))


def _key(element: Element, rules: Rules) -> str:
    name = original_name(local(element))
    if rules.preserve_namespace and element.prefix:
        return f"{element.prefix}{rules.separator}{name}"
    return name


def _value(element: Element, rules: Rules) -> Any:
    if not len(element) and not element.keys() and not rules.declarations:
        return [] if local(element) == "jsonArray" else _leaf(element, {}, rules)
    kids = [item for item in element if isinstance(item.tag, str)]
    forced = {
        original_name((item.text or "").strip())
        for item in element
        if item.tag is etree.PI and item.target == "xml-multiple"
    }
    attributes = {
        f"@{original_name(etree.QName(name).localname)}": text
        for name, text in element.attrib.items()
        if etree.QName(name).namespace != XSI
    }
    if rules.declarations:
        attributes = _declarations(element) | attributes
    if local(element) == "jsonArray":
        return [_value(kid, rules) for kid in kids]
    if not kids and not forced:
        return _leaf(element, attributes, rules)
    if len(kids) == 1 and not attributes and local(kids[0]) == "jsonArray" and not namespace(kids[0]):
        return _value(kids[0], rules)
    if len(kids) == 1 and local(kids[0]) == "jsonEmpty":
        return attributes
    return _members(kids, forced, attributes, rules)


def _declarations(element: Element) -> dict[str, Any]:
    """Namespaces that are declared here, as attributes."""
    parent = element.getparent()
    known = parent.nsmap if parent is not None else {}
    here = {prefix: uri for prefix, uri in element.nsmap.items() if known.get(prefix) != uri}
    return {f"@xmlns:{prefix}" if prefix else "@xmlns": uri for prefix, uri in here.items()}


def _members(kids: list[Element], forced: set[str], result: dict[str, Any], rules: Rules) -> dict[str, Any]:
    seen: dict[str, list[Any]] = {}
    for kid in kids:
        seen.setdefault(_key(kid, rules), []).append(_value(kid, rules))
    for name in forced - seen.keys():
        result[name] = []
    for name, values in seen.items():
        several = name in forced or (len(values) > 1 and rules.arrays)
        result[name] = values if several else values[-1]
    return result


def _leaf(element: Element, attributes: dict[str, Any], rules: Rules) -> Any:
    text = element.text or ""
    if not rules.keep_spaces and not text.strip(" \t\r\n"):
        text = ""
    value = primitive(text, rules) if text else None if rules.empty_is_null else ""
    if element.get(f"{{{XSI}}}nil") in ("true", "1"):
        value = None
    if not attributes:
        return value
    if text:
        attributes["$"] = value
    return attributes


def primitive(text: str, rules: Rules = DEFAULT_RULES) -> Any:
    """true, false, null and numbers as JSON primitives, everything else as the string itself."""
    if not rules.auto_primitive or (rules.keep_as_string and rules.keep_as_string.fullmatch(text)):
        return rules.marks.sub(lambda _: rules.marks_become, text) if rules.marks else text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.match(text) and len(text) < 300:
        if text.lstrip("-").isdigit():
            return int(text)
        number = float(text)
        return number if number not in (float("inf"), float("-inf")) else text
    return text
