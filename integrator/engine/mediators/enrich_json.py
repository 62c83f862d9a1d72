"""enrich on JSON payloads."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.errors import BadPayload, Fault
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.jsonpath import MISSING, JsonPath, select
from integrator.engine.expressions.values import as_value, text_of
from integrator.engine.message import Message

if TYPE_CHECKING:
    from integrator.engine.mediators.enrich import Source, Target

log = logging.getLogger("integrator.mediation")


def is_json(text: str) -> bool:
    """Whether the text is a JSON value by itself."""
    try:
        decode_json(text)
    except BadPayload:
        return False
    return True


def quoted(text: str) -> str:
    """The text as a JSON string."""
    return encode_json(text).decode()


def run(message: Message, source: Source, target: Target) -> None:
    """Apply source to target."""
    if target.action == "remove":
        _remove(message, source, target)
        return
    value = source_value(message, source)
    if value is MISSING:
        return
    if target.kind == "property":
        message.properties[target.name] = value if isinstance(value, str) else encode_json(value).decode()
    elif target.kind == "body":
        _to_body(message, value, target.action)
    elif target.kind == "key":
        _rename(message, path_of(target, message), text_of(value) or "")
    else:
        _to_custom(message, path_of(target, message), value, target.action)


def path_of(part: Source | Target, message: Message) -> JsonPath:
    """The compiled JSONPath of a source or target."""
    assert isinstance(part.path, JsonEval)
    return part.path.compiled(message)


def source_value(message: Message, source: Source) -> Any:
    """The value to write; MISSING when there is none."""
    if source.kind == "custom":
        assert isinstance(source.path, JsonEval)
        found = source.path.found(message)
        if not source.clone and found is not MISSING:
            delete(message, source.path.compiled(message))
        return found
    if source.kind == "body":
        return message.payload.json
    text = source.inline_text(message) if source.kind == "inline" else message.properties.get(source.name)
    if text is None:
        return MISSING
    return as_value(text)


def _to_body(message: Message, value: Any, action: str) -> None:
    if action == "replace":
        message.payload.set_json(value)
        message.set_type(message.payload.content_type)
        return
    root = message.payload.json
    message.payload.set_json(_merged(root, value))


def _merged(held: Any, value: Any) -> Any:
    if isinstance(held, list):
        held.append(value)
        return held
    if isinstance(held, dict) and isinstance(value, dict):
        held.update(value)
        return held
    return value if held is None else held


def _to_custom(message: Message, path: JsonPath, value: Any, action: str) -> None:
    root = message.payload.json
    if action == "sibling":
        log.error("enrich: sibling is not supported for JSON; ignored")
        return
    if action == "child":
        for container, key, held in list(path.locations(root)):
            merged = _merged(held, value)
            if container is None:
                root = merged
            else:
                container[key] = merged
    elif not path.segments:
        root = value
    else:
        _replace(path, root, value)
    message.payload.set_json(root)


def _replace(path: JsonPath, root: Any, value: Any) -> None:
    places = list(path.locations(root))
    for container, key, _ in places:
        container[key] = value
    if places:
        return
    parents, last = path.segments[:-1], path.segments[-1]
    for _, _, parent in select([(None, None, root)], parents, root):
        if last.kind == "key" and isinstance(parent, dict):
            parent[last.key] = value


def _rename(message: Message, path: JsonPath, name: str) -> None:
    root = message.payload.json
    for container, key, _ in list(path.locations(root)):
        if not isinstance(container, dict):
            raise Fault(0, f"enrich: {path.text!r} does not end at a key of an object")
        items = [(name if held == key else held, item) for held, item in container.items()]
        container.clear()
        container.update(items)
    message.payload.set_json(root)


def _remove(message: Message, source: Source, target: Target) -> None:
    paths = [path.compiled(message) for path in source.removed if isinstance(path, JsonEval)]
    if target.kind == "body":
        for path in paths:
            delete(message, path)
        return
    holder = as_value(message.properties.get(target.name))
    for path in paths:
        holder = without(holder, path)
    message.properties[target.name] = encode_json(holder).decode()


def delete(message: Message, path: JsonPath) -> None:
    """Remove what a path selects from the body."""
    message.payload.set_json(without(message.payload.json, path))


def without(root: Any, path: JsonPath) -> Any:
    """The value without what a path selects; `$` leaves an empty object."""
    if not path.segments:
        return {}
    for container, key, _ in reversed(list(path.locations(root))):
        if container is not None:
            del container[key]
    return root
