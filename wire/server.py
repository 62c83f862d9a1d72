"""Listening sockets, the watch over their connections, and an orderly stop."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from wire.connection import NEWCOMER_SECONDS, Connection
from wire.http2 import Http2Connection
from wire.service import Service

HEAD_LIMIT = 32 * 1024
WATCH_SECONDS = 0.5

FAREWELL_SECONDS = 3.0
"""How long a TLS connection that we close waits for the caller to say so too."""

SPARE_FILES = 128
"""Open files that are neither callers nor backends."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds: a head must be complete, a body must go on, an answer must be read, a connection may idle."""

    head: float = 15.0
    body: float = 30.0
    write: float = 60.0
    idle: float = 75.0


class Served(Protocol):
    """A connection as its server sees it: HTTP/1.1, HTTP/2 or a tunnel."""

    def drain(self) -> None:
        """Comes to an end soon: the server stops."""

    def abort(self) -> None:
        """Breaks at once."""

    def check(self, now: float) -> None:
        """Looks at its timeouts; `now` is the loop's clock."""


BACKLOG = 2048
"""Callers whom the kernel may have connected before the server takes them."""


@dataclass(frozen=True)
class Listening:
    """A socket on which calls are accepted, and what each becomes."""

    listener: asyncio.AbstractServer
    sock: socket.socket
    factory: Callable[[], asyncio.Protocol]
    tls: ssl.SSLContext | None


def connection_limit(wanted: int) -> int:
    """How many callers' connections this process may hold, so that files are left for its backends. 0: no wish."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = sys.maxsize if files == resource.RLIM_INFINITY else max(16, (files - SPARE_FILES) * 2 // 3)
    return min(wanted, room) if wanted else room


class Negotiated(asyncio.Protocol):
    """A TLS connection at the moment of its birth: becomes one of HTTP/2 or of HTTP/1.1, as was agreed in the handshake."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Steps aside."""
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol: asyncio.Protocol
        if agreed == "h2":
            protocol = Http2Connection(self.server, self.port)
        else:
            protocol = Connection(self.server, "https", self.port)
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)


class Server:
    """Serves one service on any number of sockets. `head_limit`: bytes of request line and headers together."""

    def __init__(self, service: Service, timeouts: Timeouts | None = None, head_limit: int = HEAD_LIMIT) -> None:
        self.service = service
        self.timeouts = timeouts or Timeouts()
        self.head_limit = head_limit
        self.loop = asyncio.get_running_loop()
        self.proxies = service.proxies
        self.connections: set[Served] = set()
        self.max_connections = connection_limit(service.max_connections)
        self.refused = 0
        self._listeners: list[Listening] = []
        self._watch: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None
        self._stopping = False

    async def listen(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accepts calls on a bound socket, over TLS when a context is given."""
        address = sock.getsockname()
        port = int(address[1]) if isinstance(address, tuple) else 0

        def factory() -> asyncio.Protocol:
            return Negotiated(self, port) if tls else Connection(self, "http", port)

        listener = await self.loop.create_server(
            factory,
            sock=sock,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=self.timeouts.head if tls else None,
            ssl_shutdown_timeout=FAREWELL_SECONDS if tls else None,
        )
        self._listeners.append(Listening(listener, sock, factory, tls))
        if self._watch is None:
            self._watch = self.loop.call_later(WATCH_SECONDS, self._check)

    def joined(self, connection: Served) -> None:
        """A connection was made."""
        self.connections.add(connection)
        if self._stopping:
            connection.drain()

    def left(self, connection: Served) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if self._empty is not None and not self.connections and not self._empty.done():
            self._empty.set_result(None)

    async def stop(self, grace: float) -> int:
        """Stops listening, lets answers in work finish for `grace` seconds; returns how many connections it broke."""
        self._stopping = True
        listeners, self._listeners = self._listeners, []
        taken = [asyncio.create_task(each) for held in listeners for each in self._end_listening(held)]
        for connection in list(self.connections):
            connection.drain()
        await asyncio.gather(*taken, return_exceptions=True)
        if self.connections:
            self._empty = self.loop.create_future()
            await asyncio.wait([self._empty], timeout=grace)
        broken = list(self.connections)
        for connection in broken:
            connection.abort()
        if self._watch is not None:
            self._watch.cancel()
        return len(broken)

    def _end_listening(self, held: Listening) -> list[Coroutine[Any, Any, Any]]:
        """Stop listening; what takes the callers whom the kernel has connected already: else they would be reset."""
        found: list[socket.socket] = []
        with held.sock.dup() as queue:
            held.listener.close()
            queue.setblocking(False)
            with suppress(OSError):
                while len(found) < BACKLOG:
                    found.append(queue.accept()[0])
        limits = {"ssl": held.tls, "ssl_handshake_timeout": NEWCOMER_SECONDS} if held.tls else {}
        return [self.loop.connect_accepted_socket(held.factory, each, **limits) for each in found]  # type: ignore[arg-type]

    def _check(self) -> None:
        now = self.loop.time()
        for connection in list(self.connections):
            connection.check(now)
        self._watch = self.loop.call_later(WATCH_SECONDS, self._check)
