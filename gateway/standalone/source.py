"""YAML and JSON files whose values know their lines, and the list of mistakes found in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is read."""

MOST_VALUES = 1_000_000
"""Values of a file, aliases counted as often as they stand there."""

Place = tuple[str | int, ...]
T = TypeVar("T")

_variable = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_step = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_quoted = re.compile(r"`([^`]*)`")


@dataclass(frozen=True)
class Mistake:
    """Something wrong in a file. `field` is its path there, empty for the file as a whole."""

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


@dataclass
class Mistakes:
    """Everything found wrong so far, and every file that was looked at."""

    found: list[Mistake] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)

    def read(self, path: Path) -> str | None:
        """The text of a file; None, with a mistake noted, when it cannot be read."""
        self.files.add(path)
        try:
            if path.stat().st_size > LARGEST:
                self.found.append(Mistake(path, 0, "", f"is longer than {LARGEST} bytes"))
                return None
            return path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
            self.found.append(Mistake(path, 0, "", f"cannot be read: {reason}"))
            return None

    def source(self, path: Path, once: bool = True) -> Source | None:
        """The file as a Source; None, with a mistake noted, when it is not YAML or JSON. `once`: a name that stands twice in an
        object is a mistake (definitions are others' work and taken as they are)."""
        text = self.read(path)
        if text is None:
            return None
        try:
            source = Source(path, text, self)
            if once:
                source.note_twins()
            return source
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or str(error)
            self.found.append(Mistake(path, mark.line + 1 if mark else 0, "", f"is not valid YAML: {reason}"))
        except RecursionError:
            self.found.append(Mistake(path, 0, "", "is nested too deeply"))
        return None


class _Loader(yaml.SafeLoader):
    """Plain data only; numbers and dates stay the text they were written as, so that `1.0` is a version."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """A value; one that does not fit the tag before it, as in `!!int x`, is a mistake in the file like any other."""
        try:
            return super().construct_object(node, deep)  # type: ignore[no-untyped-call]
        except (ValueError, KeyError, AttributeError) as error:
            kind = str(node.tag).rpartition(":")[2]
            problem = f"{str(node.value)[:100]!r} is not of the kind {kind!r}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] not in ("timestamp", "float", "int")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Source:
    """One file: its plain `data`, and where in the text each value stands. `${NAME}` in a value is the variable of that name."""

    def __init__(self, path: Path, text: str, mistakes: Mistakes) -> None:
        self.path = path
        self.mistakes = mistakes
        loader = _Loader(text)
        try:
            self._root = loader.get_single_node()
            if _values(self._root, {}) > MOST_VALUES:
                raise yaml.YAMLError(f"its aliases stand for more than {MOST_VALUES} values")
            data = loader.construct_document(self._root) if self._root is not None else None  # type: ignore[no-untyped-call]
        finally:
            loader.dispose()  # type: ignore[no-untyped-call]
        self.data = self._filled(data, ())

    def line(self, place: Place) -> int:
        """The line of a value; of the nearest thing around it when it is not there. From 1."""
        node, line = self._root, 1
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return line

    def wrong(self, place: Place, message: str) -> None:
        """Notes a mistake."""
        self.mistakes.found.append(Mistake(self.path, self.line(place), shown(place), message))

    def convert(self, value: Any, kind: type[T], place: Place) -> T | None:
        """`value` as `kind`; None, with a mistake noted that says what is allowed, when it does not fit."""
        try:
            return msgspec.convert(value, kind, strict=False)
        except msgspec.ValidationError as error:
            message, _, at = str(error).partition(" - at `$")
            inside = tuple(name or int(index) for name, index in _step.findall(at.rstrip("`")))
            unknown = _quoted.search(message) if "unknown field" in message else None
            self.wrong((*place, *inside, *([unknown[1]] if unknown else ())), _explained(message, kind, inside))
            return None

    def note_twins(self) -> None:
        """Notes names that stand twice in an object: the second would hide the first."""
        self._note_twins(self._root, (), set())

    def _note_twins(self, node: Any, place: Place, seen: set[int]) -> None:
        if id(node) in seen or not isinstance(node, yaml.MappingNode | yaml.SequenceNode):
            return
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._note_twins(item, (*place, number), seen)
            return
        names: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in names and name != "<<":
                self.mistakes.found.append(
                    Mistake(self.path, key.start_mark.line + 1, shown((*place, name)), "stands there twice")
                )
            names.add(name)
            self._note_twins(value, (*place, name), seen)

    def _filled(self, value: Any, place: Place) -> Any:
        if isinstance(value, str) and "${" in value:
            for name in _variable.findall(value):
                if name not in os.environ:
                    self.wrong(place, f"the environment has no variable {name}")
            return _variable.sub(lambda match: os.environ.get(match[1], ""), value)
        if isinstance(value, dict):
            return {str(name): self._filled(item, (*place, str(name))) for name, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, (*place, number)) for number, item in enumerate(value)]
        return value


def shown(place: Place) -> str:
    """`apis[0].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def _values(node: Any, known: dict[int, int]) -> int:
    """How many values a node stands for, with each alias written out."""
    size = known.get(id(node))
    if size is None:
        below: list[Any] = []
        if isinstance(node, yaml.MappingNode):
            below = [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            below = node.value
        size = known[id(node)] = 1 + sum(_values(one, known) for one in below)
    return size


def _child(node: Any, step: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def _explained(message: str, kind: Any, inside: Place) -> str:
    allowed = _allowed(msgspec.inspect.type_info(kind), inside, "unknown field" in message)
    return f"{message}; allowed: {', '.join(allowed)}" if allowed else message


def _allowed(info: Any, inside: Place, fields: bool) -> list[str]:
    """The values of a literal, or the fields of an object, at a place of a type."""
    kinds = [info]
    for step in inside:
        kinds = [inner for one in kinds for inner in _inner(one, step)]
    flat = [one for kind in kinds for one in getattr(kind, "types", (kind,))]
    if fields:
        return [known.encode_name for one in flat for known in getattr(one, "fields", ())]
    return [str(value) for one in flat for value in getattr(one, "values", ())]


def _inner(info: Any, step: str | int) -> list[Any]:
    found = []
    for one in getattr(info, "types", (info,)):
        if isinstance(step, int):
            found += [one.item_type] if hasattr(one, "item_type") else []
        else:
            found += [known.type for known in getattr(one, "fields", ()) if known.encode_name == step]
    return found
