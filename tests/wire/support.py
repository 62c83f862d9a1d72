"""A wire server inside the test's own loop, and raw sockets to talk to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from wire.exchange import Exchange
from wire.server import Server, Timeouts
from wire.service import Service


class Answering(Service):
    """A service made of one function; coroutines run as tasks."""

    def __init__(self, function: Callable[[Exchange], object]) -> None:
        self.function = function
        self.tasks: set[asyncio.Task[object]] = set()

    def handle(self, exchange: Exchange) -> None:
        """Calls the function, runs it when it is a coroutine."""
        result = self.function(exchange)
        if asyncio.iscoroutine(result):
            task = asyncio.ensure_future(result)
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)


@asynccontextmanager
async def serving(
    function: Callable[[Exchange], object],
    timeouts: Timeouts | None = None,
    tls: ssl.SSLContext | None = None,
    head_limit: int = 32 * 1024,
) -> AsyncIterator[tuple[Server, int]]:
    """A server for `function` on a free port; yields it and the port."""
    server = Server(Answering(function), timeouts, head_limit)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    await server.listen(sock, tls)
    try:
        yield server, sock.getsockname()[1]
    finally:
        await server.stop(0)


async def talk(port: int, *pieces: bytes, pause: float = 0.02, eof: bool = False) -> bytes:
    """Sends the pieces one after the other and returns everything that comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if eof:
            writer.write_eof()
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def settled(value: Callable[[], int], quiet: float = 0.3) -> int:
    """The value once it stands still for `quiet` seconds; fails when it never does."""
    async with asyncio.timeout(30):
        while True:
            before = value()
            await asyncio.sleep(quiet)
            if before == value() and before:
                return before


async def echo(exchange: Exchange) -> None:
    """Answers with the method, the target and the body."""
    body = await exchange.body()
    exchange.respond(200, [(b"content-type", b"text/plain")], b" ".join((exchange.method, exchange.target, body)))
