"""What an exchange needs of whatever carries it: an HTTP/1.1 connection, or one stream of an HTTP/2 connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from wire.heads import Header

if TYPE_CHECKING:
    from wire.exchange import Exchange
    from wire.server import Server
    from wire.tunnel import End, Tunnel


class Carrier(Protocol):
    """One caller. Answers are written as HTTP/1.1; a carrier of another protocol translates heads."""

    loop: asyncio.AbstractEventLoop
    server: Server
    transport: asyncio.Transport
    scheme: str
    client: tuple[str, int]
    local_port: int
    trusted: bool
    """Whether the caller is a proxy that is believed about its own callers."""

    forwarded: bytes
    """The header lines that tell a backend about the caller."""

    draining: bool
    write_paused: bool

    @property
    def peer_certificate(self) -> bytes | None:
        """The caller's certificate (DER)."""

    def write(self, data: bytes, /) -> None:
        """Sends part of the answer: its whole head first."""

    def pause_request(self) -> None:
        """Takes no more of the request body for now."""

    def resume_request(self) -> None:
        """Takes the request body again."""

    def answered(self, exchange: Exchange) -> None:
        """The answer is written."""

    def next_exchange(self) -> None:
        """The request of an answered exchange is complete."""

    def discarded(self, exchange: Exchange) -> None:
        """More of a body that nobody wants any more arrived."""

    def abort(self) -> None:
        """Breaks the answer off, so that it cannot be taken for whole."""

    def upgradable(self, exchange: Exchange) -> bool:
        """Whether the exchange asked for an upgrade that may still be taken."""

    def hand_over(self, lines: bytes, tunnel: Tunnel) -> End:
        """Answers an upgrade and gives the connection away."""

    def trail(self, headers: Iterable[Header]) -> None:
        """Headers to send after the body; dropped where there is no good place for them."""

    def trailers(self) -> list[Header]:
        """Headers that came after the request body."""
