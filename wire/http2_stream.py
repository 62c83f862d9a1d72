"""One stream of an HTTP/2 connection: carries one exchange, whose answer is written in the terms of HTTP/1.1."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wire.exchange import Exchange
from wire.heads import CONTINUE, HOP_BY_HOP, Header

if TYPE_CHECKING:
    from wire.http2 import Http2Connection
    from wire.tunnel import End, Tunnel

BUFFER = 64 * 1024
"""Bytes of an answer kept for a caller that does not take them; beyond it whoever makes the answer is asked to wait."""


class Stream:
    """Carries one exchange (see wire.carrier.Carrier). The connection sends what is in `out`, as its windows allow."""

    def __init__(self, owner: Http2Connection, number: int) -> None:
        self.owner = owner
        self.number = number
        self.loop = owner.loop
        self.server = owner.server
        self.transport = owner.transport
        self.scheme = owner.scheme
        self.client = owner.client
        self.local_port = owner.local_port
        self.trusted = owner.trusted
        self.forwarded = owner.forwarded
        self.draining = False
        self.write_paused = False
        self.exchange: Exchange | None = None
        self.out: deque[bytes] = deque()
        self.size = 0
        self.ended = False
        self.trail_headers: list[Header] = []
        self.came_behind: list[Header] = []
        self.quiet_since = owner.loop.time()
        self._head_sent = False
        self._request_paused = False
        self._unacknowledged = 0

    # -- what the exchange asks of its carrier

    @property
    def peer_certificate(self) -> bytes | None:
        """The caller's certificate (DER)."""
        return self.owner.peer_certificate

    def write(self, data: bytes) -> None:
        """Sends part of the answer; the head comes in one piece, perhaps with the beginning of the body."""
        if self.exchange is None or not data:
            return
        if not self._head_sent:
            if data is CONTINUE:
                self.owner.send_head(self.number, [(b":status", b"100")])
                return
            head, _, data = data.partition(b"\r\n\r\n")
            self._head_sent = True
            self.owner.send_head(self.number, head_of(head))
        if data:
            self.out.append(data)
            if not self.size:
                self.quiet_since = self.loop.time()
            self.size += len(data)
            self.owner.pump()
            if self.size > BUFFER and not self.write_paused:
                self.write_paused = True
                if self.exchange is not None and self.exchange.sink is not None:
                    self.exchange.sink.caller_paused()

    def drained(self) -> None:
        """The connection took enough: the answer may go on."""
        exchange = self.exchange
        if self.write_paused and self.size <= BUFFER // 2:
            self.write_paused = False
            if exchange is not None:
                if exchange.sink is not None:
                    exchange.sink.caller_resumed()
                exchange.writable()

    def pause_request(self) -> None:
        """Gives no more room for the request body."""
        self._request_paused = True

    def resume_request(self) -> None:
        """Gives the room back for what was taken."""
        self._request_paused = False
        self._acknowledge()

    def answered(self, exchange: Exchange) -> None:
        """The answer is written: its end follows when all is sent."""
        self.ended = True
        self.owner.pump()

    def next_exchange(self) -> None:
        """Nothing: a stream has one exchange only."""

    def discarded(self, exchange: Exchange) -> None:
        """A body that nobody wants: the room for it is given back, and the stream is reset once the answer is sent."""

    def abort(self) -> None:
        """Resets the stream."""
        self.owner.reset(self)

    def upgradable(self, exchange: Exchange) -> bool:
        """Streams are never upgraded."""
        return False

    def hand_over(self, lines: bytes, tunnel: Tunnel) -> End:
        """Never called, because no stream is upgradable. Raises RuntimeError."""
        raise RuntimeError("an HTTP/2 stream cannot be upgraded")

    def trail(self, headers: Iterable[Header]) -> None:
        """Headers behind the body."""
        self.trail_headers = [(name, value) for name, value in headers if name not in HOP_BY_HOP]

    def trailers(self) -> list[Header]:
        """Headers that came behind the request body."""
        return self.came_behind

    # -- what the connection tells

    def body(self, data: bytes, room: int) -> None:
        """Part of the request body came, which took `room` bytes of the windows."""
        self._unacknowledged += room
        if self.exchange is not None and data:
            self.exchange.feed(data)
        if not self._request_paused or self.exchange is None:
            self._acknowledge()

    def lost(self) -> None:
        """The stream, or the whole connection, is gone."""
        exchange, self.exchange = self.exchange, None
        self.write_paused = False
        self.out.clear()
        self._acknowledge()
        if exchange is not None and not exchange.finished:
            exchange.lose()

    def waits_for_body(self) -> bool:
        """Whether it is the caller who has to send."""
        exchange = self.exchange
        return exchange is not None and not (exchange.ended or self._request_paused or exchange.finished)

    def _acknowledge(self) -> None:
        if self._unacknowledged:
            room, self._unacknowledged = self._unacknowledged, 0
            self.owner.acknowledge(self.number, room)


def head_of(head: bytes) -> list[Header]:
    """The headers of an HTTP/1.1 answer head for HTTP/2: the status first, nothing about the connection."""
    first, _, rest = head.partition(b"\r\n")
    headers = [(b":status", first[9:12])]
    for line in rest.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        name = name.lower()
        if colon and name not in HOP_BY_HOP:
            headers.append((name, value.strip()))
    return headers
