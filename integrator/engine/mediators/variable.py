"""variable: sets or removes a variable of the message, read as `${vars.name}` (reference 3.12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.property import TYPES as PROPERTY_TYPES
from integrator.engine.message import Message
from integrator.engine.xmltools import XmlError, children, clone

TYPES: dict[str, Callable[[Any], Any]] = {
    **{name: PROPERTY_TYPES[name] for name in ("STRING", "BOOLEAN", "INTEGER", "LONG", "DOUBLE", "JSON")},
    "XML": PROPERTY_TYPES["OM"],
    "OM": PROPERTY_TYPES["OM"],
}


@register("variable")
@dataclass(frozen=True, kw_only=True)
class Variable(Mediator):
    """Name, type, and the value: a literal, an expression or an element inside; or the removal."""

    name: Expression
    value: Expression | None
    inline: Element | None
    type: str
    remove: bool

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element; a literal is checked against its type."""
        remove = reader.choice(element, "action", ("set", "remove"), "set") == "remove"
        inline = next((item for item in children(element)), None)
        if inline is not None and (element.get("value") is not None or element.get("expression") is not None):
            raise reader.fail(element, "either value, expression or an element inside may be given")
        made = cls(
            **cls.common(element, reader),
            name=reader.value(element, "name"),
            value=reader.value_or_expression(element, required=inline is None and not remove),
            inline=inline,
            type=reader.choice(element, "type", tuple(TYPES), "STRING" if inline is None else "XML"),
            remove=remove,
        )
        if isinstance(made.value, Constant) and not remove:
            try:
                made.convert(made.value.text)
            except Fault as fault:
                raise reader.fail(element, f"attribute value={made.value.text!r} is not a {made.type}") from fault
        return made

    def compile(self) -> Step:
        """A step that sets or removes."""
        return self._remove if self.remove else self._set

    def _remove(self, message: Message) -> None:
        if message.variables is not None:
            message.variables.pop(self.name.string(message) or "", None)

    def _set(self, message: Message) -> None:
        value = clone(self.inline) if self.inline is not None else self.convert(self._given(message))
        set_variable(message, self.name.string(message) or "", value)

    def _given(self, message: Message) -> Any:
        value = self.value
        assert value is not None
        if self.type == "XML" and not isinstance(value, Constant):
            nodes = [clone(node) for node in value.nodes(message) if hasattr(node, "tag")]
            return nodes[0] if len(nodes) == 1 else nodes or value.string(message)
        if self.type == "JSON" and value.is_json:
            return value.value(message)
        return value.string(message)

    def convert(self, value: Any) -> Any:
        """The value in the type. Raises Fault."""
        try:
            return value if value is None or isinstance(value, list) else TYPES[self.type](value)
        except (ValueError, XmlError) as error:
            raise Fault(0, f"variable {self.name.text!r}: the value is not a {self.type}") from error


def set_variable(message: Message, name: str, value: Any) -> None:
    """Set a variable of a message."""
    if message.variables is None:
        message.variables = {}
    message.variables[name] = value
