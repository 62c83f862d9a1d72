"""What FreeMarker templates (a subset) may do with values: members of hashes, sequences and XML nodes, and built-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from integrator.engine.content import jsonxml
from integrator.engine.content.payload import encode_json
from integrator.engine.xmltools import Element, children, local

MISSING: Any = object()
Text = str
LONGEST = 4 * 1024 * 1024
"""Characters of a text, or items of a sequence, that a template makes."""


class TemplateError(ValueError):
    """A template is wrong, or cannot be rendered for these values."""


class Nodes(list[Any]):
    """XML elements that a path selected; a document is the nodes above its root."""


def document(root: Element | None) -> Any:
    """XML as a template sees it: `payload.root.child`."""
    return MISSING if root is None else {local(root): Nodes([root])}


def member(held: Any, key: Any) -> Any:
    """A member of a hash, a sequence or nodes; MISSING when there is none. Nothing else has members. Raises TemplateError."""
    if held is MISSING or held is None:
        return MISSING
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise TemplateError(f"{shown(key)[:40]!r} is no name and no index")
    if isinstance(key, int):
        if not isinstance(held, list):
            return MISSING
        if not 0 <= key < len(held):
            return MISSING
        return Nodes([held[key]]) if isinstance(held, Nodes) else held[key]
    if isinstance(held, dict):
        return held.get(key, MISSING)
    if isinstance(held, Nodes):
        return _below(held, key)
    raise TemplateError(f"{key!r}: what stands before it is no hash")


def _below(nodes: Nodes, name: str) -> Any:
    if name.startswith("@"):
        found = next((node.get(name[1:]) for node in nodes if node.get(name[1:]) is not None), None)
        return MISSING if found is None else found
    below = Nodes([item for node in nodes for item in children(node) if local(item) == name])
    return below if below else MISSING


def shown(value: Any) -> str:
    """A value as the template writes it. Raises TemplateError."""
    if isinstance(value, str):
        return value
    if isinstance(value, Nodes):
        if len(value) != 1:
            raise TemplateError(f"{len(value)} nodes are no text; list them")
        return "".join(value[0].itertext())
    if hasattr(value, "itertext"):
        return "".join(value.itertext())
    if isinstance(value, bool | int | float):
        return str(jsonxml.scalar_text(value))
    if value is MISSING or value is None:
        raise TemplateError("a value is missing; write name!default, or test it with name??")
    if isinstance(value, dict | list):
        return encode_json(value).decode()
    raise TemplateError("this value is no text")


def one_by_one(held: list[Any]) -> list[Any]:
    """The items of a sequence; of nodes, each by itself."""
    return [Nodes([item]) for item in held] if isinstance(held, Nodes) else held


def truth(value: Any) -> bool:
    """A boolean. Raises TemplateError for anything else."""
    if isinstance(value, bool):
        return value
    raise TemplateError("a condition must be true or false; compare the value, or test it with name??")


def _number(value: Any) -> Any:
    found = jsonxml.primitive(shown(value).strip())
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TemplateError(f"{shown(value)[:40]!r} is no number")
    return found


def _size(value: Any) -> int:
    if isinstance(value, dict | list):
        return len(value)
    raise TemplateError("?size needs a sequence or a hash")


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise TemplateError("a sequence is expected")


def _hash(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise TemplateError("a hash is expected")


def bounded(size: int) -> None:
    """Refuse to make a text or sequence of that size. Raises TemplateError."""
    if size > LONGEST:
        raise TemplateError("a text is too long")


def _replace(value: Any, old: Any, new: Any) -> str:
    text, before, after = shown(value), shown(old), shown(new)
    bounded(len(text) + text.count(before) * len(after))
    return text.replace(before, after)


def _join(value: Any, by: Any) -> str:
    texts, between = [shown(item) for item in _items(value)], shown(by)
    bounded(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


BUILTINS: dict[str, Callable[..., Any]] = {
    "upper_case": lambda value: shown(value).upper(),
    "lower_case": lambda value: shown(value).lower(),
    "cap_first": lambda value: shown(value)[:1].upper() + shown(value)[1:],
    "trim": lambda value: shown(value).strip(),
    "length": lambda value: len(shown(value)),
    "contains": lambda value, part: shown(part) in shown(value),
    "starts_with": lambda value, part: shown(value).startswith(shown(part)),
    "ends_with": lambda value, part: shown(value).endswith(shown(part)),
    "replace": _replace,
    "split": lambda value, by: list(shown(value).split(shown(by) or ",")),
    "xml": lambda value: escape(shown(value), {'"': "&quot;", "'": "&apos;"}),
    "html": lambda value: escape(shown(value), {'"': "&quot;", "'": "&#39;"}),
    "json_string": lambda value: encode_json(shown(value)).decode()[1:-1],
    "string": lambda value, yes="true", no="false": (yes if value else no) if isinstance(value, bool) else shown(value),
    "c": shown,
    "number": _number,
    "boolean": lambda value: shown(value).strip().lower() == "true",
    "has_content": lambda value: bool(value) if isinstance(value, str | list | dict) else True,
    "size": _size,
    "first": lambda value: member(_items(value), 0),
    "last": lambda value: member(_items(value), len(_items(value)) - 1),
    "reverse": lambda value: _items(value)[::-1],
    "join": _join,
    "keys": lambda value: list(_hash(value)),
    "values": lambda value: list(_hash(value).values()),
    "round": lambda value: round(_number(value)),
    "floor": lambda value: int(_number(value) // 1),
    "ceiling": lambda value: int(-(-_number(value) // 1)),
}
