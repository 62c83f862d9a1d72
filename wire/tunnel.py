"""Connections that leave HTTP: an `Upgrade` taken over from a caller, or won from a backend with a 101 answer.

Both sides look the same: an `End` is the raw connection, a `Tunnel` is whoever owns it. A handler that takes a caller's
upgrade calls `exchange.upgrade(lines, tunnel)`; one that wants a backend's calls `await dial(origin, target, headers,
tunnel)`. Bytes that came behind a head are the tunnel's first data. `couple()` makes two tunnels that pass bytes to each
other with back-pressure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wire.client import ClientLink, Limits, Response
from wire.heads import Header, block
from wire.upstream import Origin

if TYPE_CHECKING:
    from wire.server import Server


class Tunnel:
    """The owner of a raw connection: subclass it and override what matters. Its methods are called by the connection.

    Order: `connected` once, then `received`, `paused`, `resumed`, `tick` and `drain` any number of times, `lost` once and last.
    """

    end: End
    """The connection, from `connected` on."""

    def connected(self, end: End) -> None:
        """The connection is ours. Data flows when this returns, unless it called `end.pause()`."""
        self.end = end

    def received(self, data: bytes) -> None:
        """Bytes from the other side. Call `end.pause()` when there is no room for more."""

    def paused(self) -> None:
        """The other side reads too slowly: write no more until `resumed`, what is written piles up in memory."""

    def resumed(self) -> None:
        """The other side takes bytes again."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone, by whomever; `error` None when it ended in an orderly way."""

    def drain(self) -> None:
        """Our server stops: finish within its grace (a closing handshake, then `end.close()`), or be broken after it."""
        self.end.close()

    def tick(self, now: float) -> None:
        """About twice a second on callers' connections. `end.quiet_since` says since when nothing came: idle limits go here."""


_NOBODY = Tunnel()
"""Owns the connections that are gone."""


