"""throwError: raises so that the fault sequence runs (reference 3.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message


@register("throwError")
@dataclass(frozen=True, kw_only=True)
class ThrowError(Mediator):
    """Type and text of the error."""

    type: str
    text: Expression

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        return cls(
            **cls.common(element, reader),
            type=element.get("type") or "ERROR",
            text=reader.value(element, "errorMessage"),
        )

    def compile(self) -> Step:
        """A step that raises."""

        def step(message: Message) -> None:
            raise Fault(0, self.text.string(message) or "", f"{self.type}: {self.text.string(message)}")

        return step
