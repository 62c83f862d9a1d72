"""Replies besides those to a connection: one that is kept to look at, and one with something to do before it."""

from __future__ import annotations

from integrator.engine.message import Message, Reply


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


class WrappedReply:
    """An answer's way out with something to do before it."""

    def __init__(self, inner: Reply):
        self.inner = inner

    @property
    def sent(self) -> bool:
        """Whether there was an answer."""
        return self.inner.sent

    @sent.setter
    def sent(self, value: bool) -> None:
        self.inner.sent = value

    def accept(self) -> None:
        """Answer 202 at once; it has no body to do anything with."""
        self.inner.accept()
