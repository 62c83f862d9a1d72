"""drop: stops the flow without an answer of its own (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from integrator.engine.mediators.base import Mediator, Step, register
from integrator.engine.message import Message


@register("drop")
@dataclass(frozen=True, kw_only=True)
class Drop(Mediator):
    """No settings."""

    def compile(self) -> Step:
        """A step that stops."""
        return drop


def drop(message: Message) -> bool:
    """Forget where the message goes, and stop."""
    message.to = None
    return False
