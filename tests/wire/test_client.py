"""The outgoing client against real servers: pooling, retries, limits, streams, TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.certificate import make_certificate
from tests.support.ports import free_port
from tests.wire.support import echo, serving
from wire.client import AnswerTooLarge, Client, Limits
from wire.exchange import Exchange
from wire.upstream import UpstreamError


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client(Limits(connect=2, read=2))
    yield client
    await client.close()


async def test_connections_are_used_again(client: Client) -> None:
    callers = set()

    def note(exchange: Exchange) -> None:
        callers.add(exchange.client)
        exchange.respond(200, [(b"x-path", exchange.target)], b"ok")

    async with serving(note) as (_, port):
        for _ in range(5):
            answer = await client.request("GET", f"http://127.0.0.1:{port}/a?b=c%20d")
            assert (answer.status, answer.reason, answer.header(b"x-path")) == (200, "OK", b"/a?b=c%20d")
            assert await answer.body() == b"ok"
    assert len(callers) == 1


async def test_bodies_stream_both_ways(client: Client) -> None:
    async def mirror(exchange: Exchange) -> None:
        exchange.start(200)
        async for chunk in exchange.stream():
            await exchange.send(chunk)
        exchange.finish()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 10_000

    async with serving(mirror) as (_, port):
        answer = await client.request("POST", f"http://127.0.0.1:{port}/", body=pieces())
        total = 0
        async for chunk in answer.stream():
            total += len(chunk)
        assert total == 2_000_000


async def test_a_post_without_body_says_so(client: Client) -> None:
    async def length(exchange: Exchange) -> None:
        exchange.respond(200, [], exchange.header(b"content-length") or b"none")

    async with serving(length) as (_, port):
        assert await (await client.request("POST", f"http://127.0.0.1:{port}/")).body() == b"0"
        assert await (await client.request("GET", f"http://127.0.0.1:{port}/")).body() == b"none"


async def test_a_stale_pooled_connection_is_replaced_for_idempotent_calls_only(client: Client) -> None:
    served: list[asyncio.StreamWriter] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    assert await (await client.request("GET", url)).body() == b"ok"
    assert await (await client.request("GET", url)).body() == b"ok"
    assert len(served) == 2
    with pytest.raises(UpstreamError) as caught:
        await client.request("POST", url, body=b"once only")
    assert caught.value.stage == "head"
    server.close()


async def test_head_and_204_have_no_body(client: Client) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.respond(204 if exchange.path == b"/204" else 200, [], b"12345")

    async with serving(answer) as (_, port):
        for _ in range(2):
            head = await client.request("HEAD", f"http://127.0.0.1:{port}/")
            assert head.header(b"content-length") == b"5"
            assert await head.body() == b""
            empty = await client.request("GET", f"http://127.0.0.1:{port}/204")
            assert (empty.status, await empty.body()) == (204, b"")
            assert await (await client.request("GET", f"http://127.0.0.1:{port}/")).body() == b"12345"


async def test_limits_are_kept(client: Client) -> None:
    async def slow(exchange: Exchange) -> None:
        if exchange.path == b"/big":
            exchange.respond(200, [], b"x" * 1000)
            return
        await asyncio.sleep(3)

    async with serving(slow) as (_, port):
        with pytest.raises(UpstreamError, match="silent") as caught:
            await client.request("GET", f"http://127.0.0.1:{port}/", limits=Limits(connect=1, read=0.2))
        assert (caught.value.timeout, caught.value.stage) == (True, "head")
        with pytest.raises(AnswerTooLarge, match="999"):
            await (await client.request("GET", f"http://127.0.0.1:{port}/big")).body(999)
    with pytest.raises(UpstreamError) as refused:
        await client.request("GET", f"http://127.0.0.1:{free_port()}/")
    assert refused.value.stage == "connect"


@pytest.mark.parametrize("url", ["ftp://x/", "/path", "http://", "http://x/a b"])
async def test_addresses_are_checked(client: Client, url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        await client.request("GET", url)


async def test_headers_cannot_break_out(client: Client) -> None:
    with pytest.raises(ValueError, match="line break"):
        await client.request("GET", "http://127.0.0.1:1/", [(b"x-a", b"1\r\nx-b: 2")])


@pytest.mark.parametrize(
    "answer",
    [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b""],
)
async def test_bad_answers_are_errors(client: Client, answer: bytes) -> None:
    async def bad(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(bad, "127.0.0.1", 0)
    with pytest.raises(UpstreamError):
        await client.request("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()


async def test_a_cut_answer_is_not_taken_as_whole(client: Client) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    answer = await client.request("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    with pytest.raises(UpstreamError) as caught:
        await answer.body()
    assert caught.value.stage == "body"
    server.close()


async def test_bytes_after_an_answer_are_not_the_next_answer(client: Client) -> None:
    async def smuggle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(smuggle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    for _ in range(3):
        assert await (await client.request("GET", url)).body() == b"ok"
    server.close()


async def test_tls_is_verified(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    serverside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serverside.load_cert_chain(certificate, key)
    async with serving(echo, tls=serverside) as (_, port):
        strict = Client()
        with pytest.raises(UpstreamError, match="certificate"):
            await strict.request("GET", f"https://localhost:{port}/")
        trusting = Client(tls=ssl.create_default_context(cafile=str(certificate)))
        answer = await trusting.request("POST", f"https://localhost:{port}/s", body=b"x")
        assert await answer.body() == b"POST /s x"
        await trusting.close()
        await strict.close()
