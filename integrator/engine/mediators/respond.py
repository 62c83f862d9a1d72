"""respond: sends the message back to the client and stops (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from integrator.engine.errors import Fault
from integrator.engine.mediators.base import Mediator, Step, register
from integrator.engine.message import Message


@register("respond")
@dataclass(frozen=True, kw_only=True)
class Respond(Mediator):
    """No settings."""

    def compile(self) -> Step:
        """A step that answers."""
        return respond


async def respond(message: Message) -> bool:
    """Answer the client with this message; the flow stops."""
    message.to = None
    came_back, message.response = message.response, True
    try:
        await message.flow.reply.send(message)
    except Fault:
        message.response = came_back  # a body that cannot be written is blamed on who sent it
        raise
    return False
