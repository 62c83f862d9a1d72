"""transaction: begins, commits or rolls back the transaction of the flow (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from integrator.engine.errors import Fault
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.transactions import active, begin, end

ACTIONS = ("new", "use-existing-or-new", "fault-if-no-tx", "commit", "rollback")


@register("transaction")
@dataclass(frozen=True, kw_only=True)
class TransactionMediator(Mediator):
    """What to do."""

    action: str

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.required(element, "action")
        return cls(**cls.common(element, reader), action=reader.choice(element, "action", ACTIONS, ACTIONS[0]))

    def compile(self) -> Step:
        """A step that begins, ends or checks."""
        action = self.action
        if action in ("commit", "rollback"):
            return lambda message: end(message, action == "commit")

        def step(message: Message) -> None:
            running = active(message) is not None
            if action == "new" and running:
                raise Fault(0, "transaction action='new': the flow is in a transaction already")
            if action == "fault-if-no-tx":
                if not running:
                    raise Fault(0, "transaction action='fault-if-no-tx': the flow is in no transaction")
            elif not running:
                begin(message)

        return step
