"""Ways of the outgoing client that are not HTTP/1.1 straight to the server, and its failures told apart, on raw sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.certificate import make_certificate
from tests.wire.support import serving
from wire.client import Client, Limits
from wire.exchange import Exchange
from wire.routes import Proxy, Routes, Style
from wire.upstream import UpstreamError

OK = b"HTTP/1.1 200 All Is Well\r\ncontent-length: 2\r\n\r\nok"
SHORT = Limits(connect=2, read=2)


@asynccontextmanager
async def raw(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A server made of a function on its sockets."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


def answering(heads: list[bytes], answer: bytes = OK) -> Callable[..., Awaitable[None]]:
    """Notes each head and answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)

    return serve


@asynccontextmanager
async def client(routes: Routes | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    made = Client(SHORT, tls, routes)
    try:
        yield made
    finally:
        await made.close()


async def test_words_behind_the_status() -> None:
    async with raw(answering([])) as port, client() as caller:
        answer = await caller.request("GET", f"http://127.0.0.1:{port}/")
        assert answer.reason == "All Is Well"
        assert await answer.body() == b"ok"


async def test_styles() -> None:
    heads: list[bytes] = []
    async with raw(answering(heads)) as port, client() as caller:
        url = f"http://127.0.0.1:{port}/a?b=1"
        for style in (Style(http10=True, close=True), Style(absolute=True), None):
            answer = await caller.request("GET", url, limits=Limits(style=style))
            assert await answer.body() == b"ok"
    old, absolute, plain = heads
    assert old.startswith(b"GET /a?b=1 HTTP/1.0\r\n") and b"connection: close\r\n" in old
    assert absolute.startswith(b"GET http://127.0.0.1:%d/a?b=1 HTTP/1.1\r\n" % port)
    assert plain.startswith(b"GET /a?b=1 HTTP/1.1\r\n") and b"connection" not in plain


async def test_a_closed_connection_is_not_used_again() -> None:
    callers = set()

    def note(exchange: Exchange) -> None:
        callers.add(exchange.client)
        exchange.respond(200, [], b"ok")

    async with serving(note) as (_, port), client() as caller:
        for _ in range(3):
            await (
                await caller.request("GET", f"http://127.0.0.1:{port}/", limits=Limits(style=Style(close=True)))
            ).body()
    assert len(callers) == 3


async def test_http_by_a_proxy_and_exceptions() -> None:
    heads: list[bytes] = []
    async with raw(answering(heads)) as port:
        routes = Routes(proxies=(("*", Proxy("127.0.0.1", port, "ann:secret")),), direct=("127.*", "*.inner"))
        async with client(routes) as caller:
            assert await (await caller.request("GET", "http://far.example:81/x")).body() == b"ok"
            assert await (await caller.request("GET", f"http://127.0.0.1:{port}/y")).body() == b"ok"
    assert heads[0].startswith(
        b"GET http://far.example:81/x HTTP/1.1\r\nproxy-authorization: Basic YW5uOnNlY3JldA==\r\n"
    )
    assert b"host: far.example:81\r\n" in heads[0]
    assert heads[1].startswith(b"GET /y HTTP/1.1\r\n") and b"proxy" not in heads[1]


async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """What a proxy does after it allowed CONNECT."""
    there, back = await asyncio.open_connection("127.0.0.1", port)

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)


