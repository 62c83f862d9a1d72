"""TLS before a server that has none: ends the encryption and passes bytes on, in the event loop of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.support.authority import Certified


@asynccontextmanager
async def tls_before(
    port: int, certified: Certified, answer: Callable[[bytes, int], bytes] = lambda data, _: data
) -> AsyncIterator[int]:
    """The port of the proxy. `answer` may change what the server says; it is told the proxy's port."""
    own = 0

    async def passing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(answer(data, own) if back else data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(passing(reader, to_server, False), passing(from_server, writer, True))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certified.context())
    own = server.sockets[0].getsockname()[1]
    async with server:
        yield own
