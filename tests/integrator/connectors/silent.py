"""A server that behaves as a test says, and tells when its client has closed the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Port of a server, and an event that is set when a client closed its connection."""
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await talk(reader, writer)
            while await reader.read(1000):
                pass
        left.set()
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        yield running.sockets[0].getsockname()[1], left


async def closed(left: asyncio.Event) -> None:
    """Wait for it."""
    async with asyncio.timeout(20):
        await left.wait()
