"""Upgrade requests of HTTP/1.1: what a connection does until a handler took it over, or answered as usual."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools

from wire.exchange import HIGH_WATER, Exchange
from wire.heads import block
from wire.hygiene import Refused

_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class Upgrades(asyncio.Protocol):
    """The part of a connection that is only needed for upgrades."""

    __slots__ = (
        "_current",
        "_deaf",
        "_fresh",
        "_held",
        "_parser",
        "_reading_paused",
        "_replayed",
        "_upgrading",
        "transport",
    )

    transport: asyncio.Transport
    _current: Exchange | None
    _deaf: bool
    _fresh: bool
    _held: bytes
    _parser: Any
    _reading_paused: bool
    _replayed: Exchange | None
    _upgrading: Exchange | None

    def _refuse(self, refusal: Refused) -> None:
        """The connection's."""

    def _offer_upgrade(self, rest: bytes) -> None:
        """Leaves the bytes behind the head unread until the handler took the connection over, or answered as usual."""
        exchange = self._upgrading
        if exchange is None or exchange.method == b"CONNECT":
            self._upgrading = None
            self._fresh = False
            self._current = None
            self._refuse(Refused(501, "CONNECT is not offered here"))
            return
        self._parser = httptools.HttpRequestParser(self)
        if exchange.has_body or not exchange.minor:
            self._ignore_upgrade(exchange, rest)
            return
        exchange.end()
        self._deaf = True
        self._reading_paused = True
        self._hold(rest)

    def _ignore_upgrade(self, exchange: Exchange, rest: bytes) -> None:
        """Goes on in HTTP/1.1 at once: RFC 9110, 7.8 lets a server ignore an upgrade, one with a body cannot be taken."""
        self._upgrading = None
        if not exchange.has_body:
            exchange.end()
        else:
            # The parser took the head of an upgrade for a whole message: a new one hears of the body only.
            self._replayed = exchange
            framing = [pair for pair in exchange.headers if pair[0] in _BODY_HEADERS]
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + block(framing) + b"\r\n")
        if rest:
            self.data_received(rest)

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > HIGH_WATER and not self.transport.is_closing():
            self.transport.pause_reading()

    def _release(self) -> None:
        """The upgrade was answered as an ordinary request: what came behind it is the next one."""
        held, self._held = self._held, b""
        self._upgrading = None
        self._deaf = False
        if held:
            self.data_received(held)
