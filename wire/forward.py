"""The gateway's hot path: an exchange relayed to an origin by callbacks on both sides, without a task per call."""

from __future__ import annotations

import re
from typing import Protocol

from wire.carrier import Carrier
from wire.client import IDEMPOTENT
from wire.errors import UpstreamError
from wire.exchange import Exchange
from wire.heads import BODILESS, HOP_BY_HOP, Header, block, status_line, tokens
from wire.proxies import FORWARDED
from wire.upstream import Link, Origin

CRLF = b"\r\n"
LINE = b"%b: %b\r\n"
_DASHED = HOP_BY_HOP | FORWARDED | {b"host", b"expect", b"proxy"}

DROPPED = _DASHED | {name.replace(b"-", b"_") for name in (*_DASHED, b"content-length")}
"""Request headers that are never passed on as they came; add to it what else a call must not show its backend.

With their spellings by underscore too, which many a backend cannot tell from them, and `proxy`, which CGI programs take for a
setting of theirs.
"""

_one_line = re.compile(rb"[\x21-\x7e\x80-\xff]+").fullmatch
_CLOSE = frozenset({b"close", b"keep-alive"})


class Call(Protocol):
    """What is relayed, and who hears how it went. One of `failed` and `done` is called, once."""

    exchange: Exchange
    answer_lines: bytes
    """Header lines added to the answer, each with its CRLF."""

    answer_drops: frozenset[bytes]
    """Lower-case names of headers taken out of the backend's answer; contains HOP_BY_HOP."""

    backend_answered: float
    """When the head of the answer came, on the loop's clock; set here."""

    def failed(self, error: UpstreamError) -> None:
        """No answer came; the exchange is unanswered still and must be answered here."""

    def done(self, status: int, sent: int) -> None:
        """The answer is through with `sent` bytes of body, or broke off (then the caller's connection is broken too)."""


class Relay(Link):
    """A link to a backend that passes everything between it and the caller of its present call."""

    __slots__ = (
        "_chunked",
        "_out",
        "_request_chunked",
        "_unsent",
        "call",
        "caller",
        "exchange",
        "request",
        "sent",
        "timeout",
    )

    def __init__(self, origin: Origin[Relay]) -> None:
        super().__init__(origin)
        self.timeout = 60.0
        self.request = b""
        self.sent = 0
        self._out: list[bytes] = []
        self._chunked = False
        self._request_chunked = False
        self._unsent = False

    def carry(self, call: Call, request: bytes, timeout: float, whole: bool = False) -> None:
        """Takes over a call. `request` is everything that can be sent now; a body still to come follows by callbacks.

        `whole`: the body, if any, is in `request` already.
        """
        self.call = call
        self.exchange = exchange = call.exchange
        self.caller: Carrier = exchange.connection
        self.request = request
        self.timeout = timeout
        self.request_open = False
        self.sent = 0
        if exchange.has_body and not whole:
            request += self._take_body(exchange)
        else:
            exchange.sink = self
        self.begin(request, exchange.method == b"HEAD", timeout)
        if self.caller.write_paused:
            self.pause()

    def _take_body(self, exchange: Exchange) -> bytes:
        self._request_chunked = b"content-length" not in exchange.fields
        self.request_open = not exchange.ended
        chunks = exchange.attach(self) or []
        if self.request_open:
            self.request = b""
        if not self._request_chunked:
            return b"".join(chunks)
        framed = b"".join([b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks])
        return framed if self.request_open else framed + b"0\r\n\r\n"

    # -- the caller's side

    def body_data(self, chunk: bytes) -> None:
        """A piece of the request body."""
        if self.request_open and not self.closed:
            self.deadline = self.loop.time() + self.timeout
            self.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._request_chunked else chunk)

    def body_end(self) -> None:
        """The request body is complete."""
        if self.request_open and not self.closed:
            self.request_open = False
            if self._request_chunked:
                self.write(b"0\r\n\r\n")

    def caller_lost(self) -> None:
        """Nobody waits for the answer any more."""
        if self.busy:
            self.abandon()
            self.call.done(self.exchange.status or 499, self.sent)

    def caller_paused(self) -> None:
        """The caller reads too slowly."""
        self.pause()

    def caller_resumed(self) -> None:
        """The caller reads again."""
        self.deadline = self.loop.time() + self.timeout
        self.resume()

    # -- the backend's side

    def paused(self) -> None:
        """The backend reads too slowly."""
        if self.busy:
            self.caller.pause_request()

    def writable(self) -> None:
        """The backend reads again."""
        if self.busy:
            self.caller.resume_request()

    def head(self, status: int, headers: list[Header]) -> None:
        """The answer's head, rewritten for the caller."""
        call = self.call
        exchange = self.exchange
        drops = call.answer_drops
        exchange.started = True
        exchange.status = status
        self._chunked = False
        self._unsent = True
        out = self._out
        framed = self.no_body or status in BODILESS
        out.append(status_line(status))
        for pair in headers:
            name = pair[0]
            if name == b"content-length":
                framed = True
            if name not in drops:
                out.append(LINE % pair)
            elif name == b"connection" and pair[1].lower() not in _CLOSE:
                drops = drops | _listed(pair[1])
                out[1:] = [LINE % earlier for earlier in headers[: headers.index(pair)] if earlier[0] not in drops]
        if not framed:
            if exchange.minor:
                self._chunked = True
                out.append(b"transfer-encoding: chunked\r\n")
            else:
                exchange.keep_alive = False
        if self.caller.draining or exchange.expects:
            exchange.keep_alive = False
        out.append(call.answer_lines)
        if not (exchange.keep_alive and exchange.minor):
            out.append(exchange.connection_line())
        out.append(CRLF)
        call.backend_answered = now = self.loop.time()
        self.deadline = now + self.timeout

    def answer_data(self, chunk: bytes) -> None:
        """A piece of the answer."""
        self.sent += len(chunk)
        if self._chunked:
            self._out += (b"%x\r\n" % len(chunk), chunk, CRLF)
        else:
            self._out.append(chunk)

    def flush(self) -> None:
        """Passes on what one read brought."""
        if self._out:
            self._unsent = False
            self.deadline = self.loop.time() + self.timeout
            self.caller.write(b"".join(self._out))
            self._out.clear()

    def answer_end(self) -> None:
        """The answer is complete."""
        out = self._out
        if self._chunked:
            out.append(b"0\r\n\r\n")
        exchange = self.exchange
        # Before the last write: a caller that gets too much by it must not pause this link, which is another's already.
        exchange.sink = None
        self.caller.write(b"".join(out))
        out.clear()
        exchange.complete()
        self.call.done(exchange.status, self.sent)

    def broken(self, error: UpstreamError) -> None:
        """No answer, or not all of it. A stale pooled connection gets a second try where that is safe."""
        exchange = self.exchange
        exchange.sink = None
        self._out.clear()
        if exchange.started and self._unsent:
            # The head came together with what is wrong, so the caller has seen nothing of it.
            exchange.started = False
            exchange.status = 0
        if exchange.started:
            exchange.abort()
            self.call.done(exchange.status, self.sent)
        elif self.used and self.request and error.stage == "head" and not error.timeout and _repeatable(exchange):
            self.origin.ask(_Asked(self.call, self.origin, self.request, self.timeout, False, True))
        else:
            self.call.failed(error)