class End(asyncio.Protocol):
    """One raw connection, handed over by HTTP. `client` is the socket's address on the other side."""

    def __init__(self, transport: asyncio.Transport, tunnel: Tunnel, rest: bytes, server: Server | None = None) -> None:
        self.transport = transport
        self.tunnel = tunnel
        self.server = server
        self.loop = asyncio.get_running_loop()
        self.write_paused = False
        self.closed = False
        self.progress = 0
        self.quiet_since = self.loop.time()
        self._seen = 0
        self._stuck_since = 0.0
        self._rest = rest
        self._paused = True
        peer = transport.get_extra_info("peername")
        self.client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) and len(peer) > 1 else ("", 0)

    # -- for the tunnel

    def write(self, data: bytes) -> None:
        """Sends. Nothing happens when the connection is gone. Heed `write_paused` (or `Tunnel.paused`)."""
        if not self.closed:
            self.transport.write(data)

    def pause(self) -> None:
        """Reads no more; the other side feels it. Nothing when already so."""
        if not self._paused and not self.closed:
            self._paused = True
            self._stop()

    def resume(self) -> None:
        """Reads again; bytes kept from the head's read come first, in this call."""
        if not self._paused or self.closed:
            return
        self._paused = False
        rest, self._rest = self._rest, b""
        if rest:
            self.tunnel.received(rest)
        if not (self._paused or self.transport.is_closing()):
            self.transport.resume_reading()

    def _stop(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def close(self) -> None:
        """Closes after what was written has gone out; `Tunnel.lost` follows."""
        if not self.closed:
            self.transport.close()

    def abort(self) -> None:
        """Breaks the connection at once; `Tunnel.lost` follows."""
        if not self.closed:
            self.transport.abort()

    # -- for the server

    def take(self, write_paused: bool) -> None:
        """Becomes the transport's protocol and lets data flow. For the hand-over only."""
        self.write_paused = write_paused
        self.transport.set_protocol(self)
        self._stop()
        self._paused = False
        self.tunnel.connected(self)
        if not self._paused:
            self._paused = True
            self.resume()

    def drain(self) -> None:
        """The server stops."""
        if not self.closed:
            self.tunnel.drain()

    def check(self, now: float) -> None:
        """The server's watch: an end that takes no bytes for the server's write limit is broken, the rest is the tunnel's."""
        if self.progress != self._seen:
            self._seen = self.progress
            self.quiet_since = now
        if not self.write_paused:
            self._stuck_since = 0.0
        elif not self._stuck_since:
            self._stuck_since = now
        elif self.server is not None and now - self._stuck_since > self.server.timeouts.write:
            self.abort()
            return
        self.tunnel.tick(now)

    # -- transport

    def data_received(self, data: bytes) -> None:
        """Bytes from the other side."""
        self.progress += 1
        self.tunnel.received(data)

    def pause_writing(self) -> None:
        """The other side reads too slowly."""
        self.write_paused = True
        self.tunnel.paused()

    def resume_writing(self) -> None:
        """The other side reads again."""
        self.write_paused = False
        self.tunnel.resumed()

    def eof_received(self) -> bool:
        """Nobody is there to read an answer: the connection closes."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self.closed = True
        self.write_paused = False
        if self.server is not None:
            self.server.left(self)
        tunnel, self.tunnel = self.tunnel, _NOBODY  # the two hold each other: see Connection
        tunnel.lost(error)


class Half(Tunnel):
    """One of two coupled tunnels: what comes here leaves there. Override `received` to look at the bytes first."""

    other: Half

    def __init__(self) -> None:
        self.gone = False

    def connected(self, end: End) -> None:
        """Waits for the other end, or sets it going."""
        self.end = end
        if not hasattr(self.other, "end"):
            end.pause()
        elif self.other.gone:
            end.close()
        else:
            self.other.release()

    def received(self, data: bytes) -> None:
        """Passes on."""
        self.other.end.write(data)

    def paused(self) -> None:
        """No room on this side: the other is not read."""
        self.other.hold()

    def resumed(self) -> None:
        """Room again on this side."""
        self.other.release()

    def hold(self) -> None:
        """Stops reading this side."""
        if hasattr(self, "end"):
            self.end.pause()

    def release(self) -> None:
        """Reads this side again, when there is another to write to."""
        if hasattr(self, "end") and hasattr(self.other, "end"):
            self.end.resume()

    def lost(self, error: Exception | None) -> None:
        """The other side closes too, after what it was sent; a broken side breaks the other."""
        self.gone = True
        other = self.other
        if hasattr(other, "end") and not other.gone:
            if error is None:
                other.end.close()
            else:
                other.end.abort()


def couple(caller: Half, backend: Half) -> tuple[Half, Half]:
    """Makes two halves pass bytes to each other, and returns them.

    Dial the backend with its half first: as long as the caller's end is missing, what the backend says is kept back. When the
    answer is a 101, call `exchange.upgrade(lines, caller)`, which lets both flow.
    """
    caller.other, backend.other = backend, caller
    return caller, backend


class DialLink(ClientLink):
    """A link on its way out of HTTP: answers that are no 101 are read like any other."""

    def __init__(self, origin: Origin[ClientLink], tunnel: Tunnel) -> None:
        super().__init__(origin)
        self.tunnel = tunnel

    def switched(self, headers: list[Header], rest: bytes) -> None:
        """The backend agreed: the connection is the tunnel's."""
        response = Response(self, 101, headers)
        response.end(None)
        self.busy = False
        self.closed = True
        self.origin.lost(self)
        End(self.transport, self.tunnel, rest).take(self.write_paused)
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(response)


async def dial(
    origin: Origin[Any], target: bytes, headers: Iterable[Header], tunnel: Tunnel, limits: Limits | None = None
) -> Response:
    """Asks a backend for an upgrade on a connection of its own and returns its answer.

    `headers` are all of the request's except `host` (when missing): `connection: upgrade`, `upgrade` and the protocol's own. With
    `status` 101 in the answer the tunnel is connected already; any other answer is to be read or closed as usual. `origin` may be
    of any kind of link. Raises UpstreamError when there is no answer, ValueError for a header with a line break. Cancel it when
    the caller leaves.
    """
    limits = limits or Limits()
    lines = list(headers)
    if not any(name == b"host" for name, _ in lines):
        lines.insert(0, (b"host", origin.authority))
    request = b"GET %b HTTP/1.1\r\n%b\r\n" % (target, block(lines))
    link: DialLink = await origin.connect(lambda pool: DialLink(pool, tunnel))
    link.read_seconds = limits.read
    link.answer = link.loop.create_future()
    link.begin(request, False, limits.read)
    link.keep = False
    try:
        return await link.answer
    except BaseException:
        if link.busy:
            link.abandon()
        raise
