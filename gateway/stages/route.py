"""Finding the API of a path and the operation of a resource, at a cost that does not depend on the number of APIs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

odd = re.compile(rb"[%;\\]|//|/\.").search
"""Finds what needs a second look in a path before it is matched."""

_broken_escape = re.compile(rb"%(?![0-9A-Fa-f]{2})").search
_slashes = re.compile(rb"[/\\]+")

_hidden_slashes = re.compile(rb"(?:%2F|[/\\])+", re.IGNORECASE)

T = TypeVar("T")


class BadPath(Exception):
    """The path cannot be matched safely: dot segments, a NUL or broken escapes."""


def plain(path: bytes) -> bytes:
    """The path as it is matched: escapes of everything but `/` decoded, repeated slashes and `;` parameters removed.

    A backend may read a path in any of these ways, so a resource that needs a scope must be recognised in all of them. What
    goes to the backend stays verbatim. Raises BadPath for `.` and `..` segments in any disguise, a NUL and broken escapes.
    """
    if _broken_escape(path):
        raise BadPath
    segments = []
    for segment in path.split(b"/"):
        whole = unquote_to_bytes(segment)
        if b"\0" in whole:
            raise BadPath
        for piece in _slashes.split(whole):
            if piece.partition(b";")[0] in (b".", b".."):
                raise BadPath
        segments.append(unquote_to_bytes(segment.partition(b";")[0]))
    return _joined(segments)


def readings(path: bytes) -> set[bytes]:
    """What else backends may take a path for that has a plain spelling.

    Some keep `;` parameters, or drop them after they decoded escapes; some decode `%2F` before they split, or take `\\` for `/`.
    """
    whole = [unquote_to_bytes(segment) for segment in path.split(b"/")]
    found = {plain(path), _joined(whole), _joined([segment.partition(b";")[0] for segment in whole])}
    return found | {_hidden_slashes.sub(b"/", one) for one in found}


def _joined(segments: list[bytes]) -> bytes:
    """Decoded segments as one path, without empty ones but for a slash at the end."""
    escaped = [segment.replace(b"/", b"%2F") for segment in segments]
    return b"/" + b"/".join([*filter(None, escaped[1:-1]), escaped[-1]])


class Match(NamedTuple, Generic[T]):
    """A found API and where its context ends in the path."""

    api: T
    cut: int


class Contexts(Generic[T]):
    """Contexts of APIs → API. A longest context wins; every prefix of one is in the map so that a miss ends early."""

    def __init__(self, known: dict[bytes, T | None] | None = None) -> None:
        self.nodes: dict[bytes, T | None] = known if known is not None else {}

    def add(self, context: bytes, api: T) -> None:
        """Adds an API; an API already there is replaced."""
        position = context.find(b"/", 1)
        while position > 0:
            self.nodes.setdefault(context[:position], None)
            position = context.find(b"/", position + 1)
        self.nodes[context] = api

    def remove(self, context: bytes) -> None:
        """Takes an API out. Its prefixes stay: harmless, and others may need them."""
        if context in self.nodes:
            self.nodes[context] = None

    def find(self, path: bytes, _exchange: object = None) -> Match[T] | None:
        """The API whose context is the longest prefix of `path` in whole segments. Host tables look at the call too."""
        nodes = self.nodes
        found = None
        cut = 0
        position = path.find(b"/", 1)
        while True:
            prefix = path if position < 0 else path[:position]
            if prefix not in nodes:
                break
            node = nodes[prefix]
            if node is not None:
                found = node
                cut = len(prefix)
            if position < 0:
                break
            position = path.find(b"/", position + 1)
        if found is None:
            return None
        return _tuple(Match, (found, cut))  # three times quicker than Match(found, cut), and asked for on every call


_tuple = tuple.__new__

_parameter = re.compile(r"\{[^{}/]*\}")


_NO_LITERALS: dict[bytes, Any] = {}
"""Stands for the literals of a node without any, as most are; never filled."""


class _Node(Generic[T]):
    """One segment of the resource templates of a verb."""

    __slots__ = ("any", "end", "leaf", "literals", "patterns", "rest")

    def __init__(self) -> None:
        self.literals: dict[bytes, _Node[T]] = _NO_LITERALS
        self.patterns: tuple[tuple[re.Pattern[bytes], _Node[T]], ...] = ()
        self.any: _Node[T] | None = None
        self.rest: T | None = None
        self.end: T | None = None
        self.leaf = True
        """Nothing below it but what `rest` takes."""

    def find(self, segments: list[bytes], index: int) -> T | None:
        """The value for the rest of the segments: literal first, then pattern, then parameter, wildcard last."""
        if index == len(segments):
            return self.end if self.end is not None else self.rest
        segment = segments[index]
        literal = self.literals.get(segment)
        found = literal.find(segments, index + 1) if literal is not None else None
        if found is None:
            for pattern, node in self.patterns:
                if pattern.fullmatch(segment) and (found := node.find(segments, index + 1)) is not None:
                    return found
        if found is None and self.any is not None and segment:
            found = self.any.find(segments, index + 1)
        return found if found is not None else self.rest


class Resources(Generic[T]):
    """The operations of one API: verb and resource path → operation."""

    def __init__(self, operations: Iterable[tuple[str, str, T]]) -> None:
        self._exact: dict[bytes, dict[bytes, T]] = {}
        self._roots: dict[bytes, _Node[T]] = {}
        for verb, template, value in operations:
            self._add(verb.upper().encode(), template, value)

    def find(self, verb: bytes, path: bytes) -> T | None:
        """The operation for a resource path, None when there is none for this verb. A slash at the end changes nothing."""
        exact = self._exact.get(verb)
        if exact is None:
            return None
        if path[-1:] == b"/":
            path = path.rstrip(b"/")
        found = exact.get(path)
        if found is not None:
            return found
        root = self._roots[verb]
        return root.rest if root.leaf else root.find(path.split(b"/")[1:], 0)

    def verbs(self, path: bytes) -> list[bytes]:
        """The verbs that have an operation for a resource path."""
        return [verb for verb in self._exact if self.find(verb, path) is not None]

    def _add(self, verb: bytes, template: str, value: T) -> None:
        exact = self._exact.setdefault(verb, {})
        root = self._roots.setdefault(verb, _Node())
        template = f"/{template.strip('/')}".rstrip("/")
        if "{" not in template and "*" not in template:
            exact[plain(template.encode()) if template else b""] = value
            return
        node = root
        segments = template.split("/")[1:]
        for place, segment in enumerate(segments):
            if segment == "*" and place == len(segments) - 1:
                node.rest = value
                return
            node = _descend(node, segment)
        node.end = value


def _descend(node: _Node[T], segment: str) -> _Node[T]:
    node.leaf = False
    if _parameter.fullmatch(segment) or segment == "*":
        if node.any is None:
            node.any = _Node()
        return node.any
    if "{" not in segment and "*" not in segment:
        if node.literals is _NO_LITERALS:
            node.literals = {}
        return node.literals.setdefault(plain(b"/" + segment.encode())[1:], _Node())
    pieces = [re.escape(piece) for piece in re.split(r"\{[^{}]*\}|\*", segment)]
    pattern = re.compile("[^/]+".join(pieces).encode())
    for known, child in node.patterns:
        if known.pattern == pattern.pattern:
            return child
    child = _Node[T]()
    node.patterns += ((pattern, child),)
    return child
