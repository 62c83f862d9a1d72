"""HTTP/2 callers: the same exchanges and the same relay as HTTP/1.1, flow control as back-pressure, and what is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from h2.errors import ErrorCodes

from tests.wire.http2_client import Caller, calling
from tests.wire.support import echo, serving, talk
from tests.wire.test_forward import Through, raw_backend
from tests.wire.test_tls import certificate, trusting
from wire.exchange import BodyTooLarge, Disconnected, Exchange
from wire.forward import DROPPED, Relay, forward
from wire.http2 import CALM, STREAM_ROOM, STREAMS
from wire.server import Server, Timeouts
from wire.tls import Listener
from wire.upstream import Origin


@asynccontextmanager
async def http2(
    folder: Path, function: Callable[[Exchange], object], timeouts: Timeouts | None = None
) -> AsyncIterator[tuple[Caller, Server, int]]:
    """A caller of a server for `function`."""
    pair = certificate(folder, "own.example")
    front = Listener(lambda: [pair], alpn=("h2", "http/1.1")).front
    async with serving(function, timeouts, front) as (server, port), calling(port, trusting()) as caller:
        yield caller, server, port


@asynccontextmanager
async def relayed(folder: Path, backend_port: int) -> AsyncIterator[Caller]:
    """A caller whose exchanges are relayed to a backend."""
    Through.ends = []
    origin: Origin[Relay] = Origin("127.0.0.1", backend_port, None, Relay, 10.0)

    def relay(exchange: Exchange) -> None:
        forward(Through(exchange), origin, exchange.target, DROPPED, exchange.forwarded, 5.0)

    async with http2(folder, relay) as (caller, _, _):
        yield caller
    origin.abort()
    await asyncio.sleep(0)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_requests_become_exchanges(tmp_path: Path) -> None:
    seen: list[Exchange] = []

    async def handle(exchange: Exchange) -> None:
        seen.append(exchange)
        await echo(exchange)

    async with http2(tmp_path, handle) as (caller, _, port):
        plain = await caller.get(
            ("x-one", "1"), ("x-one", "2"), ("cookie", "a=b"), ("cookie", "c=d"), path="/a%2Fb?c=d"
        )
        assert (plain.status, plain.body) == (200, b"GET /a%2Fb?c=d ")
        assert plain.headers["content-length"] == "15"
        assert "connection" not in plain.headers
        posted = await caller.get(path="/x", method="POST", body=b"hello")
        assert posted.body == b"POST /x hello"
        head = await caller.get(method="HEAD")
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "7")
    exchange = seen[0]
    assert exchange.fields[b"x-one"] == b"1, 2"
    assert exchange.fields[b"cookie"] == b"a=b; c=d"
    assert exchange.fields[b"host"] == b"own.example"
    assert (exchange.scheme, exchange.local_port, exchange.client[0]) == ("https", port, "127.0.0.1")
    assert not exchange.upgradable


async def test_http_1_1_is_still_spoken_on_the_same_port(tmp_path: Path) -> None:
    pair = certificate(tmp_path, "own.example")
    front = Listener(lambda: [pair], alpn=("h2", "http/1.1")).front
    async with serving(echo, tls=front) as (_, port):
        async with httpx.AsyncClient(http2=True, verify=trusting()) as client:
            answers = await asyncio.gather(*(client.get(f"https://127.0.0.1:{port}/{n}") for n in range(50)))
            assert {answer.http_version for answer in answers} == {"HTTP/2"}
            assert [answer.text for answer in answers] == [f"GET /{n} " for n in range(50)]
        async with httpx.AsyncClient(verify=trusting()) as client:
            assert (await client.get(f"https://127.0.0.1:{port}/")).http_version == "HTTP/1.1"


async def test_calls_are_relayed_in_both_directions(tmp_path: Path) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def backend(exchange: Exchange) -> None:
        seen.extend(exchange.headers)
        if exchange.path == b"/chunked":
            exchange.start(200)
            async for chunk in exchange.stream():
                await exchange.send(chunk.upper())
            exchange.finish()
        else:
            exchange.respond(204 if exchange.path == b"/none" else 200, [(b"x-kept", b"1")], await exchange.body())

    async with serving(backend) as (_, behind), relayed(tmp_path, behind) as caller:
        whole = await caller.get(("content-length", "5"), method="POST", body=b"hello")
        assert (whole.status, whole.body, whole.headers["x-kept"], whole.headers["x-via"]) == (
            200,
            b"hello",
            "1",
            "relay",
        )
        streamed = await caller.get(path="/chunked", method="POST", body=b"abc" * 1000)
        assert (streamed.body, streamed.ended) == (b"ABC" * 1000, True)
        assert "transfer-encoding" not in streamed.headers
        assert (await caller.get(path="/none")).status == 204
        many = [caller.ask(path=f"/{number}") for number in range(60)]
        assert [(await caller.reply(number)).status for number in many] == [200] * 60
    assert (b"transfer-encoding", b"chunked") in seen
    assert (b"x-forwarded-proto", b"https") in seen


async def test_a_backend_that_breaks_off_resets_the_stream_only(tmp_path: Path) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    behind, server = await raw_backend(half)
    async with relayed(tmp_path, behind) as caller:
        reply = await caller.get()
        assert reply.reset == ErrorCodes.INTERNAL_ERROR
        assert not reply.ended
        assert not caller.closed
    server.close()


async def test_a_caller_that_does_not_read_holds_the_answer_back(tmp_path: Path) -> None:
    sent = 0

    async def flood(exchange: Exchange) -> None:
        nonlocal sent
        exchange.start(200)
        for _ in range(100):
            await exchange.send(bytes(65536))
            sent += 1
        exchange.finish()

    async with http2(tmp_path, flood) as (caller, _, _):
        caller.acknowledging = False
        number = caller.ask()
        await until(lambda: len(caller.replies[number].body) >= 65535)
        await asyncio.sleep(0.2)
        assert sent <= 4
        caller.acknowledging = True
        caller.h2.increment_flow_control_window(2**30, None)
        caller.h2.increment_flow_control_window(2**30, number)
        caller.flush()
        assert len((await caller.reply(number)).body) == 100 * 65536


async def test_a_caller_that_does_not_take_the_end_of_its_answer_does_not_hold_up_the_next_on_that_link(
    tmp_path: Path,
) -> None:
    async with serving(lambda exchange: exchange.respond(200, [], bytes(70_000))) as (_, behind):
        origin: Origin[Relay] = Origin("127.0.0.1", behind, None, Relay, 1.0)

        def relay(exchange: Exchange) -> None:
            forward(Through(exchange), origin, exchange.target, DROPPED, exchange.forwarded, 3.0)

        async with http2(tmp_path, relay) as (slow, _, port):
            slow.acknowledging = False
            number = slow.ask()
            await until(lambda: len(slow.replies[number].body) >= 65535 and origin.idle)
            async with calling(port, trusting()) as other:
                assert len((await other.get()).body) == 70_000
            assert len(origin.links) == 1
        origin.abort()


async def test_a_body_that_nobody_takes_holds_its_caller_back_but_not_others(tmp_path: Path) -> None:
    taking = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        if exchange.path == b"/slow":
            await taking.wait()
        exchange.respond(200, [], b"%d" % len(await exchange.body()))

    async with http2(tmp_path, handle) as (caller, _, _):
        caller.h2.increment_flow_control_window(0x7FFFFFFF - 65535)
        await until(lambda: caller.h2.remote_settings.initial_window_size == STREAM_ROOM)
        slow = caller.ask(path="/slow", method="POST", body=b"")
        sent = 0
        for _ in range(50):
            if caller.h2.local_flow_control_window(slow) >= 16384:
                caller.h2.send_data(slow, bytes(16384))
                caller.flush()
                sent += 16384
            await asyncio.sleep(0.01)
        assert sent <= 2 * STREAM_ROOM
        assert (await caller.get(method="POST", body=bytes(16000))).body == b"16000"
        taking.set()
        await until(lambda: caller.h2.local_flow_control_window(slow) >= 16384)
        caller.h2.send_data(slow, bytes(16384), end_stream=True)
        caller.flush()
        assert (await caller.reply(slow)).body == b"%d" % (sent + 16384)


async def test_trailers_pass_in_both_directions(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.body()
        exchange.start(200, [(b"content-type", b"application/grpc")])
        await exchange.send(b"message")
        exchange.trail([(b"grpc-status", b"0"), (b"x-back", dict(exchange.trailers)[b"x-forth"])])
        exchange.finish()

    async with http2(tmp_path, handle) as (caller, _, _):
        number = caller.ask(("te", "trailers"), method="POST", body=b"")
        caller.h2.send_data(number, b"message")
        caller.h2.send_headers(number, [("x-forth", "there")], end_stream=True)
        caller.flush()
        reply = await caller.reply(number)
        assert reply.trailers == {"grpc-status": "0", "x-back": "there"}


async def test_a_waiting_caller_gets_its_100_and_an_answered_one_is_told_to_stop(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.path == b"/no":
            exchange.respond(413, [], b"no")
            return
        try:
            exchange.respond(200, [], await exchange.body(10))
        except BodyTooLarge:
            exchange.respond(413, [], b"too large")

    async with http2(tmp_path, handle) as (caller, _, _):
        number = caller.ask(("expect", "100-continue"), method="POST", body=b"")
        await until(lambda: caller.replies[number].informational)
        caller.h2.send_data(number, b"hello", end_stream=True)
        caller.flush()
        assert (await caller.reply(number)).body == b"hello"
        refused = caller.ask(path="/no", method="POST", body=b"")
        await until(lambda: caller.replies[refused].reset is not None)
        assert caller.replies[refused].body == b"no"
        assert caller.replies[refused].reset == ErrorCodes.NO_ERROR


async def test_whoever_works_for_a_caller_hears_that_it_left(tmp_path: Path) -> None:
    left: list[bytes] = []

    async def handle(exchange: Exchange) -> None:
        try:
            await exchange.body()
        except Disconnected:
            left.append(exchange.path)

    async with http2(tmp_path, handle) as (caller, _, _):
        first = caller.ask(path="/reset", method="POST", body=b"")
        caller.ask(path="/gone", method="POST", body=b"")
        caller.h2.reset_stream(first)
        caller.flush()
        await until(lambda: left == [b"/reset"])
        caller.writer.transport.abort()
        await until(lambda: left == [b"/reset", b"/gone"])


async def test_a_failing_handler_is_a_500(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(exchange: Exchange) -> None:
        raise ValueError("on purpose")

    with caplog.at_level(logging.CRITICAL):
        async with http2(tmp_path, fail) as (caller, _, _):
            assert (await caller.get()).status == 500


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/a#b", "GET", [], 400),
        ("/a b", "GET", [], 400),
        ("*", "GET", [], 400),
        ("http://x/", "GET", [], 400),
        ("/", "get", [], 400),
        ("/", "G T", [], 400),
        ("/", "GET", [("x(y)", "1")], 400),
        ("/", "GET", [("authorization", "a"), ("authorization", "b")], 400),
        ("/", "GET", [(f"x-{n}", "1") for n in range(200)], 431),
    ],
)
async def test_what_http_1_1_would_refuse_is_refused(
    tmp_path: Path, path: str, method: str, headers: list[tuple[str, str]], status: int
) -> None:
    def handle(exchange: Exchange) -> None:
        raise AssertionError(exchange.target)

    async with http2(tmp_path, handle) as (caller, server, _):
        reply = await caller.get(*headers, path=path, method=method)
        assert reply.status == status
        assert server.refused == 1


@pytest.mark.parametrize(
    "header",
    [
        ("x-a", "b\r\nx-injected: 1"),
        ("x-a", "b\nc"),
        ("x-a", "b\0c"),
        ("x-a\r\nx-b", "1"),
        ("x-\x01", "1"),
        ("X-Upper", "1"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("host", "other.example"),
        ("content-length", "5"),
    ],
)
async def test_malformed_requests_never_reach_a_handler(tmp_path: Path, header: tuple[str, str]) -> None:
    seen: list[bytes] = []

    def handle(exchange: Exchange) -> None:
        seen.append(exchange.target)
        exchange.respond(200)

    async with http2(tmp_path, handle) as (caller, _, _):
        reply = await caller.get(header)
        assert reply.status in (0, 400)
        assert not seen


async def test_more_streams_than_allowed_are_refused(tmp_path: Path) -> None:
    async def wait(exchange: Exchange) -> None:
        await asyncio.sleep(30)

    async with http2(tmp_path, wait) as (caller, _, _):
        await until(lambda: caller.h2.remote_settings.max_concurrent_streams == STREAMS)
        caller.h2.remote_settings.max_concurrent_streams = 10 * STREAMS
        caller.h2.remote_settings.acknowledge()
        for _ in range(STREAMS + 1):
            caller.ask()
        await caller.until_closed()


async def test_rapid_resets_end_the_connection(tmp_path: Path) -> None:
    """CVE-2023-44487: streams opened and reset at once cost the caller nothing, so it may do it so often only."""
    handled = 0

    async def wait(exchange: Exchange) -> None:
        nonlocal handled
        handled += 1
        await asyncio.sleep(30)

    async with http2(tmp_path, wait) as (caller, server, _):
        for _ in range(CALM * 4):
            if caller.closed:
                break
            caller.h2.reset_stream(caller.ask())
            caller.flush()
            await asyncio.sleep(0)
        await caller.until_closed()
        assert handled < CALM * 3
        assert caller.goaway == [ErrorCodes.ENHANCE_YOUR_CALM]
        await until(lambda: not server.connections)


@pytest.mark.parametrize("kind", ["ping", "settings", "empty"])
async def test_floods_of_useless_frames_end_the_connection(tmp_path: Path, kind: str) -> None:
    async def wait(exchange: Exchange) -> None:
        await asyncio.sleep(30)

    async with http2(tmp_path, wait) as (caller, _, _):
        number = caller.ask(method="POST", body=b"")
        for _ in range(CALM * 3):
            match kind:
                case "ping":
                    caller.h2.ping(b"12345678")
                case "settings":
                    caller.h2.update_settings({})
                case "empty":
                    caller.h2.send_data(number, b"")
        caller.flush()
        await caller.until_closed()
        assert caller.goaway == [ErrorCodes.ENHANCE_YOUR_CALM]


async def test_header_lists_are_bounded(tmp_path: Path) -> None:
    async with http2(tmp_path, echo) as (caller, _, _):
        reply = await caller.get(*((f"x-{number}", "y" * 4000) for number in range(20)))
        assert reply.status in (0, 431)
        assert not reply.body.startswith(b"GET")


async def test_something_else_than_http2_is_sent_away(tmp_path: Path) -> None:
    pair = certificate(tmp_path, "own.example")
    front = Listener(lambda: [pair], alpn=("h2",)).front
    async with serving(echo, tls=front) as (server, port):
        context = trusting()
        context.set_alpn_protocols(["h2"])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(5):
            await reader.read()
        await until(lambda: not server.connections)
        writer.close()


async def test_draining_finishes_what_is_under_way_and_takes_last_calls(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        if exchange.path == b"/slow":
            await release.wait()
        exchange.respond(200, [], exchange.path)

    async with http2(tmp_path, wait) as (caller, server, port):
        slow = caller.ask(path="/slow")
        await until(lambda: server.connections)
        await asyncio.sleep(0.1)
        crossing = caller.ask(path="/crossing")
        stopping = asyncio.create_task(server.stop(10))
        await asyncio.sleep(0)
        assert (await caller.reply(crossing)).body == b"/crossing"
        await until(lambda: caller.goaway)
        release.set()
        await until(lambda: caller.replies[slow].ended or caller.closed)
        assert await stopping == 0
        assert caller.goaway[0] == ErrorCodes.NO_ERROR
        with pytest.raises(OSError):
            await talk(port)


async def test_silent_callers_are_cut(tmp_path: Path) -> None:
    lost: list[bytes] = []

    async def handle(exchange: Exchange) -> None:
        try:
            if exchange.path == b"/body":
                await exchange.body()
            else:
                exchange.start(200)
                for _ in range(100):
                    await exchange.send(bytes(65536))
        except Disconnected:
            lost.append(exchange.path)

    async with http2(tmp_path, handle, Timeouts(body=0.3, write=0.3, idle=0.6)) as (caller, _, _):
        caller.acknowledging = False
        body = caller.ask(path="/body", method="POST", body=b"")
        flood = caller.ask(path="/flood")
        assert (await caller.reply(body)).reset == ErrorCodes.CANCEL
        assert (await caller.reply(flood)).reset == ErrorCodes.CANCEL
        await until(lambda: sorted(lost) == [b"/body", b"/flood"])
        await caller.until_closed()
