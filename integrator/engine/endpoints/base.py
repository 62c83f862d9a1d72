"""What every endpoint offers: it sends a message and leaves the answer in it, or raises a Fault."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from integrator.engine.expressions import Expression, scopes
from integrator.engine.message import Message


@dataclass(frozen=True)
class Property:
    """A property that the endpoint sets on the message when it sends."""

    name: str
    value: Expression
    scope: str

    def apply(self, message: Message) -> None:
        """Set it."""
        scopes.write(message, self.scope, self.name, self.value.string(message))


class Extension(Protocol):
    """What a child element of an endpoint does to messages besides sending: addressing, security. Known when it is deployed.

    Endpoints without extensions pay nothing for them.
    """

    async def outgoing(self, message: Message) -> None:
        """Change the request, whose body was read. Raises Fault."""

    async def incoming(self, message: Message) -> None:
        """Check and change the answer. Raises Fault."""


class Endpoint(ABC):
    """Base of all endpoints. `on_error` names the sequence that runs when sending fails."""

    def __init__(self, name: str = "", on_error: str | None = None, properties: tuple[Property, ...] = ()):
        self.name = name
        self.on_error = on_error
        self.properties = properties

    kind = "endpoint"

    @abstractmethod
    async def send(self, message: Message) -> None:
        """Send the message; afterwards it holds the answer. Raises Fault with a code of reference 4.8."""

    def ready(self, message: Message) -> bool:
        """Whether a message may be tried now."""
        return True

    def handler(self, message: Message) -> str | None:
        """Name of the sequence that handles a failure of this message."""
        return self.on_error

    def recipients(self, message: Message) -> Sequence[Endpoint] | None:
        """Endpoints that each get a copy; None for an endpoint that gets the message itself."""
        return None

    def children(self) -> Sequence[Endpoint]:
        """Endpoints inside this one."""
        return ()

    def describe(self) -> dict[str, object]:
        """Fields for the management API."""
        return {"name": self.name, "type": self.kind, "isActive": True}
