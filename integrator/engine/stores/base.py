"""Message stores: first in, first out; a message leaves only when its delivery is acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class StoreError(Exception):
    """The store cannot be reached or refuses."""


@dataclass(frozen=True)
class Reserved:
    """The head of a store while one consumer works on it."""

    data: bytes
    token: str


class Store(Protocol):
    """Contract of a message store. At most one consumer holds the head; a consumer that dies loses its hold."""

    name: str
    durable: bool

    async def put(self, data: bytes) -> None:
        """Append a message; when this returns the store has it. Raises StoreError."""

    async def reserve(self) -> Reserved | None:
        """Hold the oldest message; None when there is none or another consumer holds it."""

    async def keep(self, reserved: Reserved) -> None:
        """Prolong the hold while working on the message."""

    async def ack(self, reserved: Reserved) -> None:
        """Remove the held message and give up the hold."""

    async def release(self, reserved: Reserved) -> None:
        """Give up the hold; the message stays at the head."""

    async def size(self) -> int:
        """Messages waiting."""
