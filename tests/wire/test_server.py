"""The server side through real sockets: framing, order, limits, timeouts, back-pressure, drain."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.wire.support import echo, serving, settled, talk
from wire.exchange import BodyTooLarge, Disconnected, Exchange
from wire.server import Timeouts

CLOSE = b"connection: close\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n"


async def test_keeps_alive_and_closes_when_asked() -> None:
    async with serving(echo) as (_, port):
        one = b"GET /a?b=%20 HTTP/1.1\r\nhost: x\r\n\r\n"
        answer = await talk(port, one, one, b"GET /c HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answer.count(b"GET /a?b=%20 ") == 2
    assert answer.count(CLOSE) == 1


async def test_pipelined_requests_are_answered_in_order() -> None:
    async def slow_first(exchange: Exchange) -> None:
        await asyncio.sleep(0.1 if exchange.path == b"/1" else 0)
        exchange.respond(200, [], exchange.path)

    async with serving(slow_first) as (_, port):
        requests = b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n for n in range(1, 40))
        answer = await talk(port, requests + b"GET /end HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    bodies = [part.split(b"\r\n\r\n", 1)[1] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert bodies == [b"/%d" % n for n in range(1, 40)] + [b"/end"]


async def test_chunked_in_and_out() -> None:
    async def mirror(exchange: Exchange) -> None:
        exchange.start(200, [(b"content-type", b"text/plain")])
        async for chunk in exchange.stream():
            await exchange.send(chunk)
        exchange.finish()

    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n" + CLOSE + b"\r\n"
    async with serving(mirror) as (_, port):
        answer = await talk(port, head, b"5\r\nhello\r\n", b"6\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n")
    assert b"transfer-encoding: chunked" in answer
    assert b"5\r\nhello\r\n" in answer
    assert answer.endswith(b"6\r\n world\r\n0\r\n\r\n")


@pytest.mark.parametrize("size", [1, 7, 64])
async def test_a_request_may_come_in_any_pieces(size: int) -> None:
    request = (
        b"POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nx-long: " + b"v" * 40 + b"\r\n" + CLOSE + b"\r\nhello"
    )
    async with serving(echo) as (_, port):
        pieces = [request[at : at + size] for at in range(0, len(request), size)]
        answer = await talk(port, *pieces, pause=0)
    assert answer.endswith(b"POST /p hello")


async def test_expect_100_continue_is_answered_when_the_body_is_wanted() -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n" + CLOSE + b"\r\n"
    async with serving(echo) as (_, port):
        answer = await talk(port, head, b"hello")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    async with serving(lambda exchange: exchange.respond(403)) as (_, port):
        answer = await talk(port, head.replace(CLOSE, b""))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert CLOSE in answer


async def test_head_has_a_length_but_no_body() -> None:
    async with serving(lambda exchange: exchange.respond(200, [], b"12345")) as (_, port):
        answer = await talk(port, b"HEAD / HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert b"content-length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_http_1_0_gets_no_chunks_and_a_closed_connection() -> None:
    async def streamed(exchange: Exchange) -> None:
        exchange.start(200)
        await exchange.send(b"piece")
        exchange.finish()

    async with serving(streamed) as (_, port):
        answer = await talk(port, b"GET / HTTP/1.0\r\n\r\n")
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b"\r\n\r\npiece")


async def test_an_answer_shorter_than_its_length_breaks_the_connection() -> None:
    async def short(exchange: Exchange) -> None:
        exchange.start(200, [(b"content-length", b"10")])
        await exchange.send(b"12345")
        exchange.finish()

    async with serving(short) as (_, port):
        with pytest.raises(ConnectionResetError):
            answer = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            raise ConnectionResetError if answer.endswith(b"12345") else AssertionError(answer)


async def test_header_values_cannot_break_out() -> None:
    def injected(exchange: Exchange) -> None:
        exchange.respond(200, [(b"x-a", b"1\r\nx-b: 2")])

    async with serving(injected) as (_, port):
        answer = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"x-b" not in answer


async def test_heads_have_a_limit() -> None:
    async with serving(echo, head_limit=1000) as (server, port):
        whole = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"v" * 2000 + b"\r\n\r\n")
        endless = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\nx: ", b"v" * 900, b"v" * 900, b"v" * 900)
        target = await talk(port, b"GET /" + b"v" * 2000 + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert [answer[9:12] for answer in (whole, endless, target)] == [b"431", b"431", b"414"]
    assert server.refused == 3


async def test_bodies_have_the_limit_of_their_handler() -> None:
    async def small(exchange: Exchange) -> None:
        try:
            await exchange.body(limit=4)
        except BodyTooLarge as error:
            exchange.respond(413, [], str(error).encode())

    async with serving(small) as (_, port):
        known = await talk(port, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n" + CLOSE + b"\r\nhello")
        head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n" + CLOSE + b"\r\n"
        streamed = await talk(port, head + b"5\r\nhello\r\n0\r\n\r\n")
    assert known.startswith(b"HTTP/1.1 413 ")
    assert streamed.startswith(b"HTTP/1.1 413 ")


async def test_slow_heads_and_bodies_time_out_with_408() -> None:
    quick = Timeouts(head=0.3, body=0.3, idle=0.3)
    async with serving(echo, quick) as (_, port):
        head = await talk(port, b"GET / HTTP/1.1\r\nho")
        body = await talk(port, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhel")
        idle = await talk(port)
    assert head.startswith(b"HTTP/1.1 408 ")
    assert body.startswith(b"HTTP/1.1 408 ")
    assert idle == b""


async def test_an_unread_body_is_dropped_and_the_connection_goes_on() -> None:
    async with serving(lambda exchange: exchange.respond(403)) as (_, port):
        request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50000\r\n\r\n"
        answer = await talk(port, request, b"x" * 50000 + b"GET / HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert answer.count(b"HTTP/1.1 403 ") == 2


async def test_a_slow_reader_holds_the_handler_back() -> None:
    sent = 0

    async def endless(exchange: Exchange) -> None:
        nonlocal sent
        exchange.start(200)
        try:
            while True:
                await exchange.send(b"x" * 65536)
                sent += 65536
        except Disconnected:
            sent = -sent

    async with serving(endless) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await settled(lambda: sent) < 20_000_000
        writer.transport.abort()
        async with asyncio.timeout(20):
            while sent >= 0:
                await asyncio.sleep(0.02)


async def test_a_slow_handler_holds_the_sender_back() -> None:
    go = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await go.wait()
        exchange.respond(200, [], b"%d" % len(await exchange.body(100_000_000)))

    async with serving(late) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n" + CLOSE + b"\r\n")
        body = b"x" * 1_000_000
        for _ in range(50):
            writer.write(body)
        await asyncio.sleep(0.3)
        assert writer.transport.get_write_buffer_size() > 30_000_000
        go.set()
        async with asyncio.timeout(10):
            assert (await reader.read()).endswith(b"50000000")
        writer.close()
        await writer.wait_closed()


async def test_stop_lets_answers_finish_and_says_so() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.3)
        exchange.respond(200, [], b"done")

    async with serving(slow) as (server, port):
        call = asyncio.create_task(talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"))
        idle = asyncio.create_task(talk(port))
        await asyncio.sleep(0.15)
        assert await server.stop(5) == 0
        answer = await call
        assert await idle == b""
    assert answer.endswith(b"done")
    assert CLOSE in answer


async def test_callers_whom_the_kernel_has_connected_are_served_before_the_stop() -> None:
    async with serving(echo) as (server, port):
        callers = [
            socket.create_connection(("127.0.0.1", port)) for _ in range(20)
        ]  # the loop has not turned: none is accepted
        for caller in callers:
            caller.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await server.stop(10) == 0
        for caller in callers:
            with caller:
                caller.settimeout(5)
                assert caller.recv(1000).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


async def test_an_ignored_upgrade_is_served_as_http_1_1() -> None:
    request = b"GET /u HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n\r\n"
    async with serving(echo) as (_, port):
        answer = await talk(port, request + b"GET /n HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2


async def test_an_upgrade_with_a_body_keeps_its_body() -> None:
    head = b"POST /u HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n"
    async with serving(echo) as (_, port):
        fixed = await talk(
            port, head + b"content-length: 5\r\n\r\nhel", b"loGET / HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n"
        )
        chunked = await talk(
            port, head + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n" + LAST
        )
    assert fixed.count(b"HTTP/1.1 200") == 2
    assert b"POST /u hello" in fixed
    assert b"POST /u hello" in chunked


async def test_a_failing_handler_gives_500_and_the_connection_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def broken(exchange: Exchange) -> None:
        raise LookupError("no such thing")

    async with serving(broken) as (_, port):
        one = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        answer = await talk(port, one, one.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n"))
    assert answer.count(b"HTTP/1.1 500") == 2
    assert b"LookupError" not in answer
    assert "no such thing" in caplog.text


async def test_a_caller_that_shuts_its_side_has_left() -> None:
    left = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        while not exchange.lost:
            await asyncio.sleep(0.01)
        left.set()

    async with serving(slow) as (_, port):
        assert await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", eof=True) == b""
        async with asyncio.timeout(2):
            await left.wait()
