"""Any frames in any state: an HTTP/2 connection never breaks, and no handler sees what HTTP/1.1 would have refused."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.support import Answering
from tests.wire.test_fuzz import Wire, cut
from wire.exchange import Disconnected, Exchange
from wire.http2 import Http2Connection
from wire.server import Server

names = st.sampled_from(
    [":method", ":path", ":scheme", ":authority", "host", "te", "content-length", "x-a", "X-B", "x c", ""]
)
values = st.text(st.characters(max_codepoint=255), max_size=6) | st.sampled_from(
    ["GET", "/", "https", "own.example", "5"]
)
heads = st.lists(st.tuples(names, values), max_size=4)
good_heads = st.lists(st.tuples(st.sampled_from(["x-a", "x-b", "accept"]), st.text("abc;=", max_size=6)), max_size=4)


class Tls:
    """What is asked of a TLS connection."""

    def getpeercert(self, binary: bool) -> bytes | None:
        """Nobody showed one."""
        return None


class TlsWire(Wire):
    """A collecting transport with TLS."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Only the TLS object is known."""
        return Tls() if name == "ssl_object" else default


def stream_of(requests: list[tuple[list[tuple[str, str]], bytes]]) -> bytes:
    """The bytes of a caller with these requests: good pseudo headers first, anything after them."""
    config = H2Configuration(
        validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="latin-1"
    )
    caller = H2Connection(config)
    caller.initiate_connection()
    for extra, body in requests:
        number = caller.get_next_available_stream_id()
        head = [(":method", "POST"), (":scheme", "https"), (":authority", "own.example"), (":path", "/a"), *extra]
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head]
        caller.send_headers(number, encoded, end_stream=not body)
        if body:
            caller.send_data(number, body, end_stream=True)
    return caller.data_to_send()


def spoilt(data: bytes, changes: list[tuple[int, bytes, int]]) -> bytes:
    """Some bytes behind the preface put in, replaced or taken out."""
    out = bytearray(data)
    for place, new, gone in changes:
        at = 24 + place % max(1, len(out) - 24)
        out[at : at + gone] = new
    return bytes(out)


def play(pieces: list[bytes]) -> list[Exchange]:
    """What handlers see. Raises whatever the connection raises."""
    seen: list[Exchange] = []

    async def handle(exchange: Exchange) -> None:
        seen.append(exchange)
        try:
            body = await exchange.body()
        except Disconnected:
            return
        exchange.respond(200, [], body)

    async def talk() -> None:
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: errors.append(told))
        wire = TlsWire()
        connection = Http2Connection(Server(Answering(handle)), 0)
        connection.connection_made(wire)
        for piece in pieces:
            if wire.open:
                connection.data_received(piece)
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        connection.check(asyncio.get_running_loop().time())
        connection.connection_lost(None)
        await asyncio.sleep(0)
        assert not errors
        assert not connection.streams

    asyncio.run(talk())
    return seen


@given(
    st.lists(st.tuples(heads, st.binary(max_size=40)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=3), st.integers(0, 3)), max_size=5),
    st.lists(st.integers(0, 5000), max_size=6),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_frames_break_the_connection(
    requests: list[tuple[list[tuple[str, str]], bytes]], changes: list[tuple[int, bytes, int]], places: list[int]
) -> None:
    for exchange in play(cut(spoilt(stream_of(requests), changes), places)):
        assert re.fullmatch(rb"[A-Z][A-Z0-9_-]*", exchange.method)
        assert re.fullmatch(rb"/[^\x00-\x20#\x7f]*|\*", exchange.target)
        assert re.fullmatch(rb"[\w.~\[\]:-]+", exchange.fields[b"host"])
        for name, value in exchange.headers:
            assert re.fullmatch(rb"[!#$%&'*+.^_`|~0-9a-z-]+", name)
            assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value)
            assert name == b"te" or name not in {b"connection", b"upgrade", b"keep-alive", b"proxy-connection"}
        lengths = [value for name, value in exchange.headers if name == b"content-length"]
        assert len(lengths) <= 1
        if exchange.ended and not exchange.lost:
            assert exchange.received == int(lengths[0] if lengths else exchange.received)


@given(
    st.lists(st.tuples(good_heads, st.binary(max_size=40)), min_size=1, max_size=3),
    st.lists(st.integers(0, 5000), max_size=20),
)
@settings(max_examples=50, deadline=None)
def test_cuts_change_nothing(requests: list[tuple[list[tuple[str, str]], bytes]], places: list[int]) -> None:
    stream = stream_of(requests)
    whole, pieces = play([stream]), play(cut(stream, places))
    assert [(one.target, one.headers, one.received) for one in whole] == [
        (one.target, one.headers, one.received) for one in pieces
    ]
