"""filter: runs its children when a condition holds (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.message import Message
from integrator.engine.patterns import Pattern
from integrator.engine.xmltools import child


@register("filter")
@dataclass(frozen=True, kw_only=True)
class Filter(Mediator):
    """Either a boolean path, or a source matched by a regular expression."""

    condition: Expression
    regex: Pattern | None
    then: Branch
    otherwise: Branch | None

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        if element.get("xpath"):
            condition, regex = reader.path(element, "xpath"), None
        elif element.get("source") and element.get("regex"):
            condition, regex = reader.path(element, "source"), reader.regex(element, "regex")
        else:
            raise reader.fail(element, "either attribute 'xpath', or 'source' and 'regex', is required")
        then, other = child(element, "then"), child(element, "else")
        return cls(
            **cls.common(element, reader),
            condition=condition,
            regex=regex,
            then=chain_of(element if then is None else then, reader),
            otherwise=chain_of(other, reader) if other is not None and then is not None else None,
        )

    def children(self) -> tuple[Mediator, ...]:
        """Children of both branches."""
        return self.then.children + (self.otherwise.children if self.otherwise else ())

    def compile(self) -> Step:
        """A step that picks the branch."""
        then = self.then.compile("then")
        otherwise = self.otherwise.compile("else") if self.otherwise else None
        condition, regex = self.condition, self.regex

        def step(message: Message) -> Any:
            if regex is None:
                holds = condition.boolean(message)
            else:
                text = condition.string(message)
                holds = text is not None and regex.fullmatch(text) is not None
            if holds:
                return then(message)
            return otherwise(message) if otherwise else None

        return step
