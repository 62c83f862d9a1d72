"""Bursts of calls: few connections when the thread is what limits them, as many as needed when it is the backend."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.ports import free_port
from tests.wire.support import serving, talk
from tests.wire.test_forward import Through, relaying
from wire import waiting
from wire.exchange import Exchange

CALLS = 100


def ask(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % number


async def burst(port: int, count: int = CALLS) -> list[bytes]:
    return await asyncio.gather(*(talk(port, ask(number), pause=0) for number in range(count)))


async def test_a_busy_thread_serves_a_burst_with_the_links_allowed_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BUSY", 0.0)
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 60.0)
    callers: set[tuple[str, int]] = set()

    def backend(exchange: Exchange) -> None:
        callers.add(exchange.client)
        exchange.respond(200, [], exchange.path)

    async with serving(backend) as (_, behind), relaying(behind) as (port, origin):
        origin.waiting.allowed = 4
        origin.waiting.settle = lambda: None  # type: ignore[method-assign]
        answers = await burst(port)
        assert all(answer.endswith(b"/%d" % number) for number, answer in enumerate(answers))
        assert 1 <= len(callers) <= 4
        assert len(origin.idle) == len(origin.links) <= 4
        assert not origin.waiting.calls


async def test_a_slow_backend_gets_a_connection_for_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BUSY", 1000.0)
    at_once = most = 0

    async def backend(exchange: Exchange) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        async with asyncio.timeout(10):
            while most < CALLS:
                await asyncio.sleep(0.01)
        exchange.respond(200, [], b"slow")

    async with serving(backend) as (_, behind), relaying(behind, timeout=15.0) as (port, origin):
        origin.waiting.allowed = 4
        assert all(answer.endswith(b"slow") for answer in await burst(port))
        assert most == CALLS


async def test_a_call_that_waits_too_long_gets_a_link_even_when_the_thread_is_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "BUSY", 0.0)
    release = asyncio.Event()

    async def backend(exchange: Exchange) -> None:
        if exchange.path == b"/0":
            await release.wait()
        exchange.respond(200, [], exchange.path)

    async with serving(backend) as (_, behind), relaying(behind, timeout=15.0) as (port, origin):
        origin.waiting.allowed = 1
        origin.waiting.settle = lambda: None  # type: ignore[method-assign]
        held = asyncio.create_task(talk(port, ask(0)))
        async with asyncio.timeout(5):
            while not origin.links:
                await asyncio.sleep(0.01)
        assert (await talk(port, ask(1))).endswith(b"/1")
        release.set()
        assert (await held).endswith(b"/0")


async def test_nobody_waits_for_a_backend_that_is_not_there() -> None:
    async with relaying(free_port()) as (port, origin):
        answers = await burst(port)
        assert all(b" 502 " in answer for answer in answers)
        assert Through.ends == ["connect"] * CALLS
        assert not origin.waiting.calls


async def test_callers_that_leave_while_waiting_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BUSY", 0.0)
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 60.0)
    seen: list[bytes] = []
    release = asyncio.Event()

    async def backend(exchange: Exchange) -> None:
        seen.append(exchange.path)
        await release.wait()
        exchange.respond(200, [], exchange.path)

    async with serving(backend) as (_, behind), relaying(behind, timeout=15.0) as (port, origin):
        origin.waiting.allowed = 1
        origin.waiting.settle = lambda: None  # type: ignore[method-assign]
        first = asyncio.create_task(talk(port, ask(0)))
        async with asyncio.timeout(5):
            while not seen:
                await asyncio.sleep(0.01)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ask(1))
        last = asyncio.create_task(talk(port, ask(2)))
        async with asyncio.timeout(5):
            while len(origin.waiting.calls) < 2:
                await asyncio.sleep(0.01)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.1)
        release.set()
        assert (await first).endswith(b"/0")
        assert (await last).endswith(b"/2")
        assert sorted(seen) == [b"/0", b"/2"]
        assert (499, 0) in Through.ends