async def test_https_by_a_proxy(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    asked: list[bytes] = []

    def answer(exchange: Exchange) -> None:
        exchange.respond(200, [], exchange.target)

    async with serving(answer, tls=server_side) as (_, port):

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await tunnel(reader, writer, port)

        async with raw(serve) as proxy_port:
            routes = Routes(proxies=(("*", Proxy("127.0.0.1", proxy_port, "ann:secret")),))
            async with client(routes, ssl.create_default_context(cafile=str(certificate))) as caller:
                for path in ("/one", "/two"):
                    assert (
                        await (await caller.request("GET", f"https://localhost:{port}{path}")).body() == path.encode()
                    )
    assert len(asked) == 1, "the tunnel is used again"
    assert asked[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % port)
    assert b"proxy-authorization: Basic YW5uOnNlY3JldA==\r\n" in asked[0]


async def test_a_proxy_that_refuses() -> None:
    for answer in (b"HTTP/1.1 407 No\r\n\r\n", b"x" * 20_000, b"\r\n\r\n"):
        async with (
            raw(answering([], answer)) as port,
            client(Routes(proxies=(("*", Proxy("127.0.0.1", port)),))) as caller,
        ):
            with pytest.raises(UpstreamError) as caught:
                await caller.request("GET", "https://far.example/")
            assert caught.value.stage == "connect"


async def test_connections_are_bounded() -> None:
    """Calls beyond the bound wait for a connection; one that breaks makes room for a new one."""
    callers: set[tuple[str, int]] = set()
    most = 0
    busy = 0

    async def slow(exchange: Exchange) -> None:
        nonlocal most, busy
        callers.add(exchange.client)
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        exchange.abort() if exchange.path == b"/gone" else exchange.respond(200, [], b"ok")

    async with serving(slow) as (_, port), client(Routes(max_links=3)) as caller:
        paths = ["/", "/gone", "/"] * 8
        found = await asyncio.gather(
            *(caller.request("POST", f"http://127.0.0.1:{port}{path}", body=b"") for path in paths),
            return_exceptions=True,
        )
        assert [isinstance(answer, UpstreamError) for answer in found] == [path == "/gone" for path in paths]
    assert most <= 3 < len(callers)


async def test_waiting_for_a_connection_ends() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw(silent) as port, client(Routes(max_links=1)) as caller:
        url = f"http://127.0.0.1:{port}/"
        first = asyncio.ensure_future(caller.request("GET", url))
        await asyncio.sleep(0.05)
        with pytest.raises(UpstreamError) as caught:
            await caller.request("GET", url, limits=Limits(connect=0.1))
        assert (caught.value.stage, caught.value.timeout) == ("connect", True)
        assert "all 1 connections" in str(caught.value)
        first.cancel()


async def test_tls_by_server(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with (
        serving(lambda exchange: exchange.respond(200, [], b"ok"), tls=server_side) as (_, port),
        client(Routes(contexts={f"localhost:{port}": trusting})) as caller,
    ):
        assert await (await caller.request("GET", f"https://localhost:{port}/")).body() == b"ok"
        with pytest.raises(UpstreamError) as caught:
            await caller.request("GET", f"https://127.0.0.1:{port}/")
        assert isinstance(caught.value.__cause__, ssl.SSLError)


async def test_failures_of_sending() -> None:
    """Reset while the request is sent, and a body of the caller's that breaks off."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.abort()

    async def half() -> AsyncIterator[bytes]:
        yield b"x"
        raise ValueError("gone")

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw(reset) as port, client() as caller:
        with pytest.raises(UpstreamError) as caught:
            await caller.request("POST", f"http://127.0.0.1:{port}/", body=b"x" * 20_000_000)
        assert caught.value.stage == "send"
    async with raw(silent) as port, client() as caller:
        with pytest.raises(UpstreamError) as caught:
            await caller.request("POST", f"http://127.0.0.1:{port}/", body=half())
        assert caught.value.stage == "source"


async def test_closing(tmp_path: Path) -> None:
    """A connection that is being opened when the client is closed, and a request after it."""
    connected = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()

    async with raw(silent) as port, client() as caller:
        opening = asyncio.ensure_future(caller.request("GET", f"https://127.0.0.1:{port}/"))
        await connected.wait()
        await caller.close()
        with pytest.raises(UpstreamError) as caught:
            await opening
        assert caught.value.stage == "cancelled"
        with pytest.raises(UpstreamError) as caught:
            await caller.request("GET", f"https://127.0.0.1:{port}/")
        assert caught.value.stage == "closed"


async def test_other_routes_from_now_on() -> None:
    heads: list[bytes] = []
    async with raw(answering(heads)) as port, client() as caller:
        url = f"http://127.0.0.1:{port}/"
        assert await (await caller.request("GET", url)).body() == b"ok"
        await caller.change(Routes(proxies=(("*", Proxy("127.0.0.1", port)),)))
        assert await (await caller.request("GET", url)).body() == b"ok"
    assert [head.split(b" ")[1] for head in heads] == [b"/", url.encode()]


async def test_room_that_a_failed_connection_leaves() -> None:
    """Calls that wait while one connects in vain try themselves, at once."""
    asked: list[bytes] = []

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 502 No\r\n\r\n")

    async with raw(refusing) as port:
        routes = Routes(proxies=(("*", Proxy("127.0.0.1", port)),), max_links=1)
        async with client(routes) as caller:
            calls = (caller.request("GET", "https://far.example/", limits=Limits(connect=5)) for _ in range(3))
            async with asyncio.timeout(3):
                found = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(error, UpstreamError) and "502" in str(error) for error in found] == [True] * 3
    assert len(asked) == 3
