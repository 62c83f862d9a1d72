"""sampler: lets requests go to its target at a steady rate; the others wait (reference 3.2)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.target import Target, read_target
from integrator.engine.message import Message
from integrator.engine.xmltools import child

MOST = 10_000
"""Requests that wait at one sampler; more are refused."""


@dataclass
class Pace:
    """When the next request may go, in seconds of the event loop, and how many wait."""

    every_s: float
    next: float = 0.0
    waiting: int = 0

    async def turn(self) -> None:
        """Wait for one's turn. Raises Fault when too many wait."""
        if self.waiting >= MOST:
            raise Fault(0, f"sampler: {MOST} requests wait already")
        now = asyncio.get_running_loop().time()
        at = max(now, self.next)
        self.next = at + self.every_s
        self.waiting += 1
        try:
            await asyncio.sleep(at - now)
        finally:
            self.waiting -= 1


@register("sampler")
@dataclass(frozen=True, kw_only=True)
class Sampler(Mediator):
    """Rate and target."""

    target: Target
    pace: Pace = field(compare=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("target", "messageQueue", "description"))
        target = child(element, "target")
        if target is None:
            raise reader.fail(element, "child <target> is required")
        if child(element, "messageQueue") is not None:
            raise reader.fail(child(element, "messageQueue"), "a queue of a Java class is not there; leave it out")
        rate = reader.integer(element, element.get("rate"), "attribute rate", 1)
        unit = reader.integer(element, element.get("unitTime"), "attribute unitTime", 1000)
        if rate < 1 or unit < 1:
            raise reader.fail(element, f"rate {rate}, unitTime {unit}: 1 or more is expected")
        return cls(**cls.common(element, reader), target=read_target(target, reader), pace=Pace(unit / rate / 1000))

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of the target."""
        return self.target.children()

    def compile(self) -> Step:
        """A step that waits for its turn and runs the target; the flow stops. Responses pass."""
        run = self.target.compile(self)

        async def step(message: Message) -> bool:
            if message.response:
                return True
            await self.pace.turn()
            going: Any = run(message)
            if going is not None and not isinstance(going, bool):
                await going
            return False

        return step
