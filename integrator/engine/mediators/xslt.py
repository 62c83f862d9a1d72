"""xslt and fastXSLT: transform the payload with a stylesheet, 1.0 by lxml and later ones by Saxon (reference 3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter, thread_time
from typing import Any, Self

from lxml import etree

from integrator.engine import saxon
from integrator.engine.content import media
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.keys import entry_of
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.log import log_properties
from integrator.engine.message import Message
from integrator.engine.resources import Known, read_resources
from integrator.engine.xmltools import SOAP11, SOAP12, XmlError, children, local, namespace, parse

_ACCESS = etree.XSLTAccessControl.DENY_ALL


@register("xslt", "fastXSLT")
@dataclass(frozen=True, kw_only=True)
class Xslt(Mediator):
    """Stylesheet key, source, target property and parameters."""

    key: Expression
    origin: Expression | None
    target: str
    properties: tuple[tuple[str, Expression], ...]
    resources: tuple[tuple[str, Expression], ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element; fastXSLT has a key and nothing else."""
        check(element, reader)
        return cls(
            **cls.common(element, reader),
            key=reader.value(element, "key"),
            origin=reader.optional_path(element, "source"),
            target=element.get("target") or "",
            properties=log_properties(element, reader),
            resources=read_resources(element, reader),
        )

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that transforms; the stylesheet is compiled again when its text changes."""

        simple = self.origin is None and not self.target and not self.resources

        async def step(message: Message) -> None:
            sheet = entry_of(self.key, message, "xslt: stylesheet")
            values = {key: value.string(message) or "" for key, value in self.properties}
            others = {location: entry_of(key, message, "xslt: resource") for location, key in self.resources}
            if simple and self._at_once(message, sheet, values):
                return
            node = self._source(message)
            if node is None:
                return
            data = message.payload.data or etree.tostring(node, with_tail=False)
            if not others and is_quick(sheet, len(data)):
                self._apply(message, node, transform_here(sheet, node, values))
                return
            data = etree.tostring(node, with_tail=False)
            if version_of(sheet) != "1.0":
                result = await by_saxon(sheet, data, values, others)
            else:
                result = await message.deployment.runtime.run(transform, sheet, data, values, others)
            self._apply(message, node, result)

        return step

    def _at_once(self, message: Message, sheet: str, values: dict[str, str]) -> bool:
        """The commonest case: a short body that nobody has read, which the result takes the place of."""
        payload = message.payload
        if payload.data is None or not is_quick(sheet, len(payload.data)):
            return False
        node = payload.lone()
        if node is None:
            return False
        try:
            made = transform_here(sheet, node, values)
            if isinstance(made, str):
                self._apply(message, node, made)
            else:
                payload.set_lone(made)
        except Fault:
            _ = payload.envelope  # it was read, as who handles the fault may ask
            raise
        return True

    def _source(self, message: Message) -> Element | None:
        if self.origin is None:
            return message.payload.root
        if self.origin.text.strip() == "/":
            return message.payload.envelope
        return next((item for item in self.origin.nodes(message) if hasattr(item, "tag")), None)

    def _apply(self, message: Message, node: Element, result: Any) -> None:
        made: Any = result
        if isinstance(result, str) and result.lstrip().startswith("<"):
            try:
                made = parse(result)
            except XmlError as error:
                raise Fault(0, f"xslt: the result is no XML element: {error}") from error
        if self.target:
            message.properties[self.target] = [made] if hasattr(made, "tag") else made
            return
        payload = message.payload
        if not hasattr(made, "tag"):
            payload.set_text(made)
            return
        if payload.family not in (media.XML, media.SOAP11, media.SOAP12):
            payload.set_root(made)
            payload.content_type = media.XML
            message.set_type(media.XML)
        elif node is payload.envelope and local(made) == "Envelope" and namespace(made) in (SOAP11, SOAP12):
            payload.set_envelope(made)
        elif self.origin is None or node.getparent() is None or node.getparent() is payload.body:
            payload.set_root(made)
        else:
            node.getparent().replace(node, made)
            payload.xml_changed()


SMALL, QUICK = 16 * 1024, 0.001
"""Bytes and seconds: documents and stylesheets below both cost less than the way to another thread and back."""
SUSPECT = 3 * QUICK
"""As how long a run is taken that was longer by the wall clock."""


_BY_TEXT = re.compile(r"disable-output-escaping|indent\s*=\s*[\"']yes|method\s*=\s*[\"']x?html")
"""In stylesheets whose result as text, which is what counts, has more to it than its tree."""


class Sheet:
    """A compiled stylesheet, and how long it took lately (seconds; a long run is forgotten slowly)."""

    __slots__ = ("apply", "longest", "raw", "utf8")

    def __init__(self, text: str, others: dict[str, str]) -> None:
        parse(text)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        parser.resolvers.add(Known(others))
        self.apply = etree.XSLT(etree.fromstring(text.encode(), parser), access_control=_ACCESS, regexp=False)
        self.longest = QUICK
        self.raw = _BY_TEXT.search(text) is not None
        self.utf8 = "encoding" not in text


_sheets: dict[str, Sheet] = {}


def is_quick(sheet: str, size: int) -> bool:
    """Whether a body of `size` bytes may be transformed where it is, without a thread."""
    known = _sheets.get(sheet)
    return known is not None and size <= SMALL and known.longest < QUICK


def transform_here(sheet: str, node: Element, values: dict[str, str]) -> Any:
    """Apply a known stylesheet on this thread: an element where that is the whole result, else its text. Raises Fault."""
    known = _sheets[sheet]
    began = perf_counter()
    try:
        result = known.apply(node, **{key: etree.XSLT.strparam(value) for key, value in values.items()})
    except etree.XSLTError as error:
        raise Fault(0, f"xslt: {error}") from error
    finally:
        # Time on the wall costs less to ask for. Where it is long, others may have run: some runs by a thread will tell.
        known.longest = max(min(perf_counter() - began, SUSPECT), known.longest * 0.9)
    root = result.getroot()
    alone = root is not None and not known.raw and root.getnext() is None and root.getprevious() is None
    alone = alone and root.tag not in ("html", "HTML")  # written as HTML, said or not
    if alone and known.utf8 and _is_markup(bytes(result)):
        return root
    text = saxon.without_declaration(str(result))
    return root if alone and text.lstrip().startswith("<") else text


def _is_markup(data: bytes) -> bool:
    """Whether a result begins with an element, and not with a declaration."""
    return data[:1] == b"<" and data[1:2] != b"?"


def transform(sheet: str, data: bytes, values: dict[str, str], others: dict[str, str] | None = None) -> str:
    """Apply stylesheet text to a document; `others` holds what it includes, by location. Nothing else is read. Raises Fault."""
    name = "\n".join((sheet, *others.values())) if others else sheet
    known = _sheets.get(name)
    try:
        if known is None:
            if len(_sheets) > 256:
                _sheets.clear()
            known = _sheets[name] = Sheet(sheet, others or {})
        parameters = {key: etree.XSLT.strparam(value) for key, value in values.items()}
        began = thread_time()
        result = saxon.without_declaration(str(known.apply(parse(data), **parameters)))
        known.longest = max(thread_time() - began, known.longest * 0.9)
        return result
    except (XmlError, etree.XSLTError) as error:
        raise Fault(0, f"xslt: {error}") from error


def check(element: Element, reader: Reader) -> None:
    """Refuse attributes and children that the element does not have."""
    if local(element) == "fastXSLT":
        reader.only(element, ("description",))
        for name in ("source", "target"):
            if element.get(name) is not None:
                raise reader.fail(element, f"attribute {name!r}: fastXSLT transforms the whole body; allowed is key")
        return
    reader.only(element, ("property", "feature", "attribute", "resource", "description"))
    reader.flag(element, "useCache", True)
    for item in children(element):
        if local(item) == "feature":
            reader.required(item, "name")
            reader.required(item, "value")
            reader.flag(item, "value")
        elif local(item) == "attribute":
            reader.required(item, "name")
            reader.required(item, "value")


@lru_cache(maxsize=256)
def version_of(sheet: str) -> str:
    """The XSLT version that a stylesheet asks for. Raises Fault when it is no XML."""
    try:
        return parse(sheet).get("version") or "1.0"
    except XmlError as error:
        raise Fault(0, f"xslt: {error}") from error


async def by_saxon(sheet: str, data: bytes, values: dict[str, str], others: dict[str, str]) -> str:
    """Apply a stylesheet of version 2.0 or later. Raises Fault."""
    if others:
        raise Fault(0, "xslt: <resource> works with XSLT 1.0 stylesheets; write the included templates into this one")
    text = data.decode()
    return await saxon.run(lambda processor: processor.transform(sheet, text, values))
