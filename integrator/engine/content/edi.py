"""EDI text to XML by a mapping model: segments, fields, components and sub-components get the names of the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from integrator.engine.content.jsonxml import xml_text
from integrator.engine.errors import BadPayload
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, child, children, local

NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
UNBOUNDED = 1_000_000
MAX_DEPTH = 20


@dataclass(frozen=True)
class Part:
    """A field or component; `parts` are its components or sub-components."""

    tag: str
    required: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Segment:
    """One kind of line and how often it may come; `inner` are the segments that belong to it."""

    code: str
    tag: str
    least: int
    most: int
    truncatable: bool
    fields: tuple[Part, ...]
    inner: tuple[Segment, ...]


@dataclass(frozen=True)
class Delimiters:
    """What ends a segment and separates fields, components and sub-components."""

    segment: str
    levels: tuple[str, ...]
    escape: str

    def split(self, text: str, level: int) -> list[str]:
        """The pieces of a segment, field or component; an escaped delimiter stays in its piece."""
        mark = self.levels[level]
        if not mark:
            return [text]
        if not self.escape or self.escape not in text:
            return text.split(mark)
        pattern = f"(?<!{re.escape(self.escape)}){re.escape(mark)}"
        return re.split(pattern, text)

    def plain(self, text: str) -> str:
        """A value without its escape marks."""
        return text.replace(self.escape, "") if self.escape else text


class Lines:
    """The segments of a message and how far they are read."""

    def __init__(self, found: list[list[str]]):
        self.found = found
        self.index = 0

    @property
    def code(self) -> str | None:
        """Code of the next segment, None at the end."""
        return self.found[self.index][0] if self.index < len(self.found) else None

    def take(self) -> list[str]:
        """The next segment."""
        self.index += 1
        return self.found[self.index - 1]


@dataclass(frozen=True)
class Edi:
    """A mapping model."""

    tag: str
    delimiters: Delimiters
    segments: tuple[Segment, ...]
    lenient: bool

    def read(self, text: str) -> Element:
        """The text as XML. Raises BadPayload naming the segment."""
        marks = self.delimiters
        pieces = [piece.strip("\r\n") for piece in text.split(marks.segment)]
        lines = Lines([marks.split(piece, 0) for piece in pieces if piece.strip()])
        root = etree.Element(self.tag)
        self._segments(root, self.segments, lines)
        if lines.code is not None:
            raise BadPayload(f"EDI segment {lines.index + 1}: {lines.code!r} is not expected here")
        return root

    def _segments(self, holder: Element, expected: Sequence[Segment], lines: Lines) -> None:
        codes = {segment.code for segment in expected}
        for segment in expected:
            count = 0
            while lines.code is not None and count < segment.most:
                if lines.code != segment.code:
                    if self.lenient and holder.getparent() is None and lines.code not in codes:
                        lines.take()
                        continue
                    break
                count += 1
                self._segment(holder, segment, lines)
            if count < segment.least:
                found = f", not {lines.code!r}" if lines.code is not None else ""
                raise BadPayload(f"EDI segment {lines.index + 1}: {segment.code!r} is expected{found}")

    def _segment(self, holder: Element, segment: Segment, lines: Lines) -> None:
        values = lines.take()[1:]
        made = etree.SubElement(holder, segment.tag)
        if len(values) > len(segment.fields) or (len(values) < len(segment.fields) and not segment.truncatable):
            count = len(segment.fields)
            raise BadPayload(
                f"EDI segment {lines.index}: {segment.code!r} has {len(values)} fields, {count} are expected"
            )
        for part, value in zip(segment.fields, values, strict=False):
            self._part(made, part, value, 1, f"EDI segment {lines.index}: field {part.tag!r}")
        self._segments(made, segment.inner, lines)

    def _part(self, holder: Element, part: Part, value: str, level: int, where: str) -> None:
        if part.required and not value:
            raise BadPayload(f"{where} is required")
        made = etree.SubElement(holder, part.tag)
        if not part.parts:
            made.text = xml_text(self.delimiters.plain(value)) or None
            return
        pieces = self.delimiters.split(value, level)
        if len(pieces) > len(part.parts):
            raise BadPayload(f"{where} has {len(pieces)} components, at most {len(part.parts)} are expected")
        for inner, piece in zip(part.parts, pieces, strict=False):
            self._part(made, inner, piece, level + 1, where)


def read_model(root: Element, reader: Reader) -> Edi:
    """A mapping model (edimap). Raises DeploymentError."""
    if local(root) != "edimap":
        raise reader.fail(root, "root element edimap is expected")
    marks, segments = child(root, "delimiters"), child(root, "segments")
    if marks is None or segments is None:
        raise reader.fail(root, "children <delimiters> and <segments> are required")
    levels = tuple(marks.get(name) or "" for name in ("field", "component", "sub-component"))
    segment = (marks.get("segment") or "").replace("!$", "") or "\n"
    if not levels[0]:
        raise reader.fail(marks, "attribute 'field' is required")
    return Edi(
        tag=_tag(segments, reader),
        delimiters=Delimiters(segment, levels, marks.get("escape") or ""),
        segments=tuple(_segment(item, reader, 1) for item in children(segments) if local(item) == "segment"),
        lenient=reader.flag(segments, "ignoreUnmappedSegments"),
    )


def _tag(element: Element, reader: Reader) -> str:
    tag = reader.required(element, "xmltag")
    if not NAME.match(tag):
        raise reader.fail(element, f"attribute xmltag={tag!r}: the name of an element is expected")
    return tag


def _segment(element: Element, reader: Reader, depth: int) -> Segment:
    if depth > MAX_DEPTH:
        raise reader.fail(element, f"segments are nested more than {MAX_DEPTH} deep")
    if element.get("segref"):
        raise reader.fail(element, "attribute segref: imported segments are not read; write them here")
    most = reader.integer(element, element.get("maxOccurs"), "attribute maxOccurs", 1)
    return Segment(
        code=reader.required(element, "segcode"),
        tag=_tag(element, reader),
        least=max(0, reader.integer(element, element.get("minOccurs"), "attribute minOccurs", 1)),
        most=UNBOUNDED if most < 0 else most,
        truncatable=reader.flag(element, "truncatable", True),
        fields=_parts(element, reader, "field"),
        inner=tuple(_segment(item, reader, depth + 1) for item in children(element) if local(item) == "segment"),
    )


_INNER = {"field": "component", "component": "sub-component", "sub-component": ""}


def _parts(element: Element, reader: Reader, name: str) -> tuple[Part, ...]:
    return tuple(
        Part(
            _tag(item, reader),
            reader.flag(item, "required"),
            _parts(item, reader, _INNER[name]) if _INNER[name] else (),
        )
        for item in children(element)
        if local(item) == name
    )
