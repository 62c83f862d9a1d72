"""Values of expressions as text, by the engine's rules (reference 2.5, expr.stringvalue)."""

from __future__ import annotations

from typing import Any

from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.errors import BadPayload
from integrator.engine.xmltools import serialise

_TRIM = " \t\r\n\u00a0"


def as_value(value: Any) -> Any:
    """JSON text becomes its value, other text stays text."""
    if not isinstance(value, str):
        return value
    try:
        return decode_json(value)
    except BadPayload:
        return value


def text_of(value: Any) -> str | None:
    """Any property or expression value as text; None stays None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list) and any(hasattr(item, "tag") for item in value):
        return nodes_text(value)
    if hasattr(value, "tag"):
        return nodes_text([value])
    if isinstance(value, dict | list):
        return encode_json(value).decode()
    return str(value)


def nodes_text(nodes: list[Any]) -> str:
    """One element: its own text, or its XML when it has none; several: all of them joined."""
    if not nodes:
        return ""
    if len(nodes) == 1 and hasattr(nodes[0], "tag"):
        node = nodes[0]
        own = own_text(node).strip(_TRIM)
        if own or (not len(node) and not node.attrib):
            return own
        return serialise(node) if len(node) else ""
    return "".join(serialise(node) if hasattr(node, "tag") else str(node) for node in nodes)


def own_text(node: Any) -> str:
    """Text directly inside an element, between and around its children."""
    return (node.text or "") + "".join(child.tail or "" for child in node)


def java_double(value: float) -> str:
    """A number as Java prints a double: 2.0, 1.0E10, NaN."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, exponent = f"{value:e}".split("e")
    digits = repr(value)
    if "e" in digits:
        mantissa = digits.split("e")[0]
    else:
        plain = digits.lstrip("-").replace(".", "").lstrip("0").rstrip("0") or "0"
        mantissa = f"{'-' if value < 0 else ''}{plain[0]}.{plain[1:] or '0'}"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def json_text_of(value: Any) -> str:
    """Result of a JSONPath as text: strings bare, null as the word, containers as JSON."""
    if isinstance(value, str):
        return value
    return encode_json(value).decode()
