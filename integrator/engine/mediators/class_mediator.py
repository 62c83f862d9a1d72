"""class: a Python class with `mediate(mc)`, named by its dotted path (reference 3.3)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.scripting.context import MessageContext
from integrator.engine.scripting.python import assign, class_of
from integrator.engine.xmltools import children, clone, local


@register("class")
@dataclass(frozen=True, kw_only=True)
class ClassMediator(Mediator):
    """The class, what is set once, and what is set for each message."""

    name: str
    fixed: tuple[tuple[str, Any], ...]
    computed: tuple[tuple[str, Expression], ...]
    made: list[Any] = field(default_factory=list, compare=False, repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False, repr=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("property", "description"))
        name = reader.required(element, "name")
        if not all(part.isidentifier() for part in name.split(".")) or "." not in name:
            raise reader.fail(element, f"attribute name={name!r}: a dotted path to a Python class is expected")
        fixed: list[tuple[str, Any]] = []
        computed: list[tuple[str, Expression]] = []
        for item in children(element):
            if local(item) != "property":
                continue
            label, inner = reader.required(item, "name"), children(item)
            if not label.isidentifier() or label.startswith("_"):
                raise reader.fail(item, f"attribute name={label!r}: the name of a property is expected")
            if inner:
                fixed.append((label, clone(inner[0])))
            elif item.get("expression"):
                computed.append((label, reader.path(item, "expression")))
            else:
                reader.value_or_expression(item)
                fixed.append((label, item.get("value")))
        return cls(**cls.common(element, reader), name=name, fixed=tuple(fixed), computed=tuple(computed))

    @property
    def reads_content(self) -> bool:
        """A class may read anything."""
        return True

    def compile(self) -> Step:
        """A step that sets the properties and calls the class on a worker thread."""

        async def step(message: Message) -> bool:
            values = [(name, expression.string(message)) for name, expression in self.computed]
            runtime, context = message.deployment.runtime, MessageContext(message)
            if not values:
                instance = self.instance(message)
                return await runtime.run(instance.mediate, context) is not False
            async with self.lock:  # one object serves all messages, so its properties belong to one at a time
                instance = self.instance(message)
                for name, value in values:
                    assign(instance, name, value)
                return await runtime.run(instance.mediate, context) is not False

        return step

    def instance(self, message: Message) -> Any:
        """The object, made and told its fixed properties at the first message. Raises Fault."""
        if not self.made:
            made = class_of(message.deployment, self.name)()
            for name, value in self.fixed:
                assign(made, name, value)
            if callable(getattr(made, "init", None)):
                made.init()
            self.made.append(made)
        return self.made[0]
