"""JSONPath in the jayway dialect: compiled once, evaluated on Python values (reference 2.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from integrator.engine.expressions.jsonpath_parser import JsonPathError, Segment, parse

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__bool__": lambda self: False})()

__all__ = ["MISSING", "JsonPath", "JsonPathError"]


class JsonPath:
    """One compiled path. `definite` paths give one value, the others a list."""

    __slots__ = ("_keys", "definite", "function", "segments", "text")

    def __init__(self, text: str):
        """Raises JsonPathError with the position of the mistake."""
        self.text = text
        self.segments, self.function = parse(text)
        self.definite = all(segment.definite for segment in self.segments)
        plain = [segment.key for segment in self.segments if segment.kind == "key" and not segment.deep]
        self._keys = plain if len(plain) == len(self.segments) else None

    def value(self, root: Any) -> Any:
        """Result on a value: MISSING when a definite path leads nowhere, a list for an indefinite one."""
        if self._keys is not None:
            found = _walk_keys(root, self._keys)
        elif self.definite:
            found = next(self.matches(root), MISSING)
        else:
            found = list(self.matches(root))
        return apply_function(self.function, found)

    def matches(self, root: Any) -> Iterator[Any]:
        """All matching values in document order."""
        return (value for _, _, value in self.locations(root))

    def locations(self, root: Any) -> Iterator[tuple[Any, Any, Any]]:
        """(container, key, value) of each match; container is None for the root itself."""
        nodes: Iterator[tuple[Any, Any, Any]] = iter([(None, None, root)])
        for segment in self.segments:
            nodes = _step(nodes, segment, root)
        return nodes


def apply_function(name: str | None, value: Any) -> Any:
    """A value, or what the function at a path's end makes of it."""
    return _FUNCTIONS[name](value) if name else value


def _walk_keys(value: Any, keys: list[Any]) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def select(nodes: list[tuple[Any, Any, Any]], segments: list[Segment], root: Any) -> list[tuple[Any, Any, Any]]:
    """Apply segments to given nodes; used by writers that need the parents of a path."""
    return list(walk(nodes, segments, root))


def walk(nodes: list[tuple[Any, Any, Any]], segments: list[Segment], root: Any) -> Iterator[tuple[Any, Any, Any]]:
    """`select`, one match after the other."""
    stream: Iterator[tuple[Any, Any, Any]] = iter(nodes)
    for segment in segments:
        stream = _step(stream, segment, root)
    return stream


def _step(nodes: Iterator[tuple[Any, Any, Any]], segment: Segment, root: Any) -> Iterator[tuple[Any, Any, Any]]:
    handler = _STEPS[segment.kind]
    for _, _, value in nodes:
        if segment.deep:
            for inner in _descend(value):
                yield from handler(inner, segment, root)
        else:
            yield from handler(value, segment, root)


def _descend(value: Any) -> Iterator[Any]:
    yield value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from _descend(item)


def _key(value: Any, segment: Segment, root: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(value, dict) and segment.key in value:
        yield value, segment.key, value[segment.key]


def _index(value: Any, segment: Segment, root: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(value, list) and -len(value) <= segment.key < len(value):
        yield value, segment.key, value[segment.key]


def _wildcard(value: Any, segment: Segment, root: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(value, dict):
        yield from ((value, key, item) for key, item in value.items())
    elif isinstance(value, list):
        yield from ((value, index, item) for index, item in enumerate(value))


def _slice(value: Any, segment: Segment, root: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(value, list):
        for index in range(len(value))[segment.key]:
            yield value, index, value[index]


def _union(value: Any, segment: Segment, root: Any) -> Iterator[tuple[Any, Any, Any]]:
    for key in segment.key:
        handler = _index if isinstance(key, int) else _key
        yield from handler(value, Segment("key", key), root)


def _filter(value: Any, segment: Segment, root: Any) -> Iterator[tuple[Any, Any, Any]]:
    candidates = [value] if isinstance(value, dict) and not segment.deep else []
    if isinstance(value, list):
        for index, item in enumerate(value):
            if segment.test(item, root):
                yield value, index, item
    for item in candidates:
        if segment.test(item, root):
            yield None, None, item


_STEPS: dict[str, Callable[[Any, Segment, Any], Iterator[tuple[Any, Any, Any]]]] = {
    "key": _key,
    "index": _index,
    "wildcard": _wildcard,
    "slice": _slice,
    "union": _union,
    "filter": _filter,
}


def _numbers(value: Any) -> list[float]:
    return (
        [item for item in value if isinstance(item, int | float) and not isinstance(item, bool)]
        if isinstance(value, list)
        else []
    )


def _length(value: Any) -> Any:
    return len(value) if isinstance(value, list | dict | str) else MISSING


def _aggregate(function: Callable[[list[float]], Any]) -> Callable[[Any], Any]:
    return lambda value: function(numbers) if (numbers := _numbers(value)) else MISSING


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "length": _length,
    "size": _length,
    "min": _aggregate(min),
    "max": _aggregate(max),
    "sum": _aggregate(sum),
    "avg": _aggregate(lambda numbers: sum(numbers) / len(numbers)),
    "keys": lambda value: list(value) if isinstance(value, dict) else MISSING,
    "concat": lambda value: "".join(str(item) for item in value) if isinstance(value, list) else MISSING,
    "first": lambda value: value[0] if isinstance(value, list) and value else MISSING,
    "last": lambda value: value[-1] if isinstance(value, list) and value else MISSING,
}
