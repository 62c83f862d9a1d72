"""The agent: takes one suite a connection on a TCP port and answers one JSON text, as the original's test server does.

Clients of the original wrap both texts as a serialised Java string. Here that is only a length and the text: what begins
with the serialisation's magic number is answered alike; a bare XML document (up to where the client stops sending) is
answered with bare JSON.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from integrator.engine.errors import DeploymentError
from integrator.unittests.report import summary
from integrator.unittests.run import run_suite
from integrator.unittests.suite import LARGEST, read_suite

log = logging.getLogger("integrator.unittests")

MAGIC = b"\xac\xed\x00\x05"
SHORT, LONG = 0x74, 0x7C
"""Marks of a string whose length takes two or eight bytes."""
PATIENCE_SECONDS = 30.0


class BadRequest(ValueError):
    """What came over the connection is no suite."""


async def serve(host: str, port: int) -> asyncio.Server:
    """Listen. The suites of one agent run one after the other. Raises OSError."""
    turn = asyncio.Lock()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            wrapped, text = await asyncio.wait_for(received(reader), PATIENCE_SECONDS)
            async with turn:
                answer = msgspec.json.encode(await _result(text))
            writer.write(java_string(answer) if wrapped else answer)
            await writer.drain()
        except (BadRequest, TimeoutError, ConnectionError, asyncio.IncompleteReadError) as error:
            log.warning("the agent got no suite: %s", error or type(error).__name__)
        finally:
            writer.close()

    return await asyncio.start_server(connected, host, port, limit=LARGEST)


async def _result(text: bytes) -> dict[str, object]:
    try:
        suite = read_suite(text, "suite", None)
        return summary(await run_suite(suite))
    except DeploymentError as error:
        return summary(error)


async def received(reader: asyncio.StreamReader) -> tuple[bool, bytes]:
    """(whether it was wrapped, the document). Raises BadRequest."""
    head = await reader.readexactly(4)
    if head != MAGIC:
        rest = await reader.read(LARGEST + 1)
        while rest and len(head) + len(rest) <= LARGEST and not reader.at_eof():
            more = await reader.read(LARGEST)
            rest += more
        if len(head) + len(rest) > LARGEST:
            raise BadRequest(f"more than {LARGEST} bytes")
        return False, head + rest
    mark = (await reader.readexactly(1))[0]
    if mark not in (SHORT, LONG):
        raise BadRequest(f"a serialised object of kind 0x{mark:02x}; only a string is expected")
    length = int.from_bytes(await reader.readexactly(2 if mark == SHORT else 8))
    if length > LARGEST:
        raise BadRequest(f"{length} bytes; allowed are {LARGEST}")
    return True, _from_modified(await reader.readexactly(length))


def java_string(text: bytes) -> bytes:
    """A text as Java writes it to an object stream."""
    data = text.decode().encode("utf-16-be", "surrogatepass")
    out = bytearray()
    for high, low in zip(data[::2], data[1::2], strict=True):
        code = high << 8 | low
        if 0 < code < 0x80:
            out.append(code)
        elif code < 0x800:
            out += bytes((0xC0 | code >> 6, 0x80 | code & 0x3F))
        else:
            out += bytes((0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F))
    if len(out) < 0x10000:
        return MAGIC + bytes((SHORT,)) + len(out).to_bytes(2) + bytes(out)
    return MAGIC + bytes((LONG,)) + len(out).to_bytes(8) + bytes(out)


def _from_modified(data: bytes) -> bytes:
    """UTF-8 of Java's own form of it: surrogates apart, NUL in two bytes. Raises BadRequest."""
    try:
        text = data.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise BadRequest(f"the string is not readable: {error}") from error
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
