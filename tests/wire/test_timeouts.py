"""Callers that are slow on purpose, and the last moments of a server that stops."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.wire.support import echo, serving, talk
from tests.wire.test_tls import certificate, trusting
from wire import connection, server
from wire.exchange import Disconnected, Exchange
from wire.server import Timeouts
from wire.tls import Listener

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def trickle(port: int, data: bytes, pause: float) -> tuple[bytes, float]:
    """Sends byte by byte until the other side has enough; returns what it said and how long it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    reading = asyncio.create_task(reader.read())
    with suppress(OSError):
        for octet in data:
            if reading.done() or writer.transport.is_closing():
                break
            writer.write(bytes([octet]))
            await asyncio.sleep(pause)
    async with asyncio.timeout(10):
        said = await asyncio.gather(reading, return_exceptions=True)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return said[0] if isinstance(said[0], bytes) else b"", time.monotonic() - began


async def test_a_trickled_head_is_cut_however_busy_it_looks() -> None:
    async with serving(echo, Timeouts(head=0.5, body=60, idle=60)) as (_, port):
        said, took = await trickle(port, GET.replace(b"host", b"x" * 1000 + b": 1\r\nhost"), 0.05)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert took < 20


async def test_silence_before_the_first_request_and_between_two_is_idle() -> None:
    async with serving(echo, Timeouts(head=60, body=60, idle=0.4)) as (serves, port):
        assert await talk(port) == b""
        assert (await talk(port, GET)).startswith(b"HTTP/1.1 200 ")
        assert not serves.connections


async def test_a_caller_that_reads_nothing_is_cut() -> None:
    lost = asyncio.Event()

    async def flood(exchange: Exchange) -> None:
        exchange.start(200)
        try:
            while True:
                await exchange.send(bytes(1 << 20))
        except Disconnected:
            lost.set()

    async with serving(flood, Timeouts(write=0.4)) as (serves, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(GET)
        async with asyncio.timeout(10):
            await lost.wait()
            while serves.connections:
                await asyncio.sleep(0.02)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_a_handshake_that_never_comes_is_cut(tmp_path: Path) -> None:
    pair = certificate(tmp_path, "own")
    async with serving(echo, Timeouts(head=0.4), Listener(lambda: [pair]).front) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(10):
            with suppress(OSError):
                assert await reader.read() == b""
        writer.close()


async def test_chunk_extensions_without_a_body_have_an_end() -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;"
    async with serving(echo) as (_, port):
        said = await talk(port, head, *[b"a" * 20_000] * 3)
        assert said.startswith(b"HTTP/1.1 413 ")


async def test_a_stopping_server_answers_a_request_that_was_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LAST_CALL_SECONDS", 5.0)
    async with serving(echo) as (serves, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(6)
        stopping = asyncio.create_task(serves.stop(10))
        await asyncio.sleep(0.05)
        writer.write(GET)
        async with asyncio.timeout(5):
            last = await reader.read()
            assert await stopping == 0
        assert last.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close\r\n" in last
        writer.close()


async def test_a_stopping_server_does_not_wait_for_idle_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LAST_CALL_SECONDS", 0.1)
    async with serving(echo) as (serves, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(8):
            assert await serves.stop(20) == 0
        writer.close()


async def test_an_answer_begun_before_the_stop_leaves_room_for_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its head said nothing of closing, so the caller may have asked again already."""
    monkeypatch.setattr(connection, "LAST_CALL_SECONDS", 5.0)
    release = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        exchange.start(200, [(b"content-length", b"2")])
        if exchange.path == b"/slow":
            await release.wait()
        await exchange.send(b"ok")
        exchange.finish()

    async with serving(handle) as (serves, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET.replace(b"/ ", b"/slow "))
        assert b"connection: close" not in await reader.readuntil(b"\r\n\r\n")
        stopping = asyncio.create_task(serves.stop(10))
        await asyncio.sleep(0.05)
        release.set()
        assert await reader.readexactly(2) == b"ok"
        writer.write(GET)
        async with asyncio.timeout(5):
            assert b"connection: close" in await reader.read()
            assert await stopping == 0
        writer.close()


async def test_a_tls_caller_that_does_not_say_goodbye_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FAREWELL_SECONDS", 0.3)
    pair = certificate(tmp_path, "own")
    async with serving(echo, Timeouts(idle=0.3), Listener(lambda: [pair]).front) as (serves, port):
        sock = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port))
        tls = await asyncio.to_thread(trusting().wrap_socket, sock, server_hostname="own")
        async with asyncio.timeout(5):
            while not serves.connections:
                await asyncio.sleep(0.02)
            while serves.connections:
                await asyncio.sleep(0.02)
        tls.close()
