"""store: puts a copy of the message into a message store (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.stores.putting import keep


@register("store")
@dataclass(frozen=True, kw_only=True)
class Store(Mediator):
    """Store name and the sequence that runs before storing."""

    store: Expression
    before: str

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        return cls(
            **cls.common(element, reader),
            store=reader.value(element, "messageStore"),
            before=element.get("sequence") or "",
        )

    @property
    def reads_content(self) -> bool:
        """The whole message is stored."""
        return True

    def compile(self) -> Step:
        """A step that stores and goes on."""

        async def step(message: Message) -> None:
            name = self.store.string(message) or ""
            store = message.deployment.stores.get(name)
            if store is None:
                raise Fault(0, f"message store {name!r} is not deployed")
            if self.before:
                await message.deployment.required_sequence(self.before).run(message)
            await keep(message, name, store)

        return step
