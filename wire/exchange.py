"""One request and its answer on the server side: the object every handler works with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Protocol

from wire.heads import BODILESS, CONTINUE, HOP_BY_HOP, Header, block, date_line, status_line
from wire.proxies import lines_behind, told_scheme

if TYPE_CHECKING:
    from wire.carrier import Carrier
    from wire.tunnel import End, Tunnel

log = logging.getLogger("wire")

BODY_LIMIT = 10 * 1024 * 1024
HIGH_WATER = 64 * 1024
"""Bytes of request body kept for a handler that has not taken them; beyond it the socket is not read."""

_SINGLETONS = frozenset({b"host", b"content-length", b"authorization", b"content-type"})
_FRAMING = HOP_BY_HOP | {b"content-length", b"date"}


class BodyTooLarge(Exception):
    """The request body is longer than the handler allows; answer 413. `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the request body is longer than the {limit} bytes allowed")


class Disconnected(ConnectionError):
    """The caller went away before its request or the answer was complete."""


class Sink(Protocol):
    """Takes a request body by callbacks instead of `body()` or `stream()`; the gateway's hot path uses it."""

    def body_data(self, chunk: bytes) -> None:
        """A piece of the body."""

    def body_end(self) -> None:
        """The body is complete."""

    def caller_lost(self) -> None:
        """The caller's connection broke before the answer was complete."""

    def caller_paused(self) -> None:
        """The caller reads too slowly: stop sending."""

    def caller_resumed(self) -> None:
        """The caller is ready for more."""


class Exchange:
    """A request and the way to answer it.

    `method`, `target`, `path` (before `?`), `query` (after it) are bytes as received, never decoded. `headers` is the
    list of (lower-case name, value) in order of arrival; `fields` the same as a dict, repeated headers joined by a
    comma. `scheme` is "http" or "https".
    """

    __slots__ = (
        "_buffered",
        "_chunked",
        "_chunks",
        "_drain",
        "_head_only",
        "_length_left",
        "_waiter",
        "connection",
        "ended",
        "expects",
        "fields",
        "finished",
        "has_body",
        "headers",
        "keep_alive",
        "lost",
        "method",
        "minor",
        "path",
        "query",
        "received",
        "sink",
        "started",
        "status",
        "target",
    )

    def __init__(self, connection: Carrier, method: bytes, target: bytes, headers: list[Header]) -> None:
        self.connection = connection
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition(b"?")
        self.headers = headers
        self.fields = fields = dict(headers)
        if len(fields) != len(headers):
            self.fields = _joined(headers)
        self.keep_alive = True
        self.minor = 1
        self.has_body = False
        self.expects = False
        self.started = False
        self.finished = False
        self.ended = False
        self.lost = False
        self.status = 0
        self.sink: Sink | None = None
        self.received = 0
        self._chunks: list[bytes] | None = None
        self._buffered = 0
        self._chunked = False
        self._head_only = False
        self._length_left = -1
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.Future[None] | None = None

    # -- the request

    @property
    def scheme(self) -> str:
        """ "http" or "https": of the socket, or as a trusted proxy says."""
        connection = self.connection
        return connection.scheme if not connection.trusted else told_scheme(self) or connection.scheme

    @property
    def address(self) -> str:
        """The caller's address: the socket's, or as trusted proxies say. For limits, restrictions and logs."""
        connection = self.connection
        return connection.client[0] if not connection.trusted else connection.server.proxies.caller(self)

    @property
    def host(self) -> bytes:
        """The host that the caller asks for, with its port if it said one, as a trusted proxy says or by the `host` header."""
        told = self.fields.get(b"x-forwarded-host") if self.connection.trusted else None
        return told if told is not None else self.fields.get(b"host", b"")

    @property
    def forwarded(self) -> bytes:
        """The header lines that tell a backend about the caller, each with CRLF; FORWARDED headers of the request are dropped."""
        connection = self.connection
        return connection.forwarded if not connection.trusted else lines_behind(self)

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate that the caller showed in the TLS handshake (DER), None without. Its chain may be unchecked."""
        return self.connection.peer_certificate

    @property
    def client(self) -> tuple[str, int]:
        """Address and port of the caller's socket; ("", 0) on a Unix socket."""
        return self.connection.client

    @property
    def local_port(self) -> int:
        """The port that the call came in on."""
        return self.connection.local_port

    def header(self, name: bytes) -> bytes | None:
        """The value of a header by its lower-case name, None when absent."""
        return self.fields.get(name)

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        """The whole request body. Raises BodyTooLarge beyond `limit` bytes, Disconnected when the caller leaves."""
        length = self.fields.get(b"content-length")
        if length is not None and int(length) > limit:
            raise BodyTooLarge(limit)
        if self.ended and self._chunks and self._buffered <= limit:
            self.accept_body()
            chunks, self._chunks, self._buffered = self._chunks, None, 0
            self.connection.resume_request()
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        parts = []
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit)
            parts.append(chunk)
        return b"".join(parts)

    async def stream(self) -> AsyncIterator[bytes]:
        """The request body as it arrives. Raises Disconnected when the caller leaves before its end."""
        self.accept_body()
        while True:
            if self._chunks:
                chunks, self._chunks, self._buffered = self._chunks, None, 0
                self.connection.resume_request()
                for chunk in chunks:
                    yield chunk
            elif self.ended:
                return
            elif self.lost:
                raise Disconnected("the caller left before its request was complete")
            else:
                self._waiter = self.connection.loop.create_future()
                await self._waiter

    def accept_body(self) -> None:
        """Tells a caller that waits for `100 Continue` to send its body. Called by whoever takes the body."""
        if self.expects and not self.started:
            self.expects = False
            self.connection.write(CONTINUE)

    def attach(self, sink: Sink) -> list[bytes] | None:
        """Hands the rest of the body, the pauses and the loss of the caller to `sink`; returns what already arrived."""
        self.sink = sink
        chunks, self._chunks, self._buffered = self._chunks, None, 0
        if not self.ended:
            self.accept_body()
            self.connection.resume_request()
        return chunks

    @property
    def upgradable(self) -> bool:
        """Whether the caller asks to leave HTTP (an `upgrade` header named in `connection`) and `upgrade()` may be called."""
        return self.connection.upgradable(self)

    def upgrade(self, lines: bytes, tunnel: Tunnel) -> End:
        """Answers 101 and hands the raw connection to `tunnel`, whose `connected` is called before this returns.

        `lines` are the answer's header lines, each with its CRLF and safe to send: `connection: upgrade`, `upgrade: <protocol>`
        and the protocol's own. Bytes that came behind the request are the tunnel's first. An exchange is never finished twice:
        to decline, answer as usual. Raises RuntimeError when the request is not `upgradable` (any more).
        """
        if not self.upgradable:
            raise RuntimeError(f"{self.method!r} {self.path!r} cannot be upgraded (any more)")
        self.started = self.finished = True
        self.status = 101
        self.sink = None
        return self.connection.hand_over(lines, tunnel)

    @property
    def trailers(self) -> list[Header]:
        """Headers that came after the body, once it is complete: HTTP/2 only, those of HTTP/1.1 are dropped."""
        return self.connection.trailers()

    # -- what the connection tells

    def feed(self, chunk: bytes) -> None:
        """A piece of the request body arrived."""
        self.received += len(chunk)
        if self.finished:
            self.connection.discarded(self)
        elif self.sink is not None:
            self.sink.body_data(chunk)
        else:
            if self._chunks is None:
                self._chunks = []
            self._chunks.append(chunk)
            self._buffered += len(chunk)
            if self._buffered > HIGH_WATER:
                self.connection.pause_request()
            self._wake()

    def end(self) -> None:
        """The request is complete."""
        self.ended = True
        if self.finished:
            self.connection.next_exchange()
        elif self.sink is not None:
            self.sink.body_end()
        elif self._waiter is not None:
            self._wake()

    def lose(self) -> None:
        """The caller's connection is gone."""
        self.lost = True
        if self.sink is not None and not self.finished:
            self.sink.caller_lost()
        self._wake()
        self.writable()

    def writable(self) -> None:
        """The caller's connection takes bytes again, or never will."""
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- the answer

    def respond(self, status: int, headers: Iterable[Header] = (), body: bytes = b"", words: bytes = b"") -> None:
        """The whole answer in one piece, `content-length` added. Raises ValueError for a header with a line break.

        `words` stand behind the status instead of the registered ones; without control characters.
        """
        self.respond_block(status, block(_framed_by_us(headers)), body, words)

    def respond_block(self, status: int, lines: bytes, body: bytes, words: bytes = b"") -> None:
        """`respond` for header lines that were prepared before, each with its CRLF and safe to send."""
        self._begin(status)
        length = b"" if status in BODILESS else b"content-length: %d\r\n" % len(body)
        shown = b"" if self.method == b"HEAD" or status in BODILESS else body
        first = status_line(status) if not words else b"HTTP/1.1 %d %b\r\n" % (status, words)
        head = b"".join((first, date_line(), lines, length, self.connection_line(), b"\r\n", shown))
        self.connection.write(head)
        self.complete()

    def start(self, status: int, headers: Iterable[Header] = (), words: bytes = b"") -> None:
        """Begins a streamed answer. With a `content-length` header the body must be that long, else it is chunked."""
        self._begin(status)
        headers = list(headers)
        length = next((value for name, value in headers if name == b"content-length"), None)
        self._head_only = self.method == b"HEAD" or status in BODILESS
        framing = b""
        if status in BODILESS:
            pass
        elif length is not None:
            self._length_left = int(length)
            framing = b"content-length: %d\r\n" % self._length_left
        elif self.minor:
            self._chunked = not self._head_only
            framing = b"transfer-encoding: chunked\r\n"
        else:
            self.keep_alive = self._head_only and self.keep_alive
        lines = block(_framed_by_us(headers))
        first = status_line(status) if not words else b"HTTP/1.1 %d %b\r\n" % (status, words)
        parts = (first, date_line(), lines, framing, self.connection_line(), b"\r\n")
        self.connection.write(b"".join(parts))

    async def send(self, chunk: bytes) -> None:
        """A piece of a started answer; waits while the caller reads too slowly. Raises Disconnected when it is gone."""
        self.push(chunk)
        while self.connection.write_paused and not self.lost:
            self._drain = self.connection.loop.create_future()
            await self._drain
        if self.lost:
            raise Disconnected("the caller left before the answer was complete")

    def push(self, chunk: bytes) -> None:
        """`send` without waiting. Raises ValueError beyond the announced length."""
        if not chunk or self._head_only or self.lost:
            return
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        elif self._length_left >= 0:
            self._length_left -= len(chunk)
            if self._length_left < 0:
                self.abort()
                raise ValueError("the answer is longer than its content-length")
        self.connection.write(chunk)

    def finish(self) -> None:
        """Ends a started answer. An answer shorter than its `content-length` breaks the connection, as it must."""
        if self._chunked:
            self.connection.write(b"0\r\n\r\n")
        elif self._length_left > 0 and not self._head_only:
            self.abort()
            return
        self.complete()

    def trail(self, headers: Iterable[Header]) -> None:
        """Headers to send behind the body, before `finish` or `complete`. HTTP/1.1 callers do not get them."""
        self.connection.trail(headers)

    def abort(self) -> None:
        """Breaks the connection, so that the caller cannot take a partial answer for a whole one."""
        self.finished = True
        self.connection.abort()

    def failed(self) -> None:
        """Call inside `except`: logs the exception and answers 500, or breaks an answer already begun."""
        log.exception("%s %s failed", self.method.decode("latin-1"), self.path.decode("latin-1"))
        if self.finished:
            return
        if self.started:
            self.abort()
        else:
            self.respond(500, [(b"content-type", b"text/plain; charset=utf-8")], b"internal error\n")

    def connection_line(self) -> bytes:
        """The `connection` header line this answer needs, with CRLF; mostly empty."""
        if not self.keep_alive:
            return b"connection: close\r\n"
        return b"" if self.minor else b"connection: keep-alive\r\n"

    def _begin(self, status: int) -> None:
        if self.started:
            raise RuntimeError(f"{self.method!r} {self.path!r} was answered with {self.status} already")
        self.started = True
        self.status = status
        if self.expects or self.connection.draining:
            self.keep_alive = False

    def complete(self) -> None:
        """The answer is written: the connection may go on. For `respond`, `finish` and the relay."""
        self.finished = True
        self._chunks = None
        self.connection.answered(self)


def _framed_by_us(headers: Iterable[Header]) -> list[Header]:
    """Without the headers that say how the message is framed: those are ours to write."""
    return [pair for pair in headers if pair[0] not in _FRAMING]


def _joined(headers: list[Header]) -> dict[bytes, bytes]:
    """Repeated headers as one value (RFC 9110, 5.3; cookies by `; `).

    A repeat that makes no sense gives b"\\0", which no parsed value can be and which the connection refuses.
    """
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        known = fields.get(name)
        if known is None:
            fields[name] = value
        elif name in _SINGLETONS:
            fields[name] = b"\0"
        else:
            fields[name] = known + (b"; " if name == b"cookie" else b", ") + value
    return fields
