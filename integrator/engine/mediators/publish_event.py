"""publishEvent: makes an event of values of the message and gives it to an event sink (reference 3.7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.events import sink_of
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import child, children, local, text_of

GROUPS = {"meta": "metaData", "correlation": "correlationData", "payload": "payloadData", "arbitrary": "arbitraryData"}


def _boolean(text: str) -> bool:
    if text.strip().lower() not in ("true", "false"):
        raise ValueError(text)
    return text.strip().lower() == "true"


TYPES: dict[str, Callable[[str], Any]] = {
    "STRING": str,
    "INTEGER": int,
    "LONG": int,
    "FLOAT": float,
    "DOUBLE": float,
    "BOOLEAN": _boolean,
}


@dataclass(frozen=True)
class Attribute:
    """One value of an event; `default` is taken when there is none."""

    name: str
    value: Expression
    type: str
    default: str | None

    def of(self, message: Message) -> Any:
        """The typed value, None when there is none. Raises Fault naming value and type."""
        text = self.value.string(message)
        if text is None or text == "":
            text = self.default
        if text is None:
            return None
        try:
            return TYPES[self.type](text)
        except ValueError as error:
            raise Fault(0, f"publishEvent: attribute {self.name!r}: {text!r} is not a {self.type}") from error


@register("publishEvent")
@dataclass(frozen=True, kw_only=True)
class PublishEvent(Mediator):
    """Stream, sink, attributes by group, and whether the flow waits for the sink."""

    sink: str
    stream: str
    version: str
    groups: tuple[tuple[str, tuple[Attribute, ...]], ...]
    waits: bool
    timeout_s: float

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("eventSink", "streamName", "streamVersion", "attributes", "description"))
        texts = {}
        for name in ("eventSink", "streamName", "streamVersion"):
            texts[name] = text_of(child(element, name))
            if not texts[name]:
                raise reader.fail(element, f"child <{name}> is required")
        attributes = child(element, "attributes")
        if attributes is None:
            raise reader.fail(element, "child <attributes> is required")
        reader.only(attributes, (*GROUPS, "description"))
        return cls(
            **cls.common(element, reader),
            sink=texts["eventSink"],
            stream=texts["streamName"],
            version=texts["streamVersion"],
            groups=tuple((GROUPS[name], read_group(child(attributes, name), reader)) for name in GROUPS),
            waits=not reader.flag(element, "async", True),
            timeout_s=reader.integer(element, element.get("timeout"), "attribute timeout", 0) / 1000,
        )

    def compile(self) -> Step:
        """A step that publishes; only with async="false" does the flow wait and fail with the sink."""

        async def step(message: Message) -> None:
            runtime = message.deployment.runtime
            sink = sink_of(message.deployment.artifacts.get(("event-sinks", self.sink)), self.sink)
            event: dict[str, Any] = {
                "streamName": self.stream,
                "streamVersion": self.version,
                "timestamp": int(time.time() * 1000),
            }
            for name, attributes in self.groups:
                event[name] = {attribute.name: attribute.of(message) for attribute in attributes}
            if self.waits:
                await sink.send(runtime, [event])
            else:
                await sink.publish(runtime, event, self.timeout_s)

        return step


def read_group(element: Element | None, reader: Reader) -> tuple[Attribute, ...]:
    """The attributes of one group."""
    found = []
    for item in children(element) if element is not None else ():
        if local(item) != "attribute":
            raise reader.fail(
                item, f"element <{local(item)}> is not allowed in <{local(element)}>; allowed is attribute"
            )
        kinds = ("STRING",) if local(element) == "arbitrary" else tuple(TYPES)
        value = reader.value_or_expression(item)
        assert value is not None
        kind = reader.choice(item, "type", kinds, "STRING")
        found.append(Attribute(reader.required(item, "name"), value, kind, item.get("defaultValue")))
    return tuple(found)
