"""Bodies of 200 MB pass through a proxy service in both directions while the integrator's memory stays flat."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from integrator import alone
from tests.integrator.edge.test_alone import _command, _status
from tests.integrator.engine.harness import listening, write
from tests.support.ports import free_offset
from tests.support.processes import Process
from tests.support.wait import until
from wire.client import Client, Limits
from wire.exchange import Exchange
from wire.server import Server
from wire.service import Service

MEGABYTE = 1024 * 1024
LENGTH = 200 * MEGABYTE
CHUNK = bytes(64 * 1024)
ROOM = 40 * MEGABYTE
"""How much more the process may hold than before: buffers of both sides and the allocator's slack, not the body."""
PROXY = (
    '<proxy xmlns="http://ws.apache.org/ns/synapse" name="big"><target><endpoint><address uri="http://127.0.0.1:{port}/b"/>'
    "</endpoint></target></proxy>"
)


async def pieces() -> AsyncIterator[bytes]:
    """The body."""
    for _ in range(LENGTH // len(CHUNK)):
        yield CHUNK


class Mirror(Service):
    """Counts the body and answers with one as long."""

    def __init__(self) -> None:
        self.counted = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def handle(self, exchange: Exchange) -> None:
        """Answer in a task."""
        task = asyncio.get_running_loop().create_task(self._serve(exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, exchange: Exchange) -> None:
        async for chunk in exchange.stream():
            self.counted += len(chunk)
        exchange.start(200, [(b"content-type", b"application/octet-stream")])
        async for chunk in pieces():
            await exchange.send(chunk)
        exchange.finish()


def worker_peak(leader: int) -> int:
    """Peak memory of the largest process of a group, in bytes."""
    peaks = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) != leader:
                continue
            text = (folder / "status").read_text()
        except OSError:
            continue
        peaks += [int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM")]
    return max(peaks)


async def exchange_big(offset: int) -> int:
    """Send the body and count the answer's bytes."""
    client = Client()
    try:
        url = f"http://127.0.0.1:{alone.HTTP + offset}/services/big"
        headers = [(b"content-type", b"application/octet-stream")]
        response = await client.request("POST", url, headers, pieces(), Limits(connect=5, read=60))
        assert response.status == 200
        return sum([len(chunk) async for chunk in response.stream()])
    finally:
        await client.close()


async def test_memory_is_flat(tmp_path: Path) -> None:
    """200 MB up and 200 MB down; the peak grows by less than a fifth of one of them."""
    home, offset, sink = tmp_path / "home", free_offset(alone.HTTP, alone.HTTPS, alone.MANAGEMENT), Mirror()
    server, sock = Server(sink), listening()
    await server.listen(sock)
    write(home, "proxy-services", "big", PROXY.format(port=sock.getsockname()[1]))
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    environment |= {"APIM_VAR": str(tmp_path / "var"), "INTEGRATOR_SCHEDULER": "none"}
    with Process(_command(home, offset), environment, tmp_path / "log") as process:
        await asyncio.to_thread(until, lambda: _status(offset), seconds=30, what="the integrator answers")
        before = worker_peak(process.popen.pid)
        assert await exchange_big(offset) == LENGTH
        assert sink.counted == LENGTH
        assert worker_peak(process.popen.pid) - before < ROOM
    await server.stop(0.1)
