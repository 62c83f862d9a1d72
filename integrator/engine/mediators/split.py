"""Taking a message apart: the pieces that iterate and foreach work on, in XML and in JSON."""

from __future__ import annotations

from typing import Any

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.message import Message


def json_items(expression: JsonEval, message: Message) -> list[Any] | None:
    """The array a path selects; None when it leads nowhere. Raises Fault when it is no array."""
    found = expression.found(message)
    if found is MISSING or found is None:
        return None
    if not isinstance(found, list):
        raise Fault(0, f"JSON path {expression.text!r} must select an array, it selects {type(found).__name__}")
    return found


def xml_items(expression: Expression, message: Message) -> list[Any]:
    """The elements a path selects."""
    return [node for node in expression.nodes(message) if hasattr(node, "tag")]


def put_json(message: Message, path: Any, value: Any) -> None:
    """Replace what a JSONPath selects in the body; the path `$` replaces the whole body."""
    payload = message.payload
    root = payload.json
    places = list(path.locations(root))
    if not path.segments:
        payload.set_json(value)
        return
    for container, key, _ in places:
        container[key] = value
    payload.set_json(root)
