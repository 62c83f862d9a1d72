"""Any bytes in any pieces: the server never breaks a rule of its own, and cutting a valid stream changes nothing."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.support import Answering
from wire.connection import Connection
from wire.exchange import Disconnected, Exchange
from wire.server import Server

VALID = [
    b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST /b?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\nt: 1\r\n\r\n",
    b"HEAD /d HTTP/1.1\r\nhost: x\r\nx-long: " + b"v" * 300 + b"\r\n\r\n",
    b"POST /e HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\nhi",
    b"GET /f HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
]


class Wire(asyncio.Transport):
    """A transport that collects what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.open = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Collects."""
        self.written += bytes(data)

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return not self.open

    def close(self) -> None:
        """Closes."""
        self.open = False

    abort = close

    def pause_reading(self) -> None:
        """Nothing to hold."""

    def resume_reading(self) -> None:
        """Nothing held."""

    def can_write_eof(self) -> bool:
        """No half-closing here."""
        return False


async def mirror(exchange: Exchange) -> None:
    try:
        body = await exchange.body()
    except Disconnected:
        return
    exchange.respond(200, [], exchange.method + b" " + exchange.target + b" " + body)


def exchange_of(pieces: list[bytes]) -> tuple[bytes, bool]:
    """What the server writes for these reads, and whether it keeps the connection."""

    async def talk() -> tuple[bytes, bool]:
        wire = Wire()
        connection = Connection(Server(Answering(mirror)), "http")
        connection.connection_made(wire)
        for piece in pieces:
            if wire.open:
                connection.data_received(piece)
            await asyncio.sleep(0)
        for _ in range(40):
            await asyncio.sleep(0)
        kept = wire.open
        connection.connection_lost(None)
        await asyncio.sleep(0)
        return re.sub(rb"date: [^\r]*\r\n", b"", wire.written), kept

    return asyncio.run(talk())


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in zip(marks, marks[1:], strict=False)]


@given(st.lists(st.sampled_from(VALID), min_size=1, max_size=5), st.lists(st.integers(0, 5000), max_size=30))
@settings(max_examples=150, deadline=None)
def test_cuts_change_nothing(requests: list[bytes], places: list[int]) -> None:
    stream = b"".join(requests)
    whole, kept = exchange_of([stream])
    assert exchange_of(cut(stream, places)) == (whole, kept)
    assert whole.count(b"HTTP/1.1 200 OK\r\n") == len(requests)
    assert kept


@given(
    st.lists(st.sampled_from(VALID), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=3), st.integers(0, 3)), max_size=6),
    st.lists(st.integers(0, 5000), max_size=6),
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_answered_or_cut_but_never_an_error_of_ours(
    caplog: pytest.LogCaptureFixture,
    requests: list[bytes],
    damage: list[tuple[int, bytes, int]],
    places: list[int],
) -> None:
    stream = b"".join(requests)
    for place, inserted, removed in damage:
        at = place % (len(stream) + 1)
        stream = stream[:at] + inserted + stream[at + removed :]
    with caplog.at_level(logging.WARNING):
        caplog.clear()
        written, _ = exchange_of(cut(stream, places))
    assert not caplog.records, caplog.text
    statuses = {int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", written)}
    assert statuses <= {100, 200, 400, 414, 417, 431, 501, 505}