def _listed(value: bytes) -> set[bytes]:
    """The headers that a `connection` header makes hop-by-hop; never those that frame the message."""
    return set(tokens(value)) - {b"content-length"}


def forward(
    call: Call, origin: Origin[Relay], target: bytes, drops: frozenset[bytes], lines: bytes, timeout: float
) -> None:
    """Sends the call's exchange to `origin` and its answer back.

    `target` is the request target at the origin, verbatim; `drops` the request headers left out (DROPPED and more);
    `lines` header lines added, each with CRLF; `timeout` the seconds the backend may be silent.
    """
    exchange = call.exchange
    fields = exchange.fields
    connection = fields.get(b"connection")
    if connection is not None and connection.lower() not in _CLOSE:
        drops = drops | _listed(connection)
    out = [exchange.method, b" ", target, origin.version_and_host]
    for pair in exchange.headers:
        if pair[0] not in drops:
            out.append(LINE % pair)
    out.append(lines)
    out.append(b"transfer-encoding: chunked\r\n\r\n" if b"transfer-encoding" in fields else CRLF)
    link = origin.take()
    if link is not None:
        link.carry(call, b"".join(out), timeout)
    else:
        origin.ask(_Asked(call, origin, b"".join(out), timeout, False, False))


class Edited(Protocol):
    """A request that differs from the caller's: its headers with lower-case names, and its body when that was read."""

    method: bytes
    headers: list[Header]
    body: bytes | None


def forward_edited(
    call: Call,
    origin: Origin[Relay],
    request: Edited,
    target: bytes,
    drops: frozenset[bytes],
    lines: bytes,
    timeout: float,
) -> None:
    """`forward` for a changed request. A body that nobody read streams through as it comes.

    Raises ValueError for a method, target or header that would break out of its line.
    """
    fields = call.exchange.fields
    connection = fields.get(b"connection")
    if connection is not None and connection.lower() not in _CLOSE:
        drops = drops | _listed(connection)
    body = request.body
    drops = drops | {b"content-length"}
    if not _one_line(request.method + target):
        raise ValueError(f"the changed request line {request.method!r} {target!r} has a blank or control character")
    kept = [pair for pair in request.headers if pair[0] not in drops]
    out = [request.method, b" ", target, origin.version_and_host, block(kept), lines]
    if body is None:
        # The framing of a body that streams through is the caller's, whatever became of its headers.
        length = fields.get(b"content-length")
        if length is not None:
            out.append(b"content-length: %b\r\n\r\n" % length)
        else:
            out.append(b"transfer-encoding: chunked\r\n\r\n" if b"transfer-encoding" in fields else CRLF)
    elif body or call.exchange.has_body:
        out.append(b"content-length: %d\r\n\r\n%b" % (len(body), body))
    else:
        out.append(CRLF)
    once = request.method not in IDEMPOTENT or bool(body)
    link = origin.take()
    if link is None:
        origin.ask(_Asked(call, origin, b"".join(out), timeout, body is not None, once))
        return
    link.carry(call, b"".join(out), timeout, whole=body is not None)
    if once:
        link.request = b""


class _Asked:
    """A call that waits for a link. `once`: it is not tried again on another when this one turns out to be stale."""

    __slots__ = ("call", "once", "origin", "request", "since", "timeout", "whole")

    def __init__(
        self, call: Call, origin: Origin[Relay], request: bytes, timeout: float, whole: bool, once: bool
    ) -> None:
        self.call = call
        self.origin = origin
        self.request = request
        self.timeout = timeout
        self.whole = whole
        self.once = once
        self.since = origin.loop.time()

    def take(self, link: Relay) -> None:
        """On its way, unless the caller left."""
        call = self.call
        if call.exchange.lost:
            self.origin.keep(link)
            call.done(499, 0)
            return
        link.carry(call, self.request, self.timeout, self.whole)
        if self.once:
            link.request = b""

    def fail(self, error: UpstreamError) -> None:
        """No connection."""
        if self.call.exchange.lost:
            self.call.done(499, 0)
        else:
            self.call.failed(error)


def _repeatable(exchange: Exchange) -> bool:
    return exchange.method in IDEMPOTENT and not exchange.has_body
