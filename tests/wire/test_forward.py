"""The relay between a caller and a backend, both real: rewriting, streams, back-pressure, failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.wire.support import echo, serving, settled, talk
from wire.exchange import Exchange
from wire.forward import DROPPED, Relay, forward, forward_edited
from wire.heads import HOP_BY_HOP
from wire.upstream import Origin, UpstreamError

CLOSE = b"connection: close\r\n"


class Through:
    """A call that is passed on as it is; notes how it ended."""

    ends: list[object] = []

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.answer_lines = b"x-via: relay\r\n"
        self.answer_drops = HOP_BY_HOP | {b"x-secret"}

    def failed(self, error: UpstreamError) -> None:
        """Answers 502 with the stage."""
        self.ends.append(error.stage)
        self.exchange.respond(502, [], error.stage.encode())

    def done(self, status: int, sent: int) -> None:
        """Notes the end."""
        self.ends.append((status, sent))


@asynccontextmanager
async def relaying(backend_port: int, timeout: float = 2.0) -> AsyncIterator[tuple[int, Origin[Relay]]]:
    """A server that relays everything to the backend."""
    Through.ends = []
    origin: Origin[Relay] = Origin("127.0.0.1", backend_port, None, Relay, 1.0)

    def relay(exchange: Exchange) -> None:
        forward(Through(exchange), origin, exchange.target, DROPPED | {b"x-token"}, b"x-added: 1\r\n", timeout)

    async with serving(relay) as (_, port):
        yield port, origin
    origin.abort()
    await asyncio.sleep(0)


async def raw_backend(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
) -> tuple[int, asyncio.Server]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)  # type: ignore[arg-type]
    return server.sockets[0].getsockname()[1], server


async def test_heads_are_rewritten_and_bodies_pass() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def backend(exchange: Exchange) -> None:
        seen.extend(exchange.headers)
        body = await exchange.body()
        exchange.respond(201, [(b"x-secret", b"1"), (b"x-kept", b"2")], body)

    async with serving(backend) as (_, behind), relaying(behind) as (port, _):
        request = (
            b"POST /a%2Fb?c=%20 HTTP/1.1\r\nhost: outside\r\nX-Token: t\r\nx-kept: 1\r\nx-hop: 1\r\nte: trailers\r\n"
            b"connection: close, x-hop\r\ncontent-length: 5\r\n\r\nhello"
        )
        answer = await talk(port, request)
    names = [name for name, _ in seen]
    assert answer.startswith(b"HTTP/1.1 201 Created\r\n")
    assert answer.endswith(b"hello")
    assert b"x-via: relay\r\n" in answer
    assert b"x-kept: 2\r\n" in answer
    assert b"x-secret" not in answer
    assert (b"x-added", b"1") in seen
    assert (b"host", b"127.0.0.1:%d" % behind) in seen
    assert not {b"x-token", b"x-hop", b"te", b"connection"} & set(names)


@pytest.mark.parametrize(
    "named",
    [b"connection: x-hop\r\n", b"connection: X-Hop\r\nconnection: keep-alive\r\n", b"connection: close, x-hop\r\n"],
)
async def test_headers_of_one_hop_stay_behind(named: bytes) -> None:
    """Wherever an answer names them: before them, behind them, or in one of several headers."""

    async def backend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nx-hop: 1\r\n%bx-hop: 2\r\nx-kept: 3\r\ncontent-length: 2\r\n\r\nok" % named)
        writer.close()

    behind, server = await raw_backend(backend)
    async with relaying(behind) as (port, _):
        answer = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    server.close()
    assert answer.endswith(b"\r\n\r\nok")
    assert (
        answer.count(b"x-kept: 3\r\n") == answer.count(b"content-length: 2\r\n") == answer.count(b"x-via: relay") == 1
    )
    assert b"x-hop" not in answer.lower()


async def test_chunked_requests_and_answers_stay_chunked() -> None:
    async def backend(exchange: Exchange) -> None:
        exchange.start(200)
        async for chunk in exchange.stream():
            await exchange.send(chunk.upper())
        exchange.finish()

    async with serving(backend) as (_, behind), relaying(behind) as (port, _):
        head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        answer = await talk(port, head + CLOSE + b"\r\n3\r\nabc\r\n", b"3\r\ndef\r\n", b"0\r\n\r\n")
        old = await talk(port, b"GET / HTTP/1.0\r\n\r\n")
    assert b"transfer-encoding: chunked" in answer
    assert b"ABC" in answer
    assert answer.endswith(b"0\r\n\r\n")
    assert b"transfer-encoding" not in old
    assert CLOSE in old


async def test_connections_to_the_backend_are_shared_by_callers() -> None:
    callers = set()

    def backend(exchange: Exchange) -> None:
        callers.add(exchange.client)
        exchange.respond(200, [], exchange.path)

    async with serving(backend) as (_, behind), relaying(behind) as (port, _):
        for number in range(20):
            answer = await talk(port, b"GET /%d HTTP/1.1\r\nhost: x\r\n" % number + CLOSE + b"\r\n", pause=0)
            assert answer.endswith(b"/%d" % number)
    assert len(callers) == 1
    assert Through.ends == [(200, len(f"/{number}")) for number in range(20)]


async def test_head_204_and_304_have_no_body_and_keep_the_connection() -> None:
    def backend(exchange: Exchange) -> None:
        exchange.respond(int(exchange.path[1:]), [], b"12345")

    async with serving(backend) as (_, behind), relaying(behind) as (port, _):
        requests = [b"HEAD /200", b"GET /204", b"GET /304", b"HEAD /404", b"GET /200"]
        pieces = [request + b" HTTP/1.1\r\nhost: x\r\n\r\n" for request in requests]
        answer = await talk(port, *pieces, b"GET /200 HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 6
    assert answer.count(b"12345") == 2


async def test_backend_failures_before_the_head_reach_the_call() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    get = b"GET / HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n"
    for backend, ends in ((silent, ["head"]), (closing, ["head"])):
        behind, server = await raw_backend(backend)
        async with relaying(behind, timeout=0.3) as (port, _):
            assert (await talk(port, get)).startswith(b"HTTP/1.1 502 ")
            assert Through.ends == ends
            await asyncio.sleep(0.05)
        server.close()
    async with relaying(behind) as (port, _):
        assert (await talk(port, get)).endswith(b"connect")


async def test_an_answer_that_breaks_off_breaks_the_caller_off() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    behind, server = await raw_backend(cut)
    async with relaying(behind) as (port, _):
        try:
            answer = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        except ConnectionError:
            answer = b""
    assert not answer or answer.endswith(b"12345")
    assert Through.ends == [(200, 5)]
    server.close()


async def test_a_stale_backend_connection_is_tried_once_more_for_get_but_not_post() -> None:
    count = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await reader.read(1)
        writer.close()

    behind, server = await raw_backend(once)
    async with relaying(behind) as (port, _):
        get = b"GET / HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n"
        assert (await talk(port, get)).endswith(b"ok")
        assert (await talk(port, get)).endswith(b"ok")
        assert count == 2
        post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n" + CLOSE + b"\r\n"
        assert (await talk(port, post)).endswith(b"head")
    server.close()


async def test_a_slow_caller_holds_the_backend_back() -> None:
    sent = 0

    async def endless(exchange: Exchange) -> None:
        nonlocal sent
        exchange.start(200)
        while True:
            await exchange.send(b"x" * 65536)
            sent += 65536

    async def quiet(exchange: Exchange) -> None:
        try:
            await endless(exchange)
        except ConnectionError:
            return

    async with serving(quiet) as (_, behind), relaying(behind) as (port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await settled(lambda: sent) < 30_000_000
        writer.transport.abort()
        async with asyncio.timeout(20):
            while not Through.ends:
                await asyncio.sleep(0.02)


async def test_a_caller_that_left_the_answer_before_unread_is_held_back_from_the_start() -> None:
    sent = 0

    async def endless(exchange: Exchange) -> None:
        nonlocal sent
        exchange.start(200)
        while sent < 100_000_000:
            await exchange.send(b"x" * 65536)
            sent += 65536

    async with serving(endless) as (_, behind):
        origin: Origin[Relay] = Origin("127.0.0.1", behind, None, Relay, 1.0)

        def relay(exchange: Exchange) -> None:
            if exchange.path == b"/first":
                exchange.respond(200, [], bytes(20_000_000))
            else:
                forward(Through(exchange), origin, exchange.target, DROPPED, b"", 5.0)

        async with serving(relay) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(b"GET /first HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(20):
                while not sent:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.5)
            assert sent < 30_000_000
            writer.transport.abort()
        origin.abort()
        await asyncio.sleep(0)


async def test_a_slow_backend_holds_the_caller_back() -> None:
    go = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await go.wait()
        exchange.respond(200, [], b"%d" % len(await exchange.body(100_000_000)))

    async with serving(late) as (_, behind), relaying(behind) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n" + CLOSE + b"\r\n")
        for _ in range(50):
            writer.write(b"x" * 1_000_000)
        await asyncio.sleep(0.4)
        assert writer.transport.get_write_buffer_size() > 20_000_000
        go.set()
        async with asyncio.timeout(10):
            assert (await reader.read()).endswith(b"50000000")
        writer.close()
        await writer.wait_closed()


async def test_a_caller_that_leaves_frees_the_backend() -> None:
    lost = asyncio.Event()

    async def backend(exchange: Exchange) -> None:
        while not exchange.lost:
            await asyncio.sleep(0.01)
        lost.set()

    async with serving(backend) as (_, behind), relaying(behind) as (port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.transport.abort()
        async with asyncio.timeout(20):
            await lost.wait()
        assert Through.ends == [(499, 0)]


@pytest.mark.parametrize("size", [0, 1, 1000, 300_000])
async def test_bodies_of_any_size_come_through_whole(size: int) -> None:
    async with serving(echo) as (_, behind), relaying(behind) as (port, _):
        head = b"PUT /p HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % size
        answer = await talk(port, head + CLOSE + b"\r\n" + b"z" * size)
    assert answer.partition(b"\r\n\r\n")[2] == b"PUT /p " + b"z" * size


@dataclass
class Change:
    """A changed request."""

    method: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | None = None


@asynccontextmanager
async def editing(
    backend_port: int, change: Callable[[Exchange], Change], target: bytes = b"/new"
) -> AsyncIterator[int]:
    """A server that relays changed requests; what cannot be sent is answered with 500."""
    Through.ends = []
    origin: Origin[Relay] = Origin("127.0.0.1", backend_port, None, Relay, 1.0)

    async def relay(exchange: Exchange) -> None:
        changed = change(exchange)
        if changed.body == b"read":
            changed.body = (await exchange.body()).upper()
        try:
            forward_edited(Through(exchange), origin, changed, target, DROPPED, b"x-added: 1\r\n", 2.0)
        except ValueError as error:
            exchange.respond(500, [], str(error).encode())

    async with serving(relay) as (_, port):
        yield port
    origin.abort()
    await asyncio.sleep(0)


POST = b"POST / HTTP/1.1\r\nhost: x\r\nx-old: 1\r\nconnection: close\r\n"


@pytest.mark.parametrize(
    "framing", [b"content-length: 5\r\n\r\nhello", b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize(
    ("body", "arrives"),
    [(None, b"hello"), (b"read", b"HELLO"), (b"longer than before", b"longer than before"), (b"", b"")],
)
async def test_changed_requests_arrive_as_changed(framing: bytes, body: bytes | None, arrives: bytes) -> None:
    seen: list[Exchange] = []

    async def backend(exchange: Exchange) -> None:
        seen.append(exchange)
        exchange.respond(200, [], await exchange.body())

    async with (
        serving(backend) as (_, behind),
        editing(behind, lambda _: Change(b"PUT", [(b"x-new", b"2")], body)) as port,
    ):
        answer = await talk(port, POST + framing)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\n" + arrives)
    assert (seen[0].method, seen[0].target) == (b"PUT", b"/new")
    assert seen[0].fields[b"x-new"] == b"2"
    assert seen[0].fields[b"x-added"] == b"1"
    assert b"x-old" not in seen[0].fields
    assert (body is None) or (b"transfer-encoding" not in seen[0].fields)


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        (b"GET", b"/", (b"x-a", b"b\r\nx-injected: 1")),
        (b"GET", b"/", (b"x-a\nx-b", b"1")),
        (b"GET", b"/ HTTP/1.1\r\nx-injected: 1", (b"x-a", b"1")),
        (b"GET", b"/a b", (b"x-a", b"1")),
        (b"GET /x", b"/", (b"x-a", b"1")),
    ],
)
async def test_changes_cannot_inject_anything(method: bytes, target: bytes, header: tuple[bytes, bytes]) -> None:
    seen: list[bytes] = []
    async with (
        serving(lambda exchange: seen.append(exchange.target)) as (_, behind),
        editing(behind, lambda _: Change(method, [header]), target) as port,
    ):
        assert (await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).startswith(
            b"HTTP/1.1 500 "
        )
    assert not seen


async def test_a_get_that_became_a_post_is_not_sent_twice() -> None:
    requests = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\nbody")
        requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        if await reader.read(1):
            requests += 1
        writer.close()

    behind, server = await raw_backend(once)
    async with editing(behind, lambda _: Change(b"POST", [], b"body")) as port:
        get = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        assert b" 200 " in await talk(port, get)
        assert b" 502 " in await talk(port, get)
    assert requests == 2
    server.close()
