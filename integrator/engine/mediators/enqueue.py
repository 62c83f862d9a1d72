"""enqueue: hands a copy of the message to a priority executor and goes on (reference 3.2)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Self

from integrator.engine.executors import Pool
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.sequence import Chain, run_flow

log = logging.getLogger("integrator.mediation")


@register("enqueue")
@dataclass(frozen=True, kw_only=True)
class Enqueue(Mediator):
    """Sequence, executor and priority."""

    sequence: str
    executor: str
    priority: int

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        return cls(
            **cls.common(element, reader),
            sequence=reader.required(element, "sequence"),
            executor=reader.required(element, "executor"),
            priority=reader.integer(element, element.get("priority"), "attribute priority", 0),
        )

    @property
    def reads_content(self) -> bool:
        """The copy needs the whole message."""
        return True

    def compile(self) -> Step:
        """A step that takes a place in the executor; without one of this name the sequence runs at once."""

        async def step(message: Message) -> None:
            deployment = message.deployment
            chain = deployment.required_sequence(self.sequence)
            held = deployment.executor(self.executor)
            if held is None:
                log.warning(
                    "priority executor %s is not deployed; sequence %s runs at once", self.executor, self.sequence
                )
                await chain.run(message.copy())
                return
            turn = held.pool.place(self.priority)
            work = _in_turn(turn, held.pool, message.copy(), chain)
            message.flow.tasks.add(asyncio.get_running_loop().create_task(work))

        return step


async def _in_turn(turn: asyncio.Future[None], pool: Pool, message: Message, chain: Chain) -> None:
    await turn
    try:
        await run_flow(message, chain)
    finally:
        pool.done()
