"""Putting the collected pieces of aggregate together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from lxml import etree

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.mediators.base import Element, Reader
from integrator.engine.message import Message
from integrator.engine.xmltools import clone, local


@dataclass(frozen=True)
class Collector:
    """What to take from each message and how to wrap the whole."""

    expression: Expression | None
    enclosing_property: str
    merge: bool

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the onComplete element."""
        return cls(
            reader.optional_path(element, "expression"),
            element.get("enclosingElementProperty") or "",
            reader.choice(element, "aggregateElementType", ("root", "child"), "root") == "child",
        )

    @property
    def replaces(self) -> bool:
        """Whether nothing of the result's own body stays."""
        return isinstance(self.expression, JsonEval)

    def combine(self, result: Message, messages: list[Message]) -> None:
        """Put what the messages hold into the result's body. Raises Fault when nothing matches."""
        if isinstance(self.expression, JsonEval):
            self._json(result, self.expression, messages)
        else:
            self._xml(result, messages)

    def _json(self, result: Message, expression: JsonEval, messages: list[Message]) -> None:
        found = [value for value in (expression.found(message) for message in messages) if value is not MISSING]
        if not found:
            raise Fault(0, f"aggregate: could not find matching elements for {expression.text!r}")
        combined: Any = found
        if self.merge:
            combined = {}
            for value in found:
                if isinstance(value, dict):
                    _merge(combined, value)
        wrapper = self._wrapper(result)
        result.payload.set_json({local(wrapper): combined} if wrapper is not None else combined)

    def _xml(self, result: Message, messages: list[Message]) -> None:
        found = [clone(node) for message in messages for node in self._nodes(message)]
        if not found:
            text = self.expression.text if self.expression else "the body"
            raise Fault(0, f"aggregate: could not find matching elements for {text!r}")
        body, wrapper = result.payload.body, self._wrapper(result)
        for item in list(body):
            body.remove(item)
        target = body
        if wrapper is not None:
            target = clone(wrapper)
            body.append(target)
        target.extend(found)
        result.payload.xml_changed()

    def _nodes(self, message: Message) -> list[Any]:
        if self.expression is None:
            root = message.payload.root
            return [] if root is None else [root]
        return [node for node in self.expression.nodes(message) if hasattr(node, "tag")]

    def _wrapper(self, message: Message) -> Element | None:
        if not self.enclosing_property:
            return None
        value = message.properties.get(self.enclosing_property)
        if isinstance(value, list) and value:
            value = value[0]
        if hasattr(value, "tag"):
            return value
        if isinstance(value, str) and value.isidentifier():
            return etree.Element(value)
        raise Fault(
            0, f"aggregate: property {self.enclosing_property!r} (enclosingElementProperty) holds no XML element"
        )


def _merge(target: dict[str, Any], value: dict[str, Any]) -> None:
    for key, item in value.items():
        if key in target:
            held = target[key] if isinstance(target[key], list) else [target[key]]
            target[key] = [*held, *(item if isinstance(item, list) else [item])]
        else:
            target[key] = item
