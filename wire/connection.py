"""One caller's connection: HTTP/1.1 in by httptools callbacks, exchanges out, one at a time and in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

import httptools

from wire import hygiene
from wire.exchange import Exchange
from wire.heads import Header, block, date_line, status_line
from wire.hygiene import HEADER_COUNT, Refused, good_hosts
from wire.tunnel import End, Tunnel
from wire.upgrade import Upgrades

if TYPE_CHECKING:
    from wire.server import Server

log = logging.getLogger("wire")

DISCARD_LIMIT = 256 * 1024
"""Bytes of an unread request body that are read and dropped to keep a connection; beyond it the connection closes."""

NEWCOMER_SECONDS = 2.0
"""How long a draining server waits for the first request of a connection it accepted a moment ago."""

LAST_CALL_SECONDS = 1.0
"""How long it waits for one more request on a connection that was used: one may be on its way, and is told to be the last."""

LINGER_SECONDS = 2.0
"""How long a connection that is closed by us may still send before it is cut."""


_NOBODY: deque[Exchange] = deque()
"""Stands for the queue of connections without pipelined requests; never filled."""


class Connection(Upgrades):
    """Parses what one caller sends and keeps answers in order. Limits and timeouts are the server's."""

    __slots__ = (
        "_certificate",
        "_head_bytes",
        "_headers",
        "_incoming",
        "_refusal",
        "_target",
        "_waiting",
        "client",
        "draining",
        "forwarded",
        "handle",
        "head_since",
        "local_port",
        "loop",
        "progress",
        "quiet_since",
        "scheme",
        "seen",
        "server",
        "trusted",
        "write",
        "write_paused",
    )

    def __init__(self, server: Server, scheme: str, local_port: int = 0) -> None:
        self.server = server
        self.scheme = scheme
        self.local_port = local_port
        self.loop = server.loop
        self.handle = server.service.handle
        self.draining = False
        self.write_paused = False
        self.progress = 0
        self.seen = -1
        self.quiet_since = 0.0
        self.head_since = 0.0
        self._current: Exchange | None = None
        self._incoming: Exchange | None = None
        self._waiting = _NOBODY
        self._fresh = False
        self._upgrading: Exchange | None = None
        self._held = b""
        self._certificate: bytes | None | Literal[False] = False
        self._replayed: Exchange | None = None
        self._refusal: Refused | None = None
        self._deaf = False
        self._reading_paused = False
        self._target = b""
        self._headers: list[Header] = []
        self._head_bytes = 0
        self._parser: Any = httptools.HttpRequestParser(self)

    # -- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller connected."""
        self.transport = cast(asyncio.Transport, transport)
        self.write: Callable[[bytes], None] = self.transport.write
        peer = transport.get_extra_info("peername")
        self.client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) and len(peer) > 1 else ("", 0)
        self.trusted = self.server.proxies.trusts(self.client[0])
        self.forwarded = b"x-forwarded-for: %b\r\nx-forwarded-proto: %b\r\n" % (
            self.client[0].encode(),
            self.scheme.encode(),
        )
        self.quiet_since = self.loop.time()
        self.server.joined(self)
        if len(self.server.connections) > self.server.max_connections:
            self._deaf = True
            self._answer_refusal(Refused(503, "too many connections, try again later"), unread=False)

    @property
    def peer_certificate(self) -> bytes | None:
        """The caller's certificate (DER), None when it showed none."""
        if self._certificate is False:
            tls = self.transport.get_extra_info("ssl_object")
            self._certificate = tls.getpeercert(True) if tls is not None else None
        return self._certificate

    def connection_lost(self, error: Exception | None) -> None:
        """The caller is gone: whoever works for it is told."""
        self.server.left(self)
        self.write_paused = False
        self.write = _to_nobody
        for exchange in (self._current, *self._waiting):
            if exchange is not None:
                exchange.lose()
        self._current = self._incoming = None
        self._waiting.clear()
        self._let_go()

    def _let_go(self) -> None:
        """Parser and connection hold each other: one over TLS would keep some 40 KB until the collector looks for cycles."""
        self._parser = None

    def eof_received(self) -> bool:
        """The caller ended its side: taken as leaving, as other servers do, so that no backend works for nobody."""
        return False

    def pause_writing(self) -> None:
        """The caller reads too slowly."""
        self.write_paused = True
        exchange = self._current
        if exchange is not None and exchange.sink is not None:
            exchange.sink.caller_paused()

    def resume_writing(self) -> None:
        """The caller reads again."""
        self.write_paused = False
        exchange = self._current
        if exchange is not None:
            if exchange.sink is not None:
                exchange.sink.caller_resumed()
            exchange.writable()

    def data_received(self, data: bytes) -> None:
        """Parses, then starts the exchange that became due."""
        self.progress += 1
        if self._deaf:
            if self._upgrading is not None:
                self._hold(data)
            return
        self._head_bytes += len(data)
        rest = None
        try:
            self._parser.feed_data(data)
            if self._head_bytes > self.server.head_limit:
                self._check_overlong()
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._unreadable(error)
        except Refused as refusal:
            self._refuse(refusal)
        if rest is not None:
            # Not while that exception is handled: it would hide the cause of any that follows from reading on.
            self._offer_upgrade(rest)
        if self._fresh:
            self._fresh = False
            self._dispatch()

    def _check_overlong(self) -> None:
        limit = self.server.head_limit
        if self._target or self._headers:
            raise Refused(431, f"the request head is longer than {limit} bytes")
        if self._incoming is not None:
            raise Refused(413, f"more than {limit} bytes of chunk extensions came without a byte of body")

    # -- parser

    def on_url(self, piece: bytes) -> None:
        """Part of the request target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """One whole header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete: becomes an exchange, which starts after this read or waits for its turn."""
        parser = self._parser
        target = self._target
        headers = self._headers
        self._target = b""
        self._headers = []
        if self._replayed is not None:
            self._incoming, self._replayed = self._replayed, None
            return
        if target[:1] != b"/" or b"#" in target:
            target = hygiene.origin_form(parser.get_method(), target, headers)
        exchange = Exchange(self, parser.get_method(), target, headers)
        fields = exchange.fields
        if self._head_bytes > self.server.head_limit:
            hygiene.check_size(target, headers, self.server.head_limit)
        if len(headers) > HEADER_COUNT:
            raise Refused(431, f"the request has more than {HEADER_COUNT} headers")
        self._head_bytes = 0
        if not parser.should_keep_alive() or b"connection" in fields:
            self._look_at_version(exchange)
        if b"content-length" in fields or b"transfer-encoding" in fields:
            hygiene.look_at_body(exchange)
        if len(fields) != len(headers) and b"\0" in fields.values():
            raise Refused(400, "a header that may come once only was sent twice: host, authorization or content-type")
        if fields.get(b"host") not in good_hosts:
            hygiene.check_host(exchange)
        if b"expect" in fields:
            hygiene.look_at_expect(exchange)
        self._incoming = exchange
        if b"upgrade" in fields and parser.should_upgrade():
            self._incoming, self._upgrading = None, exchange
        if self._current is None:
            self._current = exchange
            self._fresh = True
        else:
            if not self._waiting:
                self._waiting = deque()
            self._waiting.append(exchange)
            self.pause_request()

    def on_body(self, chunk: bytes) -> None:
        """A piece of the request body, chunked framing already removed."""
        self._head_bytes = 0
        exchange = self._incoming
        if exchange is not None:
            exchange.feed(chunk)

    def on_message_complete(self) -> None:
        """The request is complete. Trailers are dropped; bytes left in the same read belong to the next head."""
        exchange = self._incoming
        if self._headers:
            self._headers = []
        if exchange is not None:
            self._incoming = None
            exchange.end()

    def _look_at_version(self, exchange: Exchange) -> None:
        version = self._parser.get_http_version()
        if version == "1.0":
            exchange.minor = 0
        elif version != "1.1":
            raise Refused(505, f"HTTP/{version} is not spoken here; use HTTP/1.1")
        exchange.keep_alive = self._parser.should_keep_alive()

    def upgradable(self, exchange: Exchange) -> bool:
        """Whether `exchange` asked for an upgrade that may still be taken."""
        return self._upgrading is exchange and not (exchange.started or exchange.lost)

    def hand_over(self, lines: bytes, tunnel: Tunnel) -> End:
        """Answers the upgrade with 101 and `lines`, and gives the connection away."""
        end = End(self.transport, tunnel, self._held, self.server)
        self.write(b"".join((status_line(101), lines, b"\r\n")))
        self._upgrading = self._current = None
        self._held = b""
        self.server.joined(end)
        self.server.left(self)
        end.take(self.write_paused)
        self._let_go()
        return end

    def _unreadable(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        if isinstance(cause, Refused):
            self._refuse(cause)
        elif isinstance(error, httptools.HttpParserCallbackError):
            log.error("a callback failed while reading a request", exc_info=cause or error)
            self.abort()
        else:
            self._refuse(Refused(400, f"the request is not valid HTTP/1.1: {error}"))

    def _refuse(self, refusal: Refused) -> None:
        """Answers after the exchanges before it, then closes. A request whose body turned out unreadable is cut off."""
        self._refusal = refusal
        self._deaf = True
        incoming, self._incoming = self._incoming, None
        if incoming is not None and not incoming.ended:
            if incoming is self._current:
                self._cut(incoming, refusal)
                return
            if incoming in self._waiting:
                self._waiting.remove(incoming)
        if self._current is None:
            self._answer_refusal(refusal)

    def _cut(self, exchange: Exchange, refusal: Refused) -> None:
        if self._fresh:
            self._fresh = False
            self._current = None
            self._answer_refusal(refusal)
            return
        started = exchange.started
        exchange.lose()
        if started:
            self.abort()
        else:
            self._current = None
            exchange.started = exchange.finished = True
            self._answer_refusal(refusal)

    def _answer_refusal(self, refusal: Refused, unread: bool = True) -> None:
        if self.transport.is_closing():
            return
        self.server.refused += 1
        text = f"{refusal}\n".encode()
        lines = block([(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))])
        self.write(b"".join((status_line(refusal.status), date_line(), lines, b"connection: close\r\n\r\n", text)))
        self._close_gently(unread)

    # -- exchanges

    def _dispatch(self) -> None:
        exchange = self._current
        if exchange is None or exchange.started:
            return
        try:
            self.handle(exchange)
        except Exception:  # noqa: BLE001 - the edge of a request: logged once, answered with 500
            exchange.failed()

    def answered(self, exchange: Exchange) -> None:
        """The answer to `exchange` is written."""
        if not exchange.keep_alive:
            self._close_gently(unread=not exchange.ended)
        elif self.draining:
            self._last_call(exchange)
        elif not exchange.ended:
            self.resume_request()
        elif self._waiting or self._reading_paused or self._refusal is not None:
            self.next_exchange()
        else:
            self._current = None
            self.head_since = 0.0

    def _last_call(self, exchange: Exchange) -> None:
        """Its answer was begun before the stop, so the caller does not know of it and may ask once more."""
        if exchange.ended:
            self.next_exchange()
            self.loop.call_later(LAST_CALL_SECONDS, self._close_idle)
        else:
            self._close_gently(unread=True)

    def next_exchange(self) -> None:
        """The current exchange is answered and its request read: the next one's turn."""
        if self._waiting:
            self._current = self._waiting.popleft()
            self.loop.call_soon(self._dispatch)
            return
        self._current = None
        self.head_since = 0.0
        if self._reading_paused:
            self.resume_request()
        if self._refusal is not None:
            self._answer_refusal(self._refusal)

    def discarded(self, exchange: Exchange) -> None:
        """More of a body that nobody wants any more arrived."""
        if exchange.received > DISCARD_LIMIT:
            self.abort()

    def trail(self, headers: Iterable[Header]) -> None:
        """Trailers are not sent to HTTP/1.1 callers: hardly any expects them, and they are a way to smuggle."""

    def trailers(self) -> list[Header]:
        """None are kept."""
        return []

    def pause_request(self) -> None:
        """Stops reading from the caller."""
        if not self._reading_paused and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_request(self) -> None:
        """Reads from the caller again."""
        if self._reading_paused and not self._waiting and not self.transport.is_closing():
            if self._upgrading is not None and not self._upgrading.finished:
                return
            self._reading_paused = False
            self.transport.resume_reading()
            if self._upgrading is not None:
                self._release()

    def abort(self) -> None:
        """Breaks the connection at once."""
        self.transport.abort()

    def drain(self) -> None:
        """Closes after the answer in work, or when no more request comes for a moment."""
        self.draining = True
        if self._current is None:
            self.loop.call_later(LAST_CALL_SECONDS if self.progress else NEWCOMER_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        if self._current is None and not (self._waiting or self._target or self._headers):
            self.transport.close()

    def _close_gently(self, unread: bool) -> None:
        """Closes after what was written. With bytes still `unread` a plain close would reset the connection and could
        take the answer with it, so our side ends first and what comes is dropped for a moment (RFC 9112, 9.6)."""
        self.draining = True
        if unread and self.transport.can_write_eof() and not self.transport.is_closing():
            self._deaf = True
            self.transport.write_eof()
            self.resume_request()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    # -- what the server's watch looks at

    def check(self, now: float) -> None:
        """Enforces the timeouts; called about once a second. `now` is the loop's clock."""
        if self.progress != self.seen:
            self.seen = self.progress
            self.quiet_since = now
        limits = self.server.timeouts
        exchange = self._current
        if exchange is None:
            self._check_idle(now)
        elif self.write_paused:
            if now - self.quiet_since > limits.write:
                self.abort()
        elif not exchange.ended and not self._reading_paused and now - self.quiet_since > limits.body:
            self._refuse(Refused(408, f"no part of the request body came for {limits.body:g} seconds"))

    def _check_idle(self, now: float) -> None:
        limits = self.server.timeouts
        if self._target or self._headers:
            if not self.head_since:
                self.head_since = now
            elif now - self.head_since > limits.head:
                self._refuse(Refused(408, f"the request head was not complete after {limits.head:g} seconds"))
        elif now - self.quiet_since > limits.idle:
            self.transport.close()


def _to_nobody(data: bytes) -> None:
    """Takes what a handler writes after its caller left."""
