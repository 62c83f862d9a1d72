"""Where answers of injected messages go: nowhere, but they are kept to look at."""

from __future__ import annotations

from integrator.engine.message import Message


class Collector:
    """Reply of a message that the engine injected itself (tasks, processors)."""

    def __init__(self) -> None:
        self.sent = False
        self.answer: Message | None = None

    async def send(self, message: Message) -> None:
        """Keep the answer; its body is read so that a connection to a backend is freed."""
        await message.payload.read()
        self.sent = True
        self.answer = message

    def accept(self) -> None:
        """Nobody waits for a 202."""
