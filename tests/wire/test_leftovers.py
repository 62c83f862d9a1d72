"""Connections that are over leave nothing that only the collector of cycles could free: a worker would grow by 40 KB for each.

The workers look for cycles rarely (wire.worker.settle), and the memory of a TLS connection is no object that it counts.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.wire.http2_client import calling
from tests.wire.support import echo, serving, talk
from tests.wire.test_tls import ask, certificate, trusting
from tests.wire.test_tunnel import ASK, LINES, Shout
from wire.client import Client
from wire.tls import Listener

TIMES = 10
OURS = ("wire.connection", "wire.http2", "wire.tunnel", "wire.upstream", "wire.client", "httptools.parser.parser")


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held() -> Counter[str]:
    """Our objects by type, those included that only the collector could free."""
    return Counter(type(one).__name__ for one in gc.get_objects() if type(one).__module__ in OURS)


async def leaves_nothing(once: Callable[[], Awaitable[object]]) -> None:
    """Fails when what `once` did stays in memory. The first time makes what is made once."""
    await once()
    before = held()
    for _ in range(TIMES):
        await once()
    for _ in range(100):
        await asyncio.sleep(0.05)
        more = held() - before
        if sum(more.values()) < TIMES:
            return
    pytest.fail(f"{TIMES} connections left {dict(more)}")


async def test_http() -> None:
    async with serving(echo) as (_, port):
        await leaves_nothing(lambda: talk(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", pause=0))


async def test_https(tmp_path: Path) -> None:
    pair = certificate(tmp_path, "one", "own.example")
    listener = Listener(lambda: [pair])
    async with serving(echo, tls=listener.front) as (_, port):
        await leaves_nothing(lambda: ask(port, trusting()))


async def test_http2(tmp_path: Path) -> None:
    async def once() -> None:
        async with calling(port, trusting()) as caller:
            assert (await caller.get()).status == 200

    pair = certificate(tmp_path, "one", "own.example")
    listener = Listener(lambda: [pair], alpn=("h2", "http/1.1"))
    async with serving(echo, tls=listener.front) as (_, port):
        await leaves_nothing(once)


async def test_upgrades() -> None:
    async with serving(lambda exchange: exchange.upgrade(LINES, Shout())) as (_, port):
        await leaves_nothing(lambda: talk(port, ASK + b"quit", pause=0))


async def test_links_to_origins() -> None:
    async def once() -> None:
        client = Client()
        response = await client.request("GET", f"http://127.0.0.1:{port}/")
        assert await response.body() == b"GET / "
        await client.close()

    async with serving(echo) as (_, port):
        await leaves_nothing(once)
