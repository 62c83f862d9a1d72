"""Requests and answers that policies look into or change. Calls without such policies never make one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wire.heads import Header

if TYPE_CHECKING:
    from wire.exchange import Exchange


@dataclass(slots=True, eq=False)
class Outgoing:
    """The request as it will go to the backend. `target` is the resource with its query, below the endpoint's address.

    `headers` are (lower-case name, value); `body` None means that the caller's body streams through unread. `to` is an absolute
    address that replaces the endpoint's (dynamic endpoints); None leaves it.
    """

    method: bytes
    target: bytes
    headers: list[Header]
    body: bytes | None = None
    to: bytes | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    """What request policies leave for those of the response (mediation's default scope)."""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header, by its lower-case name."""
        return next((value for known, value in self.headers if known == name), None)

    def remove(self, name: bytes) -> None:
        """Takes out all headers of this lower-case name."""
        self.headers = [pair for pair in self.headers if pair[0] != name]

    def replace(self, name: bytes, value: bytes) -> None:
        """Sets a header, whatever was there. Raises ValueError for a value with a line break or NUL."""
        check_header(name, value)
        self.remove(name)
        self.headers.append((name, value))


@dataclass(slots=True, eq=False)
class Answer:
    """A backend's answer, read whole, on its way through the response policies."""

    status: int
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header, by its lower-case name."""
        return next((value for known, value in self.headers if known == name), None)

    def remove(self, name: bytes) -> None:
        """Takes out all headers of this lower-case name."""
        self.headers = [pair for pair in self.headers if pair[0] != name]

    def replace(self, name: bytes, value: bytes) -> None:
        """Sets a header, whatever was there. Raises ValueError for a value with a line break or NUL."""
        check_header(name, value)
        self.remove(name)
        self.headers.append((name, value))


def outgoing(exchange: Exchange, cut: int) -> Outgoing:
    """The request of `exchange` below its API's context, which ends at `cut` of the path."""
    return Outgoing(exchange.method, exchange.target[cut:], list(exchange.headers))


def check_header(name: bytes, value: bytes) -> None:
    """Raises ValueError when a header would break out of its line."""
    if any(byte in b"\r\n\0" for byte in name + value) or not name or b":" in name or b" " in name:
        raise ValueError(f"{name!r}: {value!r} is not a header line")
