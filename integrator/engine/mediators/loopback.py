"""loopback: turns a request into a response and runs the out sequence (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from integrator.engine.mediators.base import Mediator, Step, register
from integrator.engine.message import Message


@register("loopback")
@dataclass(frozen=True, kw_only=True)
class Loopback(Mediator):
    """No settings."""

    def compile(self) -> Step:
        """A step that goes to the out sequence."""
        return loopback


async def loopback(message: Message) -> bool:
    """Run the out sequence of the resource or proxy; without one the message goes to the client."""
    if not message.response:
        await to_response(message)
    return False


async def to_response(message: Message) -> None:
    """The message is a response from here on: out sequence, or straight back."""
    message.response = True
    message.to = None
    message.frames.clear()
    if message.flow.out is not None:
        await message.flow.out.run(message)
    else:
        await message.flow.reply.send(message)
