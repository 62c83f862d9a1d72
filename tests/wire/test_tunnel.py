"""Upgrades: a handler takes a caller's connection over, a backend's 101 becomes a tunnel, and two are coupled."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.certificate import make_certificate
from tests.wire.support import serving, talk
from wire.client import ClientLink, Limits
from wire.exchange import Exchange
from wire.server import Timeouts
from wire.tunnel import End, Half, Tunnel, couple, dial
from wire.upstream import Origin, UpstreamError

ASK = b"GET /chat HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: shout\r\n\r\n"
LINES = b"connection: upgrade\r\nupgrade: shout\r\n"
PLAIN = b"GET /plain HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


class Shout(Tunnel):
    """Says everything louder; `quit` closes."""

    def __init__(self) -> None:
        self.errors: list[Exception | None] = []
        self.drained = False

    def received(self, data: bytes) -> None:
        self.end.write(data.upper())
        if b"quit" in data:
            self.end.close()

    def lost(self, error: Exception | None) -> None:
        self.errors.append(error)

    def drain(self) -> None:
        self.drained = True
        self.end.write(b"BYE")
        self.end.close()


async def test_the_tunnel_gets_what_came_behind_the_head_and_what_follows() -> None:
    tunnels: list[Shout] = []

    def take(exchange: Exchange) -> None:
        assert exchange.upgradable
        tunnels.append(Shout())
        exchange.upgrade(LINES, tunnels[-1])

    async with serving(take) as (server, port):
        answer = await talk(port, ASK + b"one ", b"two ", b"quit")
        assert answer == b"HTTP/1.1 101 Switching Protocols\r\n" + LINES + b"\r\nONE TWO QUIT"
        assert tunnels[0].errors == [None]
        assert not server.connections


async def test_a_handler_may_decide_later_and_bytes_wait_for_it() -> None:
    async def take(exchange: Exchange) -> None:
        await asyncio.sleep(0.1)
        exchange.upgrade(LINES, Shout())

    async with serving(take) as (_, port):
        assert (await talk(port, ASK, b"one ", b"quit", pause=0.03)).endswith(b"\r\n\r\nONE QUIT")


async def test_a_declined_upgrade_is_an_ordinary_request_and_the_next_follows() -> None:
    async def decline(exchange: Exchange) -> None:
        await asyncio.sleep(0.05)
        exchange.respond(403, [], exchange.path)

    async with serving(decline) as (_, port):
        for pieces in ([ASK + PLAIN], [ASK, PLAIN], [ASK + PLAIN[:10], PLAIN[10:]]):
            answer = await talk(port, *pieces)
            assert answer.count(b"HTTP/1.1 403") == 2
            assert b"/chat" in answer
            assert b"/plain" in answer


async def test_a_pipelined_upgrade_waits_for_its_turn() -> None:
    async def take(exchange: Exchange) -> None:
        if exchange.upgradable:
            exchange.upgrade(LINES, Shout())
        else:
            await asyncio.sleep(0.05)
            exchange.respond(200, [], b"first")

    async with serving(take) as (_, port):
        answer = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" + ASK + b"quit")
        assert answer.index(b"first") < answer.index(b"101 Switching") < answer.index(b"QUIT")


@pytest.mark.parametrize(
    "ask",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: shout\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost: x\r\nupgrade: shout\r\nconnection: upgrade\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\nupgrade: shout\r\nconnection: upgrade, close\r\ncontent-length: 2\r\n\r\nab",
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ],
)
async def test_what_is_no_upgrade_cannot_be_taken(ask: bytes) -> None:
    def take(exchange: Exchange) -> None:
        with pytest.raises(RuntimeError):
            exchange.upgrade(LINES, Shout())
        exchange.respond(200, [(b"connection", b"close")], b"no")

    async with serving(take) as (_, port):
        assert (await talk(port, ask, eof=False, pause=0.05)).startswith(b"HTTP/1.1 200")


async def test_an_upgrade_is_taken_once() -> None:
    def take(exchange: Exchange) -> None:
        exchange.upgrade(LINES, Shout())
        with pytest.raises(RuntimeError):
            exchange.upgrade(LINES, Shout())

    async with serving(take) as (_, port):
        assert b"QUIT" in await talk(port, ASK, b"quit")


async def test_draining_tells_the_owner_and_the_grace_breaks_those_who_stay() -> None:
    polite, stubborn = Shout(), Shout()
    stubborn.drain = lambda: None  # type: ignore[method-assign]
    waiting = [polite, stubborn]

    async with serving(lambda exchange: exchange.upgrade(LINES, waiting.pop(0))) as (server, port):
        callers = [asyncio.create_task(talk(port, ASK)) for _ in range(2)]
        async with asyncio.timeout(20):
            while waiting:
                await asyncio.sleep(0.01)
        assert await server.stop(0.3) == 1
        said = await asyncio.gather(*callers, return_exceptions=True)
        assert any(isinstance(one, bytes) and one.endswith(b"BYE") for one in said)
        assert polite.errors == [None]
        assert len(stubborn.errors) == 1


async def test_the_owner_sets_the_idle_limit() -> None:
    class Idle(Shout):
        def tick(self, now: float) -> None:
            if now - self.end.quiet_since > 0.1:
                self.end.write(b"IDLE")
                self.end.close()

    async with serving(lambda exchange: exchange.upgrade(LINES, Idle())) as (_, port):
        assert (await talk(port, ASK)).endswith(b"IDLE")


async def test_a_caller_that_never_reads_is_cut() -> None:
    class Flood(Shout):
        def connected(self, end: End) -> None:
            super().connected(end)
            while not end.write_paused:
                end.write(bytes(65536))

    flood = Flood()
    async with serving(lambda exchange: exchange.upgrade(LINES, flood), Timeouts(write=0.3)) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(ASK)
        async with asyncio.timeout(20):
            while not flood.errors:
                await asyncio.sleep(0.05)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


# -- towards a backend


def origin(port: int, tls: ssl.SSLContext | None = None) -> Origin[ClientLink]:
    return Origin("localhost" if tls else "127.0.0.1", port, tls, ClientLink)


HEADERS = [(b"connection", b"Upgrade"), (b"upgrade", b"shout")]


class Ear(Tunnel):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.over = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.heard += data

    def lost(self, error: Exception | None) -> None:
        self.over.set()


async def test_a_101_makes_a_tunnel_even_with_bytes_in_the_same_read() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        assert asked.startswith(b"GET /chat?x=1 HTTP/1.1\r\nhost: 127.0.0.1:")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + LINES + b"x-own: 1\r\n\r\nhello ")
        writer.write(await reader.readexactly(4))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    pool = origin(server.sockets[0].getsockname()[1])
    ear = Ear()
    response = await dial(pool, b"/chat?x=1", HEADERS, ear)
    assert (response.status, response.header(b"x-own")) == (101, b"1")
    ear.end.write(b"quit")
    async with asyncio.timeout(20):
        await ear.over.wait()
    assert ear.heard == b"hello quit"
    assert not pool.links
    server.close()


async def test_a_refused_dial_is_an_ordinary_answer() -> None:
    async with serving(lambda exchange: exchange.respond(401, [(b"x-why", b"no")], b"go away")) as (_, port):
        response = await dial(origin(port), b"/", HEADERS, Ear())
        assert (response.status, await response.body()) == (401, b"go away")


async def test_a_dial_fails_as_other_calls_do() -> None:
    async def silent(exchange: Exchange) -> None:
        await asyncio.sleep(2)

    async with serving(silent) as (_, port):
        with pytest.raises(UpstreamError) as told:
            await dial(origin(port), b"/", HEADERS, Ear(), Limits(read=0.2))
        assert told.value.timeout
    with pytest.raises(ValueError, match="line break"):
        await dial(origin(port), b"/", [*HEADERS, (b"x", b"a\r\nb: c")], Ear())


async def test_tls_ends_are_tunnels_too(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with serving(lambda exchange: exchange.upgrade(LINES, Shout()), tls=context) as (_, port):
        ear = Ear()
        await dial(origin(port, ssl.create_default_context(cafile=str(certificate))), b"/", HEADERS, ear)
        ear.end.write(b"one quit")
        async with asyncio.timeout(20):
            await ear.over.wait()
        assert ear.heard == b"ONE QUIT"


async def test_coupled_tunnels_pass_bytes_with_back_pressure() -> None:
    """A backend that sends 64 MB to a caller that reads slowly must be held back, and every byte must arrive."""
    size = 64 * 1024 * 1024
    sent = 0

    async def source(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + LINES + b"\r\n")
        assert await reader.readexactly(2) == b"go"
        while sent < size:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536
        writer.close()

    backend = await asyncio.start_server(source, "127.0.0.1", 0)
    pool = origin(backend.sockets[0].getsockname()[1])

    async def take(exchange: Exchange) -> None:
        near, far = couple(Half(), Half())
        response = await dial(pool, b"/", HEADERS, far)
        assert response.status == 101
        exchange.upgrade(LINES, near)

    async with serving(take) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK + b"go")
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.5)
        assert sent < size / 2
        got = 0
        async with asyncio.timeout(20):
            while chunk := await reader.read(1 << 20):
                got += len(chunk)
        assert got == size
        writer.close()
    backend.close()


async def test_one_coupled_end_takes_the_other_along() -> None:
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + LINES + b"\r\n")
        with suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    backend = await asyncio.start_server(listen, "127.0.0.1", 0)
    pool = origin(backend.sockets[0].getsockname()[1])

    async def take(exchange: Exchange) -> None:
        near, far = couple(Half(), Half())
        await dial(pool, b"/", HEADERS, far)
        exchange.upgrade(LINES, near)

    async with serving(take) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        async with asyncio.timeout(20):
            await gone.wait()
    backend.close()
