"""switch: runs the first case whose pattern matches the source (reference 3.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.message import Message
from integrator.engine.patterns import Pattern
from integrator.engine.xmltools import children, local

_PLAIN = re.compile(r"[\w\s,:;/@#%&=~-]+\Z")


@register("switch")
@dataclass(frozen=True, kw_only=True)
class Switch(Mediator):
    """Cases in order, and a default."""

    condition: Expression
    cases: tuple[tuple[Pattern, Branch], ...]
    default: Branch | None

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("case", "default", "description"))
        cases = tuple(
            (reader.regex(item, "regex"), chain_of(item, reader)) for item in children(element) if local(item) == "case"
        )
        default = next((chain_of(item, reader) for item in children(element) if local(item) == "default"), None)
        return cls(
            **cls.common(element, reader), condition=reader.path(element, "source"), cases=cases, default=default
        )

    def children(self) -> tuple[Mediator, ...]:
        """Children of all branches."""
        branches = [branch for _, branch in self.cases] + ([self.default] if self.default else [])
        return tuple(item for branch in branches for item in branch.children)

    def compile(self) -> Step:
        """A step that picks the case; plain words are found in a table."""
        cases = [(pattern, branch.compile("case")) for pattern, branch in self.cases]
        default = self.default.compile("default") if self.default else None
        condition = self.condition
        table: dict[str, Step] | None = None
        if all(_PLAIN.match(pattern.pattern) for pattern, _ in cases):
            table = {}
            for pattern, run in cases:
                table.setdefault(pattern.pattern, run)

        def step(message: Message) -> Any:
            text = condition.string(message)
            chosen: Step | None = None
            if text is not None:
                chosen = (
                    table.get(text)
                    if table is not None
                    else next((run for case, run in cases if case.fullmatch(text)), None)
                )
            chosen = chosen or default
            return chosen(message) if chosen else None

        return step
