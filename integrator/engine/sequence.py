"""The sequence runner: compiled lists of steps, the flow around them, and what happens when one fails."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from integrator.engine.errors import Fault, Place
from integrator.engine.expressions import scopes
from integrator.engine.message import Message
from integrator.engine.xmltools import Element

log = logging.getLogger("integrator.mediation")

Step = Callable[[Message], "None | bool | Awaitable[bool | None]"]


class Chain:
    """A compiled list of steps. `on_error` names the sequence that handles what fails in here.

    `sources` are the elements of the steps, for those who show them; without them the chain is `inner`: it only leads
    to another one. `traced` is the variant that takes notes, made when a traced message first gets here.
    """

    __slots__ = ("inner", "name", "on_error", "places", "reads_content", "sources", "steps", "traced")

    def __init__(
        self,
        steps: Sequence[tuple[Step, bool, Place]],
        name: str = "",
        on_error: str | None = None,
        sources: Sequence[Element] = (),
    ):
        self.steps = [(step, reads) for step, reads, _ in steps]
        self.places = [place for _, _, place in steps]
        self.name = name
        self.sources = sources
        self.inner = not sources
        self.traced: Chain | None = None
        self.on_error = on_error
        self.reads_content = any(reads for _, reads, _ in steps)

    def run(self, message: Message, start: int = 0) -> Coroutine[Any, Any, bool]:
        """Run the steps in order until one returns False. Raises Fault with the place of the step."""
        return message.walk(self, start) if self.on_error is None else self._guarded(message, start, self.on_error)

    async def _guarded(self, message: Message, start: int, on_error: str) -> bool:
        try:
            return await message.walk(self, start)
        except Fault as fault:
            handler = message.deployment.sequence(on_error)
            if handler is None:
                raise
            note_fault(message, fault)
            await handler.run(message)
            return False


async def resume(message: Message) -> bool:
    """Go on after the point where the message's parent stood, list by list outwards."""
    while message.frames:
        frame = message.frames.pop()
        if not await frame.chain.run(message, frame.index + 1):
            return False
    return True


def note_fault(message: Message, fault: Fault) -> None:
    """ERROR_* properties; what an earlier handler or endpoint set for this failure is kept."""
    detail = f"{fault.detail}\n\tat {fault.place}" if fault.place else fault.detail
    if fault.path:
        detail += f"\n\tin {fault.path}"
    scopes.set_error(
        message, fault.code, fault.message.splitlines()[0] if fault.message else "", detail, fault.__cause__ or fault
    )


async def run_flow(message: Message, chain: Chain) -> None:
    """Run a flow from its entry, with the fault flow behind it. Never raises Fault."""
    try:
        await chain.run(message)
    except Fault as fault:
        await run_fault(message, fault)


async def run_fault(message: Message, fault: Fault) -> None:
    """Run the flow's fault sequence, then the stock one if that fails too."""
    log.error(
        "%s failed: ERROR_CODE=%s ERROR_MESSAGE=%s%s%s",
        message.flow.artifact or "message",
        fault.code,
        fault.message,
        f" at {fault.place}" if fault.place else "",
        f" in {fault.path}" if fault.path else "",
        extra={"correlation_id": message.flow.correlation_id},
    )
    note_fault(message, fault)
    if message.flow.fault is None:  # a fault sequence of its own decides what the caller gets, 202 if it sends nothing
        message.flow.failure = Fault(fault.code, fault.message) if message.response else fault
    message.frames.clear()
    handler = message.flow.fault or message.deployment.sequence("fault")
    if handler is None:
        return
    try:
        await handler.run(message)
    except Fault as second:
        message.flow.failure = second
        log.error(
            "the fault sequence of %s failed: %s at %s in %s",
            message.flow.artifact,
            second.message,
            second.place,
            second.path,
            extra={"correlation_id": message.flow.correlation_id},
        )
