"""clone: sends copies of the message to several targets (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.target import Target, mark_piece, read_target, scatter
from integrator.engine.message import Message
from integrator.engine.xmltools import children, local

MAX_COPIES = 1000


@register("clone")
@dataclass(frozen=True, kw_only=True)
class Clone(Mediator):
    """Targets and how they run."""

    id: str
    continue_parent: bool
    sequential: bool
    iterations: Expression | None
    targets: tuple[Target, ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.leave_out(element, ("target", "description"))
        targets = tuple(read_target(item, reader) for item in children(element) if local(item) == "target")
        if not targets:
            raise reader.fail(element, "at least one child <target> is required")
        if element.get("iterations") and len(targets) > 1:
            raise reader.fail(element, "attribute 'iterations' allows one <target> only")
        return cls(
            **cls.common(element, reader),
            id=element.get("id") or "",
            continue_parent=reader.flag(element, "continueParent"),
            sequential=reader.flag(element, "sequential"),
            iterations=reader.optional_value(element, "iterations"),
            targets=targets,
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of all inline targets."""
        return tuple(item for target in self.targets for item in target.children())

    @property
    def reads_content(self) -> bool:
        """Copies need the body."""
        return True

    def compile(self) -> Step:
        """A step that copies and runs."""
        steps = [target.compile(self) for target in self.targets]

        async def step(message: Message) -> bool:
            runs = steps if self.iterations is None else steps * self._count(message)
            copies = []
            for number, run in enumerate(runs):
                copy = message.copy()
                mark_piece(copy, message, self.id, number, len(runs))
                if self.iterations is not None:
                    copy.properties["CLONED_ITERATION_INDEX"] = number + 1
                copies.append((copy, run))
            return await scatter(message, copies, self.sequential, self.continue_parent)

        return step

    def _count(self, message: Message) -> int:
        text = self.iterations.string(message) or "" if self.iterations else ""
        try:
            count = int(float(text))
        except ValueError as error:
            raise Fault(0, f"clone: iterations {text!r} is not a number") from error
        if not 0 < count <= MAX_COPIES:
            raise Fault(0, f"clone: iterations {count}: allowed are 1 to {MAX_COPIES}")
        return count
