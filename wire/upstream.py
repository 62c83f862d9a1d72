"""Connections to other servers: one pool per origin, and the protocol below both the client and the gateway's relay."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import httptools

from wire.errors import UpstreamError
from wire.heads import BODILESS, Header
from wire.waiting import Taker, Waiting

__all__ = ["Link", "Origin", "UpstreamError"]

IDLE_SECONDS = 55.0
"""A pooled connection unused for longer is closed; shorter than the 60 s after which many servers close theirs."""

MAX_IDLE = 1024
"""Idle connections kept per origin."""

HEAD_LIMIT = 256 * 1024
"""Bytes of an answer's head, informational ones before it included."""

WATCH_SECONDS = 0.1

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Link(asyncio.Protocol):
    """One connection to an origin. Subclasses say what happens with an answer; this keeps parser, pool and clock.

    A subclass overrides `head`, `answer_data`, `answer_end`, `broken`, `writable` and `paused`.
    """

    __slots__ = (
        "_head_bytes",
        "_parser",
        "_switch_headers",
        "busy",
        "closed",
        "deadline",
        "done",
        "headers",
        "idle_since",
        "keep",
        "loop",
        "no_body",
        "origin",
        "reading_paused",
        "request_open",
        "started",
        "transport",
        "until_close",
        "used",
        "write",
        "write_paused",
    )

    def __init__(self, origin: Origin[Any]) -> None:
        self.origin = origin
        self.loop = origin.loop
        self.busy = False
        self.used = 0
        self.deadline = 0.0
        self.idle_since = self.loop.time()
        self.started = False
        self.no_body = False
        self.until_close = False
        self.done = False
        self.keep = True
        self.request_open = False
        self.closed = False
        self.write_paused = False
        self.reading_paused = False
        self.headers: list[Header] = []
        self._switch_headers: list[Header] = []
        self._head_bytes = 0
        self._parser: Any = httptools.HttpResponseParser(self)

    # -- what a subclass says

    def head(self, status: int, headers: list[Header]) -> None:
        """The final head of the answer; informational ones are dropped."""

    def answer_data(self, chunk: bytes) -> None:
        """A piece of the answer's body."""

    def answer_end(self) -> None:
        """The answer is complete; the link is back in the pool or closed."""

    def switched(self, headers: list[Header], rest: bytes) -> None:
        """The origin left HTTP with a 101 answer; `rest` came behind it. Without a tunnel that is an error."""
        self._unreadable("an upgrade that was not asked for")

    def flush(self) -> None:
        """Everything that came in one read was told."""

    def broken(self, error: UpstreamError) -> None:
        """The answer will not be completed."""

    def writable(self) -> None:
        """The origin takes bytes again."""

    def paused(self) -> None:
        """The origin reads too slowly."""

    # -- use

    def begin(self, data: bytes, head_only: bool, timeout: float) -> None:
        """Sends a request (or its first part). `head_only`: the answer has no body; `timeout` seconds of silence."""
        self.busy = True
        self._head_bytes = 0
        self.started = False
        self.done = False
        self.until_close = False
        self.no_body = head_only
        self.keep = True
        self.deadline = self.loop.time() + timeout
        self.write(data)

    def end_use(self) -> None:
        """Back to the pool, when the connection may be used again."""
        self.busy = False
        self.used += 1
        if self.keep and not (self.closed or self.request_open or self.write_paused):
            self.resume()
            self.origin.keep(self)
        else:
            self.closed = True
            self.transport.close()

    def abandon(self) -> None:
        """Breaks the connection: its answer is of no use any more."""
        self.busy = False
        self.closed = True
        self.transport.abort()

    def pause(self) -> None:
        """Stops reading the answer."""
        if not self.reading_paused and not self.closed:
            self.reading_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Reads the answer again."""
        if self.reading_paused and not self.closed:
            self.reading_paused = False
            self.transport.resume_reading()

    def expire(self) -> None:
        """The deadline passed."""
        stage = "body" if self.started else "head"
        self.busy = False
        self.closed = True
        self.transport.abort()
        self.broken(UpstreamError(stage, f"{self.origin.name} was silent for too long", timeout=True))

    # -- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast(asyncio.Transport, transport)
        self.write = self.transport.write
        self.origin.links.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The origin closed, or we did."""
        self.closed = True
        self._parser = None  # it holds this link: see Connection
        self.origin.lost(self)
        if not self.busy:
            return
        self.busy = False
        if self.until_close and error is None:
            self.answer_end()
            self.flush()
            return
        stage = "body" if self.started else "head"
        self.broken(UpstreamError(stage, f"{self.origin.name} closed the connection early: {error or 'end of stream'}"))

    def eof_received(self) -> bool:
        """Nothing to add: the connection closes."""
        return False

    def pause_writing(self) -> None:
        """The origin reads too slowly."""
        self.write_paused = True
        self.paused()

    def resume_writing(self) -> None:
        """The origin reads again."""
        self.write_paused = False
        self.writable()

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer. Bytes that nobody asked for make the connection worthless."""
        if not self.busy:
            self.abandon()
            return
        if not self.started:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT and not self._head_ends(data):
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.switched(self._switch_headers, data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
                self._unreadable("a callback failed")
                raise error.__context__ from None
            if not self.done:
                self._unreadable(str(error))
                return
            # What came behind a complete answer is nobody's: the answer counts, the connection is worth nothing any more.
            self.keep = False
        if self.done:
            self.done = False
            self.end_use()
            self.answer_end()
        else:
            self.flush()

    def _head_ends(self, data: bytes) -> bool:
        """Whether a long first read is long because of its body; if not, the answer is given up."""
        if self._head_bytes == len(data) and 0 < data.find(b"\r\n\r\n") <= HEAD_LIMIT:
            return True
        self._unreadable(f"its head is longer than {HEAD_LIMIT} bytes")
        return False

    def _unreadable(self, reason: str) -> None:
        if not self.busy:
            return
        stage = "body" if self.started else "head"
        self.abandon()
        self.broken(UpstreamError(stage, f"{self.origin.name} answered in a way that is not valid HTTP/1.1: {reason}"))

    # -- parser

    def on_message_begin(self) -> None:
        """A message starts. After the answer was complete that is one nobody asked for: the link is not used again."""
        if self.done:
            self.keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One whole header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        status = self._parser.get_status_code()
        headers = self.headers
        self.headers = []
        if status < 200 or self.done:
            self._switch_headers = headers
            return
        self.started = True
        if not self._parser.should_keep_alive():
            self.keep = False
            framed = any(name in _FRAMING for name, _ in headers)
            self.until_close = not (framed or self.no_body or status in BODILESS)
        self.head(status, headers)
        if self.no_body:
            # llhttp cannot be told that this answer has no body, so the next one gets a fresh parser.
            self._parser = httptools.HttpResponseParser(self)
            self.done = True

    def on_body(self, chunk: bytes) -> None:
        """A piece of the body."""
        if not self.done:
            self.answer_data(chunk)

    def on_message_complete(self) -> None:
        """The answer is complete, or was an informational one. Trailers are dropped."""
        if self.headers:
            self.headers = []
        if self.started:
            self.done = True


L = TypeVar("L", bound=Link)


class Origin(Generic[L]):
    """A server and the pool of links to it. `factory` makes a link; `tls` None means plain HTTP."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        factory: Callable[[Origin[L]], L],
        connect_seconds: float = 5.0,
    ) -> None:
        self.host = host
        self.port = port
        self.dialled = (host, port)
        """What is connected to: the server, or a proxy before it."""
        self.tls = tls
        self.factory = factory
        self.connect_seconds = connect_seconds
        self.loop = asyncio.get_running_loop()
        self.links: set[Link] = set()
        self.idle: list[L] = []
        self.name = f"{'https' if tls else 'http'}://{host}:{port}"
        default = 443 if tls else 80
        shown = f"[{host}]" if ":" in host else host
        self.authority = (shown if port == default else f"{shown}:{port}").encode()
        self.version_and_host = b" HTTP/1.1\r\nhost: %b\r\n" % self.authority
        """What follows the target in a request: rest of the request line, and the host header."""
        self._watch: asyncio.TimerHandle | None = None
        self.waiting: Waiting[L] = Waiting(self)
        self._queue = self.waiting.calls

    def take(self) -> L | None:
        """An idle link that still stands, the most recently used first; None when there is none."""
        idle = self.idle
        while idle:
            link = idle.pop()
            if not link.closed and not link.transport.is_closing():
                return link
        return None

    def ask(self, taker: Taker[L]) -> None:
        """For when `take` has none: gives `taker` the next link that gets free or is connected, whichever comes first."""
        self.waiting.add(taker)

    async def connect(self, factory: Callable[[Origin[L]], L] | None = None) -> L:
        """A new link, made by the pool's factory or the one given.

        Raises UpstreamError("connect") when refused, unresolvable, too slow or not trusted.
        """
        make = factory or self.factory
        try:
            async with asyncio.timeout(self.connect_seconds):
                _, link = await self.loop.create_connection(
                    lambda: make(self),
                    *self.dialled,
                    ssl=self.tls,
                    server_hostname=self.host if self.tls else None,
                )
        except TimeoutError:
            raise UpstreamError(
                "connect", f"{self.name} did not accept a connection in {self.connect_seconds:g} s", True
            ) from None
        except OSError as error:
            raise UpstreamError("connect", f"no connection to {self.name}: {error}") from error
        self.watch()
        return link

    def watch(self) -> None:
        """Looks after deadlines as long as there are links."""
        if self._watch is None:
            self._watch = self.loop.call_later(WATCH_SECONDS, self._check)

    def keep(self, link: Link) -> None:
        """Takes a link back."""
        if len(self.idle) >= MAX_IDLE:
            link.closed = True
            link.transport.close()
            return
        link.idle_since = self.loop.time()
        if self._queue:
            self.waiting.freed(cast(L, link))
        else:
            self.idle.append(cast(L, link))

    def lost(self, link: Link) -> None:
        """A link is gone."""
        self.links.discard(link)

    def close(self) -> None:
        """Closes the idle links now and lets the busy ones finish; a later call may still connect anew."""
        for link in self.idle:
            link.closed = True
            link.transport.close()
        self.idle.clear()

    def abort(self) -> None:
        """Breaks all links."""
        for link in list(self.links):
            link.abandon()

    def _check(self) -> None:
        """Ends calls that are silent for too long and links unused for too long, about ten times a second."""
        now = self.loop.time()
        for link in list(self.links):
            if link.busy:
                if now > link.deadline and not link.reading_paused:
                    link.expire()
            elif now - link.idle_since > IDLE_SECONDS:
                link.closed = True
                link.transport.close()
        if self.idle and self.idle[0].closed:
            self.idle = [link for link in self.idle if not link.closed]
        self.waiting.settle()
        self._watch = self.loop.call_later(WATCH_SECONDS, self._check) if self.links else None
