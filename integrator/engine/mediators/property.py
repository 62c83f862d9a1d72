"""property and propertyGroup: set or remove a property in a scope (reference 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression, scopes
from integrator.engine.expressions.base import Constant
from integrator.engine.expressions.values import as_value, text_of
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.patterns import Pattern
from integrator.engine.xmltools import XmlError, children, clone, parse


def _as_xml(value: Any) -> Any:
    return parse(value) if isinstance(value, str) else value


TYPES: dict[str, Callable[[Any], Any]] = {
    "STRING": lambda value: text_of(value),
    "BOOLEAN": lambda value: str(text_of(value)).strip().lower() == "true",
    "INTEGER": lambda value: int(str(text_of(value)).strip()),
    "LONG": lambda value: int(str(text_of(value)).strip()),
    "SHORT": lambda value: int(str(text_of(value)).strip()),
    "FLOAT": lambda value: float(str(text_of(value)).strip()),
    "DOUBLE": lambda value: float(str(text_of(value)).strip()),
    "OM": _as_xml,
    "JSON": as_value,
}


def _mark_response(message: Message) -> None:
    message.response = scopes.is_true(message.properties.get("RESPONSE"))


def _accept(message: Message) -> None:
    if scopes.is_true(message.axis2.get("FORCE_SC_ACCEPTED")):
        message.flow.reply.accept()


_EFFECTS: dict[tuple[str, str], Callable[[Message], None]] = {
    ("default", "RESPONSE"): _mark_response,
    ("axis2", "FORCE_SC_ACCEPTED"): _accept,
}
"""What setting a property does at once (reference 2.4); other properties pay nothing for it."""


def _both(step: Callable[[Message], None], effect: Callable[[Message], None]) -> Step:
    def run(message: Message) -> None:
        step(message)
        effect(message)

    return run


@register("property")
@dataclass(frozen=True, kw_only=True)
class Property(Mediator):
    """One property; `value` is None when it is removed or holds an inline element."""

    name: Expression
    value: Expression | None
    inline: Element | None
    type: str
    scope: str
    remove: bool
    pattern: Pattern | None
    group: int

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        remove = reader.choice(element, "action", ("set", "remove"), "set") == "remove"
        scope = reader.choice(element, "scope", (*scopes.WRITABLE, "synapse"), "default")
        scope = scopes.ALIASES.get(scope, scope)
        inline = next(iter(children(element)), None)
        if element.get("group") and not element.get("pattern"):
            raise reader.fail(element, "attribute 'group' needs 'pattern'")
        pattern = reader.regex(element, "pattern") if element.get("pattern") else None
        group = reader.integer(element, element.get("group"), "attribute group", 0)
        if pattern is not None and not 0 <= group <= pattern.groups:
            raise reader.fail(element, f"attribute group='{group}': the pattern has {pattern.groups} groups")
        record = cls(
            **cls.common(element, reader),
            name=reader.value(element, "name"),
            value=reader.value_or_expression(element, required=inline is None and not remove),
            inline=inline,
            type=reader.choice(element, "type", tuple(TYPES), "STRING"),
            scope=scope,
            remove=remove,
            pattern=pattern,
            group=group,
        )
        if isinstance(record.value, Constant) and not remove:
            record.check(element, reader, record.value.text)
        return record

    def check(self, element: Element, reader: Reader, text: str) -> None:
        """Refuse a literal that is not of the type."""
        try:
            self.convert(text)
        except Fault as error:
            raise reader.fail(element, f"attribute value={text!r} is not a {self.type}") from error

    def compile(self) -> Step:
        """A step that sets or removes the property."""
        name, scope = self.name, self.scope
        fixed = name.text if isinstance(name, Constant) else None
        if self.remove:
            return lambda message: scopes.remove(message, scope, fixed or name.string(message) or "")
        read = self.reader()

        def step(message: Message) -> None:
            scopes.write(message, scope, fixed or name.string(message) or "", read(message))

        effect = _EFFECTS.get((scope, fixed or ""))
        return step if effect is None else _both(step, effect)

    @property
    def reads_content(self) -> bool:
        """An answer in the middle of the flow ends the request, so its body is taken before."""
        accepted = self.scope == "axis2" and self.name.text == "FORCE_SC_ACCEPTED" and not self.remove
        return accepted or super().reads_content

    def reader(self) -> Callable[[Message], Any]:
        """A function that gives the converted value."""
        value = self.value
        if value is None:
            return lambda message: clone(self.inline)
        if isinstance(value, Constant):
            fixed = self.convert(value.text)
            return (lambda message: clone(fixed)) if self.type == "OM" else lambda message: fixed
        if self.type == "OM":
            return lambda message: [
                clone(node) if hasattr(node, "tag") else _as_xml(node) for node in value.nodes(message)
            ]
        if self.type == "JSON":
            return lambda message: as_value(value.value(message) if value.is_json else value.string(message))
        if self.type == "STRING" and self.pattern is None:
            return value.string
        return lambda message: self.convert(value.string(message))

    def convert(self, text: Any) -> Any:
        """Apply pattern and type. Raises Fault naming the property, the text and the type."""
        if self.pattern is not None and text is not None:
            found = self.pattern.fullmatch(str(text))
            text = found.group(self.group) if found else ""
        if text is None:
            return None
        try:
            return TYPES[self.type](text)
        except (ValueError, XmlError) as error:
            raise Fault(0, f"property {self.name.text!r}: {text!r} is not a {self.type}") from error


@register("propertyGroup")
@dataclass(frozen=True, kw_only=True)
class PropertyGroup(Mediator):
    """Several properties set one after the other."""

    properties: tuple[Property, ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("property", "description"))
        found = tuple(Property.parse(item, reader) for item in children(element) if item.tag.endswith("property"))
        return cls(**cls.common(element, reader), properties=found)

    def children(self) -> tuple[Mediator, ...]:
        """The properties."""
        return self.properties

    @property
    def reads_content(self) -> bool:
        """Whether one of the properties does."""
        return any(item.reads_content for item in self.properties)

    def compile(self) -> Step:
        """A step that runs them all."""
        steps = [item.compile() for item in self.properties]

        def step(message: Message) -> None:
            for inner in steps:
                inner(message)

        return step
