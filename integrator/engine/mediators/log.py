"""log: writes the message to the log (reference 3.3)."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Self

from integrator.engine.expressions import Expression, compile_text
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.wss.names import WSSE
from integrator.engine.xmltools import child, children, local, namespace, serialise, text_of

TRACE = 5
LEVELS = ("simple", "headers", "full", "custom")
CATEGORIES = {
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": TRACE,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
}
logger = logging.getLogger("integrator.log")
_PASSWORD = re.compile(r"(<(?:[\w.-]+:)?Password\b[^<>]{0,400}>)[^<]+")
"""The text of a password, as UsernameToken has it."""


@register("log")
@dataclass(frozen=True, kw_only=True)
class Log(Mediator):
    """Level, category, separator and properties."""

    level: str
    category: str
    separator: str
    properties: tuple[tuple[str, Expression], ...]
    message: Expression | None = None
    with_id: bool = False
    with_payload: bool = False

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("message", "property", "description"))
        text = child(element, "message")
        separator = element.get("separator") or ", "
        return cls(
            **cls.common(element, reader),
            level=reader.choice(element, "level", LEVELS, "simple"),
            category=reader.choice(element, "category", tuple(CATEGORIES), "INFO"),
            separator=separator.replace("\\n", "\n").replace("\\t", "\t"),
            properties=log_properties(element, reader),
            message=None if text is None else compile_text(text_of(text), text, reader.place(text)),
            with_id=reader.flag(element, "logMessageID"),
            with_payload=reader.flag(element, "logFullPayload"),
        )

    @property
    def reads_content(self) -> bool:
        """full and headers show content; simple and custom only what their expressions read."""
        if self.message is not None:
            return self.with_payload or super().reads_content
        return self.level in ("full", "headers") or super().reads_content

    def compile(self) -> Step:
        """A step that logs one line."""
        level = CATEGORIES[self.category]
        parts = {"simple": simple_parts, "headers": header_parts, "full": full_parts, "custom": custom_parts}[
            self.level
        ]

        def step(message: Message) -> None:
            if not logger.isEnabledFor(level):
                return
            line = parts(message) if self.message is None else self._told(message, self.message)
            line += [f"{name} = {value.string(message)}" for name, value in self.properties]
            logger.log(
                level,
                self.separator.join(line),
                extra={"correlation_id": message.flow.correlation_id, "artifact": message.flow.artifact},
            )

        return step

    def _told(self, message: Message, text: Expression) -> list[str]:
        """What `message` says (4.4 and later), and what else is asked for, instead of the parts of a level."""
        line = [text.string(message) or ""]
        if self.with_id:
            line.append(f"MessageID: {message.id}")
        if self.with_payload:
            line.append(full_parts(message)[-1])
        return line


def log_properties(element: Element, reader: Reader) -> tuple[tuple[str, Expression], ...]:
    """`property` children with a name and a value or expression."""
    found = []
    for item in children(element):
        if local(item) == "property":
            value = reader.value_or_expression(item)
            assert value is not None
            found.append((reader.required(item, "name"), value))
    return tuple(found)


def simple_parts(message: Message) -> list[str]:
    """Addressing of the message."""
    return [
        f"To: {message.to or ''}",
        *([f"From: {message.addressing['From']}"] if "From" in message.addressing else []),
        f"WSAction: {message.action or ''}",
        f"SOAPAction: {message.action or ''}",
        f"MessageID: {message.id}",
        f"correlation_id: {message.flow.correlation_id}",
        f"Direction: {'response' if message.response else 'request'}",
    ]


def header_parts(message: Message) -> list[str]:
    """SOAP header blocks; of a Security header only that it is there, as it may hold a password."""
    return [f"{local(item)} : {_shown(item)}" for item in children(message.payload.header)]


def _shown(block: Element) -> str:
    return "***" if namespace(block) == WSSE else "".join(block.itertext())


def full_parts(message: Message) -> list[str]:
    """Addressing and content."""
    payload = message.payload
    if payload.is_json:
        return [*simple_parts(message), f"Payload: {payload.json_text()}"]
    text = _PASSWORD.sub(r"\1***", serialise(payload.envelope))
    return [*simple_parts(message), f"Envelope: {text}"]


def custom_parts(_message: Message) -> list[str]:
    """Properties only."""
    return []
