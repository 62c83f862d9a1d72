"""aggregate: collects the pieces of clone and iterate, or of a recipient list, into one message (reference 3.2)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.mediators.collect import Collector
from integrator.engine.message import Frame, Message
from integrator.engine.sequence import Chain, run_fault
from integrator.engine.xmltools import child

log = logging.getLogger("integrator.mediation")


@dataclass(eq=False)
class Group:
    """Messages that arrived for one correlation."""

    messages: list[Message] = field(default_factory=list)
    done: bool = False
    timer: asyncio.Task[None] | None = None


@register("aggregate")
@dataclass(frozen=True, kw_only=True)
class Aggregate(Mediator):
    """Correlation, completion and what to do with the result."""

    id: str
    correlate: Expression | None
    timeout_s: float
    min_count: Expression
    max_count: Expression
    collector: Collector
    on_complete: Branch
    open_groups: dict[str, Group] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("correlateOn", "completeCondition", "onComplete", "description"))
        correlate, condition, complete = (
            child(element, name) for name in ("correlateOn", "completeCondition", "onComplete")
        )
        if complete is None:
            raise reader.fail(element, "child <onComplete> is required")
        count = child(condition, "messageCount") if condition is not None else None
        unset = Constant("-1")
        timeout = condition.get("timeout") if condition is not None else None
        return cls(
            **cls.common(element, reader),
            id=element.get("id") or "",
            correlate=reader.path(correlate, "expression") if correlate is not None else None,
            timeout_s=float(reader.integer(element, timeout, "attribute timeout", 0)),
            min_count=(reader.optional_value(count, "min") if count is not None else None) or unset,
            max_count=(reader.optional_value(count, "max") if count is not None else None) or unset,
            collector=Collector.parse(complete, reader),
            on_complete=chain_of(complete, reader),
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of onComplete."""
        return self.on_complete.children

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that collects; the completing message runs onComplete."""
        chain = Chain([(self.on_complete.compile("onComplete"), False, self.place)], "onComplete")

        async def step(message: Message) -> bool | None:
            group, total = self._group(message)
            if group is None:
                return True
            if group.done:
                return False
            group.messages.append(message)
            if self._complete(group, total, message):
                return await self._finish(group, message, chain)
            if self.timeout_s > 0 and group.timer is None:
                group.timer = asyncio.create_task(self._expire(group, chain))
                message.flow.tasks.add(group.timer)
            return False

        return step

    def _group(self, message: Message) -> tuple[Group | None, int]:
        if self.correlate is not None:
            if not self.correlate.boolean(message):
                return None, -1
            return self.open_groups.setdefault(self.correlate.text, Group()), -1
        suffix = f".{self.id}" if self.id else ""
        correlation = message.properties.get(f"aggregateCorelation{suffix}")
        if correlation is None:
            return None, -1
        place = str(message.properties.get(f"messageSequence{suffix}", "0/0")).rpartition("/")[2]
        return message.flow.groups.setdefault((id(self), correlation), Group()), int(place or 0)

    def _complete(self, group: Group, total: int, message: Message) -> bool:
        count = len(group.messages)
        least, most = (_number(bound.string(message)) for bound in (self.min_count, self.max_count))
        if 0 < total <= count or 0 < most <= count:
            return True
        return 0 < least <= count

    async def _expire(self, group: Group, chain: Chain) -> None:
        await asyncio.sleep(self.timeout_s)
        if group.done:
            return
        last = group.messages[-1]
        try:
            await self._finish(group, last, chain)
        except Fault as fault:
            await run_fault(last, fault)

    async def _finish(self, group: Group, message: Message, chain: Chain) -> bool:
        group.done = True
        if group.timer is not None and group.timer is not asyncio.current_task():
            group.timer.cancel()
            message.flow.tasks.discard(group.timer)
        if self.correlate is not None:
            self.open_groups.pop(self.correlate.text, None)
        first = group.messages[0]
        result = first.copy(first.payload.blank() if self.collector.replaces else None)
        self.collector.combine(result, group.messages)
        result.frames = [Frame(frame.chain, frame.index) for frame in message.frames]
        going = await chain.run(result)
        if going:
            message.payload = result.payload
            message.properties.update(result.properties)
            message.axis2.update(result.axis2)
        return going


def _number(text: Any) -> int:
    try:
        return int(float(text or -1))
    except ValueError:
        return -1
