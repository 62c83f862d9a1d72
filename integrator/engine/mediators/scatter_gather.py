"""scatter-gather: runs sequences on copies of the message and puts together what they give (reference 3.12)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators import gather
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.message import Message
from integrator.engine.sequence import Chain
from integrator.engine.xmltools import child, children, local


@register("scatter-gather")
@dataclass(frozen=True, kw_only=True)
class ScatterGather(Mediator):
    """The sequences, what is taken from each, when enough came back, and where the result goes."""

    branches: tuple[Branch, ...]
    parallel: bool
    expression: Expression | None
    condition: Expression | None
    timeout_ms: int
    least: Expression | None
    most: Expression | None
    outcome: gather.Outcome

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("aggregation", "sequence", "description"))
        aggregation = child(element, "aggregation")
        if aggregation is None:
            raise reader.fail(element, "child <aggregation> is required")
        branches = tuple(chain_of(item, reader, "key") for item in children(element) if local(item) == "sequence")
        if not branches:
            raise reader.fail(element, "at least one child <sequence> is required")
        timeout = reader.integer(aggregation, aggregation.get("timeout"), "attribute timeout", 0)
        if timeout < 0:
            raise reader.fail(aggregation, f"attribute timeout='{timeout}': milliseconds from 0 are expected")
        return cls(
            **cls.common(element, reader),
            branches=branches,
            parallel=reader.flag(element, "parallel-execution", True),
            expression=reader.optional_path(aggregation, "expression"),
            condition=reader.optional_path(aggregation, "condition"),
            timeout_ms=timeout,
            least=reader.optional_value(aggregation, "min-messages"),
            most=reader.optional_value(aggregation, "max-messages"),
            outcome=gather.Outcome.parse(element, reader, _variable(element, reader)),
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of all sequences."""
        return tuple(item for branch in self.branches for item in branch.children)

    @property
    def reads_content(self) -> bool:
        """The body is copied."""
        return True

    def compile(self) -> Step:
        """A step that runs the sequences and goes on with the result."""
        chains = [gather.chain(branch, self.place, "scatter-gather") for branch in self.branches]

        async def step(message: Message) -> None:
            await self._run(message, chains)

        return step

    async def _run(self, message: Message, chains: list[Chain]) -> None:
        least, most = _count(self.least, message), _count(self.most, message)
        gathering = gather.Gathering()

        def enough() -> bool:
            came = len(gathering.arrived)
            if most is not None and came >= most:
                return True
            return self.condition is not None and self._holds(gathering) and came >= (least or 1)

        work = [(chain, gather.copy_of(message)) for chain in chains]
        faults: list[Fault] = []
        timed_out = False
        try:
            async with asyncio.timeout(self.timeout_ms / 1000 if self.timeout_ms else None):
                faults = await gather.run_all(work, gathering, parallel=self.parallel, enough=enough)
        except TimeoutError:
            timed_out = True
        self._check(gathering, faults, least, timed_out)
        arrived = [gathering.arrived[number] for number in sorted(gathering.arrived)][:most]
        self.outcome.put(message, [gather.taken(each, self.expression, self.outcome.xml) for each in arrived])

    def _holds(self, gathering: gather.Gathering) -> bool:
        assert self.condition is not None
        return any(self.condition.boolean(each) for each in gathering.arrived.values())

    def _check(self, gathering: gather.Gathering, faults: list[Fault], least: int | None, timed_out: bool) -> None:
        """Raises Fault when too few came back; without min-messages no sequence may fail."""
        came = len(gathering.arrived)
        if faults and (least is None or came < least):
            raise faults[0]
        if came < (least or 1):
            reason = f"within {self.timeout_ms} ms" if timed_out else "of all sequences"
            raise Fault(0, f"scatter-gather: {came} messages came back {reason}, {least or 1} are needed")


def _count(value: Expression | None, message: Message) -> int | None:
    text = value.string(message) if value is not None else None
    if not text or text == "-1":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise Fault(0, f"scatter-gather: {text!r}: a number of messages from 1 is expected")
    return int(text)


def _variable(element: Element, reader: Reader) -> str:
    """The variable that gets the result; empty for the body."""
    wanted = element.get("target") or element.get("result-target") or "body"
    if wanted.lower() == "body":
        return ""
    if wanted.lower() == "variable":
        named = element.get("target-variable") or element.get("variable-name")
        if not named:
            raise reader.fail(element, "attribute 'target-variable' is required with target='variable'")
        return str(named)
    if element.get("target"):
        raise reader.fail(element, f"attribute target={wanted!r}: allowed are body, variable")
    return wanted
