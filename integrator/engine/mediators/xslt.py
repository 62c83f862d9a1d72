"""xslt: transforms the payload with an XSLT 1.0 stylesheet (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from lxml import etree

from integrator.engine.content import media
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.log import log_properties
from integrator.engine.message import Message
from integrator.engine.xmltools import XmlError, parse

_ACCESS = etree.XSLTAccessControl.DENY_ALL


@register("xslt", "fastXSLT")
@dataclass(frozen=True, kw_only=True)
class Xslt(Mediator):
    """Stylesheet key, source, target property and parameters."""

    key: Expression
    origin: Expression | None
    target: str
    properties: tuple[tuple[str, Expression], ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("property", "feature", "attribute", "resource", "description"))
        return cls(
            **cls.common(element, reader),
            key=reader.value(element, "key"),
            origin=reader.optional_path(element, "source"),
            target=element.get("target") or "",
            properties=log_properties(element, reader),
        )

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that transforms on a worker thread; the stylesheet is compiled again when its text changes."""

        async def step(message: Message) -> None:
            name = self.key.string(message) or ""
            sheet = message.deployment.entry_text(name)
            if sheet is None:
                raise Fault(0, f"xslt: stylesheet {name!r} is not found")
            node = self._source(message)
            if node is None:
                return
            values = {key: value.string(message) or "" for key, value in self.properties}
            data = etree.tostring(node, with_tail=False)
            result = await message.deployment.runtime.run(transform, sheet, data, values)
            self._apply(message, node, result)

        return step

    def _source(self, message: Message) -> Element | None:
        if self.origin is None:
            return message.payload.root
        return next((item for item in self.origin.nodes(message) if hasattr(item, "tag")), None)

    def _apply(self, message: Message, node: Element, result: str) -> None:
        made: Any = result
        if result.lstrip().startswith("<"):
            made = parse(result)
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
        elif self.origin is None or node.getparent() is None or node.getparent() is payload.body:
            payload.set_root(made)
        else:
            node.getparent().replace(node, made)
            payload.xml_changed()


_sheets: dict[str, Any] = {}


def transform(sheet: str, data: bytes, values: dict[str, str]) -> str:
    """Apply stylesheet text to a document. Nothing outside may be read or written. Raises Fault."""
    compiled = _sheets.get(sheet)
    try:
        if compiled is None:
            if len(_sheets) > 256:
                _sheets.clear()
            compiled = _sheets[sheet] = etree.XSLT(parse(sheet), access_control=_ACCESS)
        parameters = {key: etree.XSLT.strparam(value) for key, value in values.items()}
        return str(compiled(etree.fromstring(data), **parameters))
    except (XmlError, etree.XSLTError) as error:
        raise Fault(0, f"xslt: {error}") from error
