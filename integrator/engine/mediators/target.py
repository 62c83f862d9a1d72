"""The `target` element of clone, iterate and conditionalRouter: where a copy of the message goes (reference 3.9)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from integrator.engine.endpoints.base import Endpoint
from integrator.engine.endpoints.parse import endpoint_of
from integrator.engine.errors import Fault
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of
from integrator.engine.mediators.send import deliver
from integrator.engine.message import Message
from integrator.engine.sequence import Chain, resume, run_fault
from integrator.engine.xmltools import child

PARALLEL = 64
"""Copies of one message that run at the same time."""


@dataclass(frozen=True)
class Target:
    """To, action, and the sequence or endpoint."""

    to: str
    action: str
    branch: Branch | None
    endpoint: Endpoint | None

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of the inline sequence."""
        return self.branch.children if self.branch else ()

    def compile(self, record: Mediator) -> Step:
        """A step that runs the target on a copy."""
        steps = []
        if self.branch is not None:
            steps.append((self.branch.compile("target"), False, record.place))
        endpoint = self.endpoint
        if endpoint is not None:
            steps.append((lambda message: deliver(message, endpoint), False, record.place))
        chain = Chain(steps, "target")

        def step(message: Message) -> Any:
            message.to = self.to or message.to
            message.action = self.action or message.action
            return chain.run(message)

        return step


def read_target(element: Element, reader: Reader) -> Target:
    """Read a target element: inline sequence, named sequence, inline endpoint, named endpoint, in this order."""
    inline, inline_endpoint = child(element, "sequence"), child(element, "endpoint")
    branch: Branch | None = None
    if inline is not None:
        branch = chain_of(inline, reader, "key")
    elif element.get("sequence"):
        branch = chain_of(element, reader)
    endpoint = None
    if branch is None or inline_endpoint is not None or element.get("endpoint"):
        endpoint = endpoint_of(element, reader)
    return Target(element.get("to") or "", element.get("soapAction") or "", branch, endpoint)


async def scatter(
    message: Message, copies: Sequence[tuple[Message, Step]], sequential: bool, continue_parent: bool
) -> bool:
    """Run the copies; whether the parent goes on. Without continueParent the parent waits for them, then stops."""
    if sequential:
        for copy, step in copies:
            await _sequential(message, copy, step)
        return continue_parent
    gate = asyncio.Semaphore(PARALLEL)
    tasks = [asyncio.create_task(_parallel(copy, step, gate)) for copy, step in copies]
    if continue_parent:
        message.flow.tasks.update(tasks)
        return True
    await asyncio.gather(*tasks)
    return False


async def _sequential(message: Message, copy: Message, step: Step) -> None:
    try:
        await _run(copy, step)
    except Fault:
        message.properties.update(copy.properties)
        raise


async def _parallel(copy: Message, step: Step, gate: asyncio.Semaphore) -> None:
    async with gate:
        try:
            await _run(copy, step)
        except Fault as fault:
            await run_fault(copy, fault)


async def _run(copy: Message, step: Step) -> None:
    going: Any = step(copy)
    if going is not None and not isinstance(going, bool):
        going = await going
    if going is not False and copy.suspended:
        await resume(copy)


def mark_piece(copy: Message, parent: Message, identifier: str, number: int, total: int) -> None:
    """Properties by which aggregate finds the pieces of one message."""
    suffix = f".{identifier}" if identifier else ""
    copy.properties[f"messageSequence{suffix}"] = f"{number}/{total}"
    copy.properties[f"aggregateCorelation{suffix}"] = parent.id
