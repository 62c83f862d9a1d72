"""Who is believed about callers behind a proxy, and how many connections one process takes."""

from __future__ import annotations

import asyncio

import pytest

from tests.wire.support import Answering, serving, talk
from wire.exchange import Exchange
from wire.proxies import Proxies, networks


def tell(exchange: Exchange) -> None:
    told = [exchange.address, exchange.scheme, exchange.host.decode(), exchange.client[0]]
    exchange.respond(200, [], " ".join(told).encode() + b"\n" + exchange.forwarded)


async def told(monkeypatch: pytest.MonkeyPatch, trusted: str, *lines: bytes) -> tuple[str, str]:
    """What a handler sees of a call with these headers, and what a backend would."""
    monkeypatch.setattr(Answering, "proxies", Proxies(networks(trusted)))
    async with serving(tell) as (_, port):
        head = b"GET / HTTP/1.1\r\nhost: own.example\r\nconnection: close\r\n"
        answer = await talk(port, head + b"".join(line + b"\r\n" for line in lines) + b"\r\n", pause=0)
        seen, _, backend = answer.partition(b"\r\n\r\n")[2].partition(b"\n")
        return seen.decode(), backend.decode()


LIES = (b"x-forwarded-for: 1.2.3.4", b"x-forwarded-proto: https", b"x-forwarded-host: other.example")


async def test_strangers_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    for trusted in ("", "10.0.0.0/8, 192.0.2.1"):
        seen, backend = await told(monkeypatch, trusted, *LIES)
        assert seen == "127.0.0.1 http own.example 127.0.0.1"
        assert backend == "x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n"


async def test_trusted_proxies_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, backend = await told(monkeypatch, "127.0.0.0/8", *LIES)
    assert seen == "1.2.3.4 https other.example 127.0.0.1"
    assert backend.split("\r\n") == [
        "x-forwarded-for: 1.2.3.4, 127.0.0.1",
        "x-forwarded-proto: https",
        "x-forwarded-host: other.example",
        "",
    ]


@pytest.mark.parametrize(
    ("entries", "address"),
    [
        ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7, 10.1.1.1", "192.0.2.7"),
        ("6.6.6.6,192.0.2.7 , 10.1.1.1,10.1.1.2", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::7]:80", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "127.0.0.1"),
        ("192.0.2.7, nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("10.1.1.1", "10.1.1.1"),
        (", ".join(["10.1.1.1"] * 500), "10.1.1.1"),
    ],
)
async def test_the_last_stranger_is_the_caller(monkeypatch: pytest.MonkeyPatch, entries: str, address: str) -> None:
    seen, _ = await told(monkeypatch, "127.0.0.1,10.0.0.0/8", b"x-forwarded-for: " + entries.encode())
    assert seen.split()[0] == address


async def test_an_unusable_scheme_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, scheme in ((b"gopher", "http"), (b"http, https", "https"), (b"HTTPS", "https"), (b"", "http")):
        seen, _ = await told(monkeypatch, "127.0.0.1", b"x-forwarded-proto: " + value)
        assert seen.split()[1] == scheme


def test_wrong_networks_are_named() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        networks("10.0.0.0/8,nonsense")
    assert networks("") == ()


async def test_connections_beyond_the_cap_get_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "max_connections", 2)
    async with serving(tell) as (server, port):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        async with asyncio.timeout(5):
            while len(server.connections) < 2:
                await asyncio.sleep(0.01)
        answer = await talk(port, pause=0)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"connection: close\r\n" in answer
        for reader, writer in held:
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
        async with asyncio.timeout(5):
            while server.connections:
                await asyncio.sleep(0.01)
        answer = await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
