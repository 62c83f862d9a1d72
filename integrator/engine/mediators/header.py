"""header: sets or removes a SOAP/addressing header or a transport header (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from lxml import etree

from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import children, clone

ADDRESSING = ("To", "From", "Action", "FaultTo", "ReplyTo", "RelatesTo")


@register("header")
@dataclass(frozen=True, kw_only=True)
class Header(Mediator):
    """One header; `inline` holds embedded header blocks."""

    name: str
    namespace: str | None
    value: Expression | None
    inline: tuple[Element, ...]
    remove: bool
    transport: bool

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        remove = reader.choice(element, "action", ("set", "remove"), "set") == "remove"
        transport = reader.choice(element, "scope", ("default", "transport"), "default") == "transport"
        inline = tuple(children(element))
        name = reader.required(element, "name") if not inline or element.get("name") else ""
        namespace = None
        if not transport and name:
            prefix, colon, short = name.partition(":")
            if colon:
                namespace, name = element.nsmap.get(prefix), short
                if namespace is None:
                    raise reader.fail(element, f"attribute name={prefix}:{short!r}: prefix {prefix!r} is not declared")
            elif name not in ADDRESSING:
                raise reader.fail(
                    element, f"attribute name={name!r}: without a prefix, allowed are {', '.join(ADDRESSING)}"
                )
        return cls(
            **cls.common(element, reader),
            name=name,
            namespace=namespace,
            value=reader.value_or_expression(element, required=not inline and not remove),
            inline=inline,
            remove=remove,
            transport=transport,
        )

    @property
    def reads_content(self) -> bool:
        """SOAP headers are content; To and Action are not."""
        return super().reads_content or self.namespace is not None or bool(self.inline)

    def compile(self) -> Step:
        """A step for the kind of header."""
        if self.transport:
            return self._transport()
        if self.namespace is None and not self.inline:
            return self._addressing
        return self._block

    def _transport(self) -> Step:
        if self.remove:
            return lambda message: message.headers.remove(self.name)
        value = self.value
        assert value is not None
        return lambda message: message.headers.set(self.name, value.string(message) or "")

    def _addressing(self, message: Message) -> None:
        value = None if self.remove or self.value is None else self.value.string(message)
        if self.name == "To":
            message.to = value
        elif self.name == "Action":
            message.action = value
            message.headers.remove("SOAPAction")
        elif value is None:
            message.addressing.pop(self.name, None)
        else:
            message.addressing[self.name] = value

    def _block(self, message: Message) -> None:
        header = message.payload.header
        if self.remove:
            for block in header.findall(f"{{{self.namespace}}}{self.name}"):
                header.remove(block)
        elif self.inline:
            header.extend(clone(item) for item in self.inline)
        elif self.value is not None:
            block = etree.SubElement(header, f"{{{self.namespace}}}{self.name}")
            block.text = self.value.string(message)
        message.payload.xml_changed()
