"""makefault (faultFactory): replaces the body by a SOAP or plain fault (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from lxml import etree

from integrator.engine.content import media
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import SOAP11, SOAP12, child, children, clone, envelope, text_of

CODES = {
    SOAP11: ("VersionMismatch", "MustUnderstand", "Client", "Server"),
    SOAP12: ("VersionMismatch", "MustUnderstand", "DataEncodingUnknown", "Sender", "Receiver"),
}
VERSIONS = {"soap11": SOAP11, "soap12": SOAP12, "pox": ""}


@register("makefault", "faultFactory")
@dataclass(frozen=True, kw_only=True)
class MakeFault(Mediator):
    """SOAP namespace (empty for pox) and the parts of the fault."""

    soap: str
    response: bool
    code: Expression | None
    reason: Expression | None
    node: str
    role: str
    detail: Expression | None
    detail_text: str
    detail_elements: tuple[Element, ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("code", "reason", "node", "role", "detail", "description"))
        soap = VERSIONS[reader.choice(element, "version", tuple(VERSIONS), "soap11")]
        code, reason, detail = (child(element, name) for name in ("code", "reason", "detail"))
        if soap and (code is None or reason is None):
            raise reader.fail(element, "children <code> and <reason> are required")
        return cls(
            **cls.common(element, reader),
            soap=soap,
            response=reader.flag(element, "response", True),
            code=read_code(code, soap, reader),
            reason=reader.value_or_expression(reason) if reason is not None else None,
            node=text_of(child(element, "node")),
            role=text_of(child(element, "role")),
            detail=reader.optional_path(detail, "expression") if detail is not None else None,
            detail_text=(detail.text or "").strip() if detail is not None else "",
            detail_elements=tuple(children(detail)) if detail is not None else (),
        )

    @property
    def reads_content(self) -> bool:
        """Headers of the message are kept, so it has to be read."""
        return True

    def compile(self) -> Step:
        """A step that makes the fault."""
        return self.run

    def run(self, message: Message) -> None:
        """Replace the body; the message becomes a response unless told otherwise."""
        reason = self.reason.string(message) or "" if self.reason else ""
        if not self.soap:
            self._pox(message, reason)
        else:
            root = envelope(self.soap)
            root[1].append(self._fault11(message, reason) if self.soap == SOAP11 else self._fault12(message, reason))
            message.payload.set_envelope(root)
            message.payload.content_type = media.SOAP11 if self.soap == SOAP11 else media.SOAP12
        message.set_type(message.payload.content_type)
        message.addressing["RelatesTo"] = message.id
        if self.response:
            message.response = True
            message.to = message.addressing.get("ReplyTo")

    def _pox(self, message: Message, reason: str) -> None:
        root = etree.Element("Exception")
        self._fill_detail(root, message)
        if not len(root) and not root.text:
            root.text = reason
        message.payload.discard()
        message.payload.content_type, message.payload.pox = media.XML, True
        message.payload.set_root(root)

    def _fault11(self, message: Message, reason: str) -> Element:
        fault = etree.Element(f"{{{SOAP11}}}Fault", nsmap={"soapenv": SOAP11})
        etree.SubElement(fault, "faultcode").text = f"soapenv:{self._code(message)}"
        etree.SubElement(fault, "faultstring").text = reason
        if self.role:
            etree.SubElement(fault, "faultactor").text = self.role
        if self._has_detail:
            self._fill_detail(etree.SubElement(fault, "detail"), message)
        return fault

    def _fault12(self, message: Message, reason: str) -> Element:
        fault = etree.Element(f"{{{SOAP12}}}Fault", nsmap={"soapenv": SOAP12})
        code = etree.SubElement(fault, f"{{{SOAP12}}}Code")
        etree.SubElement(code, f"{{{SOAP12}}}Value").text = f"soapenv:{self._code(message)}"
        holder = etree.SubElement(fault, f"{{{SOAP12}}}Reason")
        text = etree.SubElement(holder, f"{{{SOAP12}}}Text")
        text.text = reason
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
        for name, value in (("Node", self.node), ("Role", self.role)):
            if value:
                etree.SubElement(fault, f"{{{SOAP12}}}{name}").text = value
        if self._has_detail:
            self._fill_detail(etree.SubElement(fault, f"{{{SOAP12}}}Detail"), message)
        return fault

    @property
    def _has_detail(self) -> bool:
        return self.detail is not None or bool(self.detail_text) or bool(self.detail_elements)

    def _code(self, message: Message) -> str:
        return (self.code.string(message) or "").rpartition(":")[2] if self.code else ""

    def _fill_detail(self, target: Element, message: Message) -> None:
        if self.detail is None:
            target.text = self.detail_text or None
            target.extend(clone(item) for item in self.detail_elements)
            return
        nodes = self.detail.nodes(message)
        if any(hasattr(node, "tag") for node in nodes):
            target.extend(clone(node) for node in nodes if hasattr(node, "tag"))
        else:
            target.text = self.detail.string(message)


def read_code(element: Element | None, soap: str, reader: Reader) -> Expression | None:
    """The fault code: a literal must be a prefixed name of the right SOAP version."""
    if element is None:
        return None
    literal = element.get("value")
    if literal is not None and soap:
        prefix, _, name = literal.rpartition(":")
        if element.nsmap.get(prefix) != soap or name not in CODES[soap]:
            allowed = ", ".join(CODES[soap])
            raise reader.fail(element, f"attribute value={literal!r}: allowed are prefixed names in {soap}: {allowed}")
    return reader.value_or_expression(element)
