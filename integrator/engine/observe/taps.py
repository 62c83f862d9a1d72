"""Access log, correlation log and wire log: laid around the listener and the client while they are on, absent while off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from time import monotonic
from typing import Any

from integrator.engine.observe.loggers import HEADERS, WIRE
from integrator.engine.services.inbound import Inbound
from integrator.engine.services.listener import Listener
from wire.client import Client, Response
from wire.exchange import Exchange

access, correlation = logging.getLogger("integrator.access"), logging.getLogger("integrator.correlation")
wire, heads = logging.getLogger(WIRE), logging.getLogger(HEADERS)
LONGEST = 16 * 1024
"""Bytes of one piece of a body that are logged."""
COMBINED = '{address} - - [{time}] "{line}" {status} {size} "{referer}" "{agent}"'
SECRET = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"set-cookie", b"apikey"})


class Taps:
    """What is on: `access` and `correlation` are set by configuration or API, wire and headers by the level of their loggers."""

    def __init__(self, listener: Listener):
        self.listener = listener
        self.client: Client | None = None
        self.access = False
        self.correlation = False

    def follow(self) -> None:
        """Lay the taps that are on around listener and client; take all away when none is."""
        watching = wire.isEnabledFor(logging.DEBUG) or heads.isEnabledFor(logging.DEBUG)
        for owner, name, tap, on in (
            (self.listener, "handle", self._handle, self.access or self.correlation or watching),
            (self.client, "request", self._request, self.correlation or watching),
        ):
            if owner is not None and on:
                setattr(owner, name, tap)
            elif owner is not None:
                owner.__dict__.pop(name, None)

    def _handle(self, exchange: Exchange, inbound: Inbound | None = None) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(exchange, inbound))
        self.listener.tasks.add(task)
        task.add_done_callback(self.listener.tasks.discard)

    async def _serve(self, exchange: Exchange, inbound: Inbound | None = None) -> None:
        started, at = monotonic(), datetime.now().astimezone()
        tapped = Tapped(exchange)
        log_head(">>", exchange.method + b" " + exchange.target, exchange.headers)
        await self.listener.serve(tapped, inbound)  # type: ignore[arg-type]  # stands for the exchange
        if self.access:
            access.info("%s", access_line(exchange, at, tapped.sent))
        if self.correlation:
            identity = tapped.identity or _text(exchange.header(b"activityid"))
            target = f"{_text(exchange.method)}|{_text(exchange.target)}|{exchange.status}"
            correlation_line(identity, started, "HTTP", "ROUND-TRIP LATENCY", target)

    async def _request(
        self,
        method: bytes | str,
        url: bytes | str,
        headers: Iterable[Any] = (),
        body: Any = None,
        *more: Any,
        **options: Any,
    ) -> Response:
        assert self.client is not None
        started, sent = monotonic(), list(headers)
        line = f"{method if isinstance(method, str) else _text(method)} {url if isinstance(url, str) else _text(url)}"
        log_head("<<", line.encode("latin-1", "replace"), sent)
        if isinstance(body, bytes):
            log_bytes("<<", body)
        response = await Client.request(self.client, method, url, sent, body, *more, **options)
        if self.correlation:
            identity = next((_text(value) for name, value in sent if name.lower() == b"activityid"), "")
            shown = line.partition("?")[0].replace(" ", "|", 1)
            correlation_line(identity, started, "HTTP", "BACKEND LATENCY", f"{shown}|{response.status}")
        log_head(">>", f"HTTP/1.1 {response.status}".encode(), response.headers)
        if wire.isEnabledFor(logging.DEBUG):
            feed = response.feed

            def logged(chunk: bytes) -> None:
                log_bytes(">>", chunk)
                feed(chunk)

            for chunk in response._chunks:
                log_bytes(">>", chunk)
            response.feed = logged  # type: ignore[method-assign]
        return response


class Tapped:
    """An exchange whose bodies and answer are looked at on their way."""

    def __init__(self, exchange: Exchange):
        self._exchange = exchange
        self.sent = 0
        self.identity = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)

    async def body(self, limit: int) -> bytes:
        """The whole body, logged."""
        data = await self._exchange.body(limit)
        log_bytes(">>", data)
        return data

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it arrives, logged."""
        async for chunk in self._exchange.stream():
            log_bytes(">>", chunk)
            yield chunk

    def respond(self, status: int, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b"", *more: Any) -> None:
        """Answer at once."""
        given = list(headers)
        self._head(status, given)
        self._piece(body)
        self._exchange.respond(status, given, body, *more)

    def respond_block(self, status: int, lines: bytes, body: bytes, *more: Any) -> None:
        """Answer at once, with headers that are lines already."""
        pairs = (line.partition(b": ") for line in lines.split(b"\r\n") if line)
        self._head(status, [(name, value) for name, _, value in pairs])
        self._piece(body)
        self._exchange.respond_block(status, lines, body, *more)

    def start(self, status: int, headers: Iterable[tuple[bytes, bytes]] = (), *more: Any) -> None:
        """Begin an answer."""
        given = list(headers)
        self._head(status, given)
        self._exchange.start(status, given, *more)

    async def send(self, chunk: bytes) -> None:
        """A piece of the answer."""
        self._piece(chunk)
        await self._exchange.send(chunk)

    def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.identity = next((_text(value) for name, value in headers if name == b"activityid"), "")
        log_head("<<", f"HTTP/1.1 {status}".encode(), headers)

    def _piece(self, chunk: bytes) -> None:
        self.sent += len(chunk)
        log_bytes("<<", chunk)


def log_head(arrow: str, line: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """First line and headers, when the loggers are at DEBUG; credentials are not shown."""
    for logger in (heads, wire):
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug('%s "%s[\\r][\\n]"', arrow, _text(line))
            for name, value in headers:
                shown = "***" if name.lower() in SECRET else _text(value)
                logger.debug('%s "%s: %s[\\r][\\n]"', arrow, _text(name), shown)


def log_bytes(arrow: str, data: bytes) -> None:
    """A piece of a body, when the wire logger is at DEBUG."""
    if data and wire.isEnabledFor(logging.DEBUG):
        rest = f" … {len(data) - LONGEST} more bytes" if len(data) > LONGEST else ""
        shown = data[:LONGEST].decode("utf-8", "backslashreplace").replace("\r", "[\\r]").replace("\n", "[\\n]")
        wire.debug('%s "%s"%s', arrow, shown, rest)


def access_line(exchange: Exchange, at: datetime, size: int) -> str:
    """One request in the combined log format."""
    return COMBINED.format(
        address=exchange.address,
        time=at.strftime("%d/%b/%Y:%H:%M:%S %z"),
        line=_quoted(exchange.method + b" " + exchange.target + b" HTTP/1.1"),
        status=exchange.status,
        size=size or "-",
        referer=_quoted(exchange.header(b"referer") or b"-"),
        agent=_quoted(exchange.header(b"user-agent") or b"-"),
    )


def correlation_line(identity: str, started: float, kind: str, method: str, target: str) -> None:
    """time|correlation id|thread|milliseconds|call type|method|target, as tools for the original's file read it."""
    at = datetime.now().strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    took = round((monotonic() - started) * 1000)
    correlation.info("%s|%s|integrator|%d|%s|%s|%s", at, _line(identity), took, kind, method, _line(target))


def _text(value: bytes | None) -> str:
    return (value or b"").decode("latin-1")


def _quoted(value: bytes) -> str:
    return _line(_text(value)).replace("\\", "\\\\").replace('"', '\\"')


def _line(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
