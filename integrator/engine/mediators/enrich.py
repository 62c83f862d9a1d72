"""enrich: copies or moves a part of the message to another part (reference 3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from integrator.engine.expressions import Expression, compile_path
from integrator.engine.expressions.json import JsonEval
from integrator.engine.mediators import enrich_json, enrich_xml
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import XmlError, child, children, clone, parse, serialise

SOURCES = ("custom", "envelope", "body", "property", "inline")
TARGETS = ("custom", "envelope", "body", "property", "key")
ACTIONS = ("replace", "child", "sibling", "remove")
_FRAGMENT = re.compile(r"\{((?:json-eval\([^{}]*\)|[$/]|get-property\(|//)[^{}]*)\}")
_REFUSED = {
    ("custom", "envelope"),
    ("envelope", "custom"),
    ("envelope", "envelope"),
    ("envelope", "body"),
    ("body", "envelope"),
    ("body", "body"),
    ("body", "key"),
}
_REPLACE_ONLY = ("envelope", "key")
_PART = re.compile(r"([^|]*[^|/])/(text\(\)|@([\w.-]+(?::[\w.-]+)?))")
"""A path that ends at the text or an attribute of elements."""
_PROPERTY = re.compile(r"""get-property\(\s*(?:(['"])(default|axis2|operation)\1\s*,\s*)?(['"])(.+?)\3\s*\)\Z""")
_PIECES = re.compile(r"""(?:\[[^\]]*\]|\([^()]*\)|[^,])+""")


@dataclass(frozen=True)
class Source:
    """Where the content comes from."""

    kind: str
    path: Expression | None
    name: str
    clone: bool
    inline: str
    key: str
    fragments: tuple[Expression, ...]
    removed: tuple[Expression, ...] = ()

    def inline_text(self, message: Message) -> str:
        """Inline content with its {expression} pieces filled in."""
        text = (message.deployment.entry_text(self.key) or "") if self.key else self.inline
        if not self.fragments:
            return text
        values = iter(self.fragments)

        def fill(found: re.Match[str]) -> str:
            value = next(values).string(message) or ""
            quoted = text[: found.start()].rstrip().endswith('"')
            bare = quoted or text.lstrip().startswith("<") or enrich_json.is_json(value)
            return value if bare else enrich_json.quoted(value)

        return _FRAGMENT.sub(fill, text)


@dataclass(frozen=True)
class Target:
    """Where the content goes; `scope` is set when a custom target is a property."""

    kind: str
    path: Expression | None
    name: str
    action: str
    scope: str = ""
    part: str = ""
    """What of the elements that the path selects is written: their text, or the attribute of this name."""


@register("enrich")
@dataclass(frozen=True, kw_only=True)
class Enrich(Mediator):
    """One source and one target."""

    origin: Source
    target: Target

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element; combinations that the matrix of reference 3.3 refuses are refused here."""
        reader.only(element, ("source", "target", "description"))
        source, target = child(element, "source"), child(element, "target")
        if source is None or target is None:
            raise reader.fail(element, "children <source> and <target> are required")
        aim = read_target(target, reader)
        origin = read_source(source, reader, aim.action == "remove")
        record = cls(**cls.common(element, reader), origin=origin, target=aim)
        pair = (record.origin.kind, record.target.kind)
        if pair in _REFUSED:
            raise reader.fail(element, f"source type {pair[0]!r} with target type {pair[1]!r} is not allowed")
        if record.target.action == "remove" and (pair[0] != "custom" or pair[1] not in ("body", "property")):
            raise reader.fail(target, "action='remove' needs source type custom and target type body or property")
        return record

    @property
    def reads_content(self) -> bool:
        """Unless it only copies between properties."""
        return not (
            self.origin.kind in ("property", "inline") and self.target.kind == "property" and not self.origin.fragments
        )

    def compile(self) -> Step:
        """A step that picks JSON or XML by what the message holds."""

        def step(message: Message) -> None:
            if self.json_mode(message):
                enrich_json.run(message, self.origin, self.target)
            else:
                enrich_xml.run(message, self.origin, self.target)
            if self.target.kind in ("body", "envelope"):
                message.axis2.pop("NO_ENTITY_BODY", None)

        return step

    def json_mode(self, message: Message) -> bool:
        """Native JSON: a JSON payload, no envelope, JSON paths, and no XML in the source."""
        if "envelope" in (self.origin.kind, self.target.kind):
            return False
        for path in (self.origin.path, self.target.path):
            if path is not None and not isinstance(path, JsonEval):
                return False
        if self.target.action == "remove" or self.target.kind == "key":
            return True
        if self.origin.kind == "inline" and (
            self.origin.inline.startswith("<") or (self.origin.key and not self.inline_is_json(message))
        ):
            return False
        if self.origin.kind == "property":
            value = message.properties.get(self.origin.name)
            if hasattr(value, "tag") or (isinstance(value, list) and value and hasattr(value[0], "tag")):
                return False
            if isinstance(value, str) and value.lstrip().startswith("<"):
                return False
        has_json_path = isinstance(self.origin.path, JsonEval) or isinstance(self.target.path, JsonEval)
        return message.payload.is_json or has_json_path or self.origin.kind in ("inline", "property")

    def inline_is_json(self, message: Message) -> bool:
        """Whether the keyed content is JSON."""
        return not (message.deployment.entry_text(self.origin.key) or "").lstrip().startswith("<")


def read_source(element: Element, reader: Reader, remove: bool) -> Source:
    """The source element; of one that is removed, each of its comma-separated JSONPaths is a path."""
    kind = reader.choice(element, "type", SOURCES, "custom")
    inner = children(element)
    inline = ""
    if kind == "inline" and not element.get("key"):
        inline = serialise(clone(inner[0])) if inner else "".join(element.itertext()).strip()
        if inline.startswith("<"):
            check_inline(inline, element, reader)
    pieces = tuple(compile_path(text, element, reader.place(element)) for text in _FRAGMENT.findall(inline))
    paths: tuple[Expression, ...] = ()
    if kind == "custom":
        paths = read_paths(element, reader) if remove else (reader.path(element, "xpath"),)
    return Source(
        kind,
        paths[0] if paths else None,
        reader.required(element, "property") if kind == "property" else "",
        reader.flag(element, "clone", True),
        inline,
        element.get("key") or "" if kind == "inline" else "",
        pieces,
        paths if remove else (),
    )


def read_paths(element: Element, reader: Reader) -> tuple[Expression, ...]:
    """The paths of a source that is removed: `json-eval($.a, $.b[0])` holds two."""
    text = reader.required(element, "xpath")
    if not (text.startswith("json-eval(") and text.endswith(")")):
        return (reader.path(element, "xpath"),)
    pieces = (piece.strip() for piece in _PIECES.findall(text[len("json-eval(") : -1]))
    return tuple(compile_path(f"json-eval({piece})", element, reader.place(element)) for piece in pieces if piece)


def check_inline(text: str, element: Element, reader: Reader) -> None:
    """Refuse inline XML that is not well-formed."""
    try:
        parse(text)
    except XmlError as error:
        raise reader.fail(element, f"inline content is not well-formed XML: {error}") from error


def read_target(element: Element, reader: Reader) -> Target:
    """The target element."""
    kind = reader.choice(element, "type", TARGETS, "custom")
    action = reader.choice(element, "action", ACTIONS, "replace")
    path = reader.path(element, "xpath") if kind in ("custom", "key") else None
    if kind in _REPLACE_ONLY and action in ("child", "sibling"):
        raise reader.fail(element, f"attribute action={action!r}: with type={kind!r} allowed is replace")
    if kind == "key" and not isinstance(path, JsonEval):
        raise reader.fail(
            element, f"attribute xpath={element.get('xpath')!r}: a key target needs a json-eval(...) path"
        )
    if kind == "custom" and action == "replace" and isinstance(path, JsonEval) and path.text.strip() == "$":
        where = f"attribute xpath={element.get('xpath')!r}"
        raise reader.fail(element, f"{where}: use type='body' to replace the whole payload")
    name, scope = reader.required(element, "property") if kind == "property" else "", ""
    found = _PROPERTY.match((element.get("xpath") or "").strip()) if kind == "custom" else None
    if found is not None:
        scope, name = found.group(2) or "default", found.group(4)
    inner = _PART.fullmatch((element.get("xpath") or "").strip()) if kind == "custom" and not scope else None
    if inner is None or isinstance(path, JsonEval):
        return Target(kind, path, name, action, scope)
    holder = compile_path(inner.group(1), element, reader.place(element))
    prefix, _, own = (inner.group(3) or "").rpartition(":")
    return Target(
        kind, holder, name, action, scope, f"{{{element.nsmap[prefix]}}}{own}" if prefix else own or enrich_xml.TEXT
    )
