"""Text to document: JSON or YAML with bounds on size, depth and aliases, and the line of every place.

YAML is read by the rules of YAML 1.2's core schema, as OpenAPI asks: dates and `yes` stay text, keys are text.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml

from publisher.checks.basics import storable

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 60
MAX_NODES = 200_000
Path = tuple[str | int, ...]
_STEEP = re.compile(rf"^ *(?:[-?][ \t]+){{{MAX_DEPTH + 1},}}", re.MULTILINE)
"""More block levels on one line than a document may have: the scanner would need the square of their number."""
_TAG = "tag:yaml.org,2002:"


class Unreadable(Exception):
    """The text is no document: `line` counts from 1, 0 when unknown."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class _Loader(yaml.CSafeLoader):
    """The safe loader, with the scalars of YAML 1.2 only."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _name, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]{1,300}$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$", list("-+.0123456789")),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)


class Source:
    """One definition: its text, the document in it, and where in the text each part stands."""

    def __init__(self, text: str, *, decimals_as_text: bool = False) -> None:
        """Read `text`; with `decimals_as_text` a version 1.10 stays what was written.

        Raises Unreadable when it is too large, too deep, or neither JSON nor YAML.
        """
        self._decimals_as_text = decimals_as_text
        self.text = text.removeprefix("\ufeff")
        if len(self.text.encode("utf-8", "replace")) > MAX_BYTES:
            raise Unreadable(f"The definition is larger than {MAX_BYTES // 1024 // 1024} MB.")
        self.is_json = self.text.lstrip()[:1] in ("{", "[")
        self._root: yaml.Node | None = None
        self._composed = False
        self.document: Any = self._json() if self.is_json else self._yaml()

    def line(self, path: Path) -> int:
        """Line (from 1) of the part at `path`, or of its nearest parent that is there; 0 when unknown."""
        node = self._compose()
        line = node.start_mark.line + 1 if node else 0
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line + 1
        return line

    def _json(self) -> Any:
        try:
            decimals = str if self._decimals_as_text else None
            document = json.loads(self.text, parse_constant=_no_constant, parse_float=decimals)
        except json.JSONDecodeError as error:
            # A YAML flow mapping begins like JSON, too.
            if not self._looks_like_json(error):
                self.is_json = False
                return self._yaml()
            raise Unreadable(f"Not valid JSON: {error.msg} (column {error.colno}).", error.lineno) from error
        except ValueError as error:
            raise Unreadable(f"Not valid JSON: {error}.") from error
        except RecursionError as error:
            raise Unreadable(f"Nested deeper than {MAX_DEPTH} levels.") from error
        _bound(document)
        return document

    def _looks_like_json(self, error: json.JSONDecodeError) -> bool:
        return '"' in self.text[:200] or error.pos > 200

    def _yaml(self) -> Any:
        if steep := _STEEP.search(self.text):
            raise Unreadable(f"Nested deeper than {MAX_DEPTH} levels.", self.text.count("\n", 0, steep.start()) + 1)
        try:
            _survey(self.text)
            self._root, self._composed = yaml.compose(self.text, Loader=_Loader), True
        except yaml.MarkedYAMLError as error:
            raise Unreadable(_yaml_message(error), error.problem_mark.line + 1 if error.problem_mark else 0) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise Unreadable(f"Not valid YAML: {error}.") from error
        return _Builder(self._decimals_as_text).build(self._root, 0) if self._root else None

    def _compose(self) -> yaml.Node | None:
        """The nodes of a JSON text, for their lines; without, when PyYAML cannot read it, messages lack lines."""
        if not self._composed:
            self._composed = True
            try:
                self._root = yaml.compose(self.text.replace("\t", " "), Loader=_Loader)
            except (yaml.YAMLError, ValueError, RecursionError):
                self._root = None
        return self._root


class _Builder:
    """Builds plain values from nodes, counting them, so that aliases cannot blow the document up."""

    def __init__(self, decimals_as_text: bool = False) -> None:
        self.count = 0
        self._decimals_as_text = decimals_as_text

    def build(self, node: yaml.Node, depth: int) -> Any:
        self.count += 1
        line = node.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"Nested deeper than {MAX_DEPTH} levels.", line)
        if self.count > MAX_NODES:
            raise Unreadable(f"More than {MAX_NODES} values (aliases counted each time).", line)
        if isinstance(node, yaml.MappingNode):
            return {_key(key): self.build(value, depth + 1) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        if self._decimals_as_text and node.tag == _TAG + "float":
            return _checked(node.value, node)
        return _scalar(node)


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise Unreadable("A key must be a single word, not a list or a mapping.", node.start_mark.line + 1)
    return _checked(node.value, node)


def _scalar(node: yaml.ScalarNode) -> Any:
    kind = node.tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() == "true"
    if kind in ("int", "float"):
        return _number(node, kind)
    return _checked(node.value, node)


def _number(node: yaml.ScalarNode, kind: str) -> int | float:
    try:
        value = int(node.value) if kind == "int" else float(node.value)
    except ValueError as error:
        raise Unreadable(f"{node.value[:40]!r} is not a number.", node.start_mark.line + 1) from error
    if not math.isfinite(value):
        raise Unreadable(f"{node.value[:40]!r} is not a number JSON knows.", node.start_mark.line + 1)
    return value


def _checked(text: str, node: yaml.Node) -> str:
    if not storable(text):
        raise Unreadable("A text holds a NUL or half a surrogate pair.", node.start_mark.line + 1)
    return text


def _bound(value: Any) -> None:
    count, waiting = 0, [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise Unreadable(f"Nested deeper than {MAX_DEPTH} levels or more than {MAX_NODES} values.")
        if isinstance(item, str) and not storable(item):
            raise Unreadable("A text holds a NUL or half a surrogate pair.")
        if isinstance(item, float) and not math.isfinite(item):
            raise Unreadable("A number is too large.")
        if isinstance(item, dict):
            waiting.extend((name, depth + 1) for name in item)
            waiting.extend((part, depth + 1) for part in item.values())
        elif isinstance(item, list):
            waiting.extend((part, depth + 1) for part in item)


def _survey(text: str) -> None:
    """Raise Unreadable if the YAML `text` is too deep or too long, before PyYAML's recursive composer sees it.

    That one is compiled and overflows the C stack, which would end the whole process.
    """
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > 3 * MAX_NODES:
            what = f"Nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"More than {MAX_NODES} values"
            raise Unreadable(f"{what}.", event.start_mark.line + 1)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def _yaml_message(error: yaml.MarkedYAMLError) -> str:
    column = f" (column {error.problem_mark.column + 1})" if error.problem_mark else ""
    return f"Not valid YAML: {error.problem or error.context or 'it cannot be read'}{column}."
