"""send: sends the message and runs the response flow; the flow itself stops (reference 3.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Self

from integrator.engine.endpoints.base import Endpoint
from integrator.engine.endpoints.groups import anonymous_default
from integrator.engine.endpoints.parse import endpoint_of
from integrator.engine.errors import Discarded, Fault
from integrator.engine.expressions import Expression, scopes
from integrator.engine.expressions.scopes import is_true
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.builder import build
from integrator.engine.mediators.loopback import to_response
from integrator.engine.message import Message
from integrator.engine.sequence import note_fault, run_fault

log = logging.getLogger("integrator.mediation")


@register("send")
@dataclass(frozen=True, kw_only=True)
class Send(Mediator):
    """Endpoint (none: To address, or the client on a response) and receiving sequence."""

    endpoint: Endpoint | None
    receive: Expression | None
    build: bool

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.leave_out(element, ("endpoint", "description"))
        return cls(
            **cls.common(element, reader),
            endpoint=endpoint_of(element, reader),
            receive=reader.optional_value(element, "receive"),
            build=reader.flag(element, "buildmessage"),
        )

    @property
    def reads_content(self) -> bool:
        """Only when told to build the message first."""
        return self.build or super().reads_content

    def compile(self) -> Step:
        """A step that sends; always stops."""
        fixed, fallback, receive = self.endpoint, anonymous_default(), self.receive

        async def step(message: Message) -> bool:
            if fixed is None and (message.response or not message.to):
                await message.flow.reply.send(message)
                return False
            await deliver(message, fixed or fallback, receive.string(message) if receive else None)
            return False

        if not self.build:
            return step

        def built(message: Message) -> Awaitable[bool]:
            build(message)
            return step(message)

        return built


async def deliver(message: Message, endpoint: Endpoint, receive: str | None = None) -> bool:
    """Send and run the response flow. False, as send always stops."""
    recipients = endpoint.recipients(message)
    if recipients is not None:
        await message.payload.read()
        copies = [message.copy() for _ in recipients]
        for number, copy in enumerate(copies):
            copy.properties["messageSequence"] = f"{number}/{len(copies)}"
            copy.properties["aggregateCorelation"] = message.id
        await asyncio.gather(*(_one(copy, member, receive) for copy, member in zip(copies, recipients, strict=True)))
        return False
    if is_true(message.properties.get("OUT_ONLY")):
        await message.payload.read()
        await send_only(message.copy(), endpoint)
        return False
    if receive is not None:
        message.properties["RECEIVING_SEQUENCE"] = receive
    if await exchange(message, endpoint):
        await answered(message, receive)
    return False


async def _one(copy: Message, endpoint: Endpoint, receive: str | None) -> None:
    try:
        if await exchange(copy, endpoint):
            await answered(copy, receive)
    except Fault as fault:
        await run_fault(copy, fault)


async def answered(message: Message, receive: str | None) -> None:
    """The response flow: receiving sequence (of send, or RECEIVING_SEQUENCE), else out sequence, else the client."""
    receive = message.properties.pop("RECEIVING_SEQUENCE", None) or receive
    if receive:
        message.frames.clear()
        await message.deployment.required_sequence(receive).run(message)
    else:
        await to_response(message)


async def exchange(message: Message, endpoint: Endpoint) -> bool:
    """Send and take the answer; whether there is one. An endpoint's onError sequence handles its failure."""
    try:
        await endpoint.send(message)
    except Discarded as late:
        log.warning("discarded: %s", late.message, extra={"correlation_id": message.flow.correlation_id})
        return False
    except Fault as fault:
        name = _handler(endpoint, message)
        handler = message.deployment.sequence(name) if name else None
        if handler is None:
            raise
        note_fault(message, fault)
        await handler.run(message)
        return False
    return True


def _handler(endpoint: Endpoint, message: Message) -> str | None:
    try:
        return endpoint.handler(message)
    except Fault:  # the key leads nowhere: that is the failure
        return None


async def send_only(message: Message, endpoint: Endpoint) -> None:
    """Send without an answer, and without waiting unless the message says so; the engine waits for it before it stops."""

    async def run() -> None:
        try:
            await endpoint.send(message)
            message.payload.discard()
        except Fault as fault:
            await run_fault(message, fault)

    if any(str(message.axis2.get(name)).lower() == "false" for name in scopes.WAITING):
        await run()
    else:
        message.deployment.runtime.spawn(run())
