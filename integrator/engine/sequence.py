"""The sequence runner: the one place where steps are run, the body is read for them, and errors get their place."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence

from integrator.engine.errors import Fault, Place
from integrator.engine.expressions import scopes
from integrator.engine.message import Frame, Message

log = logging.getLogger("integrator.mediation")

Step = Callable[[Message], "None | bool | Awaitable[bool | None]"]
MAX_NESTING = 100


class Chain:
    """A compiled list of steps. `on_error` names the sequence that handles what fails in here."""

    __slots__ = ("name", "on_error", "places", "reads_content", "steps")

    def __init__(self, steps: Sequence[tuple[Step, bool, Place]], name: str = "", on_error: str | None = None):
        self.steps = [(step, reads) for step, reads, _ in steps]
        self.places = [place for _, _, place in steps]
        self.name = name
        self.on_error = on_error
        self.reads_content = any(reads for _, reads, _ in steps)

    async def run(self, message: Message, start: int = 0) -> bool:
        """Run the steps in order until one returns False. Raises Fault with the place of the step."""
        if self.on_error is None:
            return await self._run(message, start)
        try:
            return await self._run(message, start)
        except Fault as fault:
            handler = message.deployment.sequence(self.on_error)
            if handler is None:
                raise
            note_fault(message, fault)
            await handler.run(message)
            return False

    async def _run(self, message: Message, start: int) -> bool:
        frames = message.frames
        if len(frames) > MAX_NESTING:
            raise Fault(0, f"sequences are nested more than {MAX_NESTING} deep at {self.name!r}")
        frame = Frame(self, start)
        frames.append(frame)
        try:
            for step, reads in self.steps[start:] if start else self.steps:
                if reads and message.payload.unread is not None:
                    await message.payload.read()
                result = step(message)
                if result is not None and result is not True and (result is False or await result is False):
                    return False
                frame.index += 1
            return True
        except Fault as fault:
            fault.place = fault.place or self.places[frame.index]
            raise
        except Exception as error:  # noqa: BLE001  (the edge of mediation: any error of a step becomes a fault)
            raise Fault(
                0, str(error) or type(error).__name__, traceback.format_exc(), self.places[frame.index]
            ) from error
        finally:
            if frames and frames[-1] is frame:
                frames.pop()


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
        "%s failed: ERROR_CODE=%s ERROR_MESSAGE=%s%s",
        message.flow.artifact or "message",
        fault.code,
        fault.message,
        f" at {fault.place}" if fault.place else "",
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
        log.error("the fault sequence of %s failed: %s at %s", message.flow.artifact, second.message, second.place)
