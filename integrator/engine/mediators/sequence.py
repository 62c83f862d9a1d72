"""sequence: runs a named sequence, or its own children when it stands inside a list (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register


@register("sequence", "rules")
@dataclass(frozen=True, kw_only=True)
class Sequence(Mediator):
    """A reference by key, or inline children."""

    branch: Branch

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        if element.get("key") and element.get("onError"):
            raise reader.fail(element, "attribute 'onError' may not stand beside 'key'")
        return cls(**cls.common(element, reader), branch=chain_of(element, reader, "key"))

    def children(self) -> tuple[Mediator, ...]:
        """Inline children; none for a reference."""
        return self.branch.children

    def compile(self) -> Step:
        """A step that runs the sequence."""
        return self.branch.compile("sequence")
