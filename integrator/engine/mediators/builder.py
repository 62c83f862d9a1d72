"""builder: reads the body now, with another builder for its content type if the element says so (reference 3.3)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Self

from integrator.engine.content import media
from integrator.engine.errors import BadPayload
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import children, local

log = logging.getLogger("integrator.mediation")

BUILDERS = {
    "org.apache.synapse.commons.json.JsonStreamBuilder": media.JSON,
    "org.apache.synapse.commons.json.JsonBuilder": media.JSON,
    "org.apache.axis2.json.JSONBadgerfishOMBuilder": media.BADGERFISH,
    "org.apache.axis2.builder.ApplicationXMLBuilder": media.XML,
    "org.apache.axis2.builder.SOAPBuilder": media.SOAP11,
    "org.apache.axis2.builder.XFormURLEncodedBuilder": media.FORM,
    "org.apache.axis2.format.PlainTextBuilder": media.TEXT,
    "org.apache.axis2.format.BinaryBuilder": media.BINARY,
    "org.wso2.carbon.relay.BinaryRelayBuilder": media.BINARY,
}
"""Builder classes of the Java server and the media type whose builder does the same here."""


@register("builder")
@dataclass(frozen=True, kw_only=True)
class Builder(Mediator):
    """`chosen`: content type to the media type it is read as; `every`: for all content types."""

    chosen: tuple[tuple[str, str], ...]
    every: str

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element. Raises DeploymentError for a Java class that has no counterpart."""
        reader.only(element, ("messageBuilder", "description"))
        return cls(
            **cls.common(element, reader),
            chosen=tuple(
                (media.media_type(reader.required(item, "contentType")), read_class(item, reader))
                for item in children(element)
                if local(item) == "messageBuilder"
            ),
            every=read_class(element, reader) if element.get("class") else "",
        )

    @property
    def reads_content(self) -> bool:
        """That is what it is for."""
        return True

    def compile(self) -> Step:
        """A step that reads the body; what cannot be read is passed on as it is."""
        chosen, every = dict(self.chosen), self.every

        def step(message: Message) -> None:
            payload = message.payload
            kind, before = chosen.get(payload.media, every), payload.content_type
            if kind and not payload.built:
                payload.content_type = kind
            try:
                build(message)
            except BadPayload as error:
                payload.content_type = before
                log.warning("builder: the body is passed on as it came: %s", error.message)

        return step


def build(message: Message) -> None:
    """Read the body as its content type says. Raises BadPayload."""
    payload = message.payload
    if payload.family == media.JSON:
        _ = payload.json
    elif not payload.empty:
        _ = payload.envelope


def read_class(element: Element, reader: Reader) -> str:
    """The media type that a builder class stands for."""
    name = reader.required(element, "class")
    if name not in BUILDERS:
        raise reader.fail(element, f"attribute class={name!r}: allowed are {', '.join(BUILDERS)}")
    return BUILDERS[name]
