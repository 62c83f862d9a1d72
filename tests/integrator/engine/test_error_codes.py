"""Error codes of sockets that misbehave: backends and callers that refuse, fall silent, reset, talk nonsense or leave."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import Running, backend, eventually, integrator, write

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
API = (
    '<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET POST">'
    "<inSequence>{}<respond/></inSequence><faultSequence>{}</faultSequence></resource></api>"
)
CALL = (
    '<call><endpoint name="e"><http method="{method}" uri-template="{url}"><timeout><duration>{timeout}</duration>'
    "<responseAction>fault</responseAction></timeout></http></endpoint></call>"
)
TELL = (
    '<payloadFactory media-type="text"><format>$1|$2</format><args><arg expression="$ctx:ERROR_CODE"/>'
    '<arg expression="$ctx:ERROR_MESSAGE"/></args></payloadFactory><respond/>'
)
NOTE = (
    '<property name="uri.var.code" expression="$ctx:ERROR_CODE"/><call>'
    '<endpoint><http method="GET" uri-template="{}/{{uri.var.code}}"/></endpoint></call>'
)


@asynccontextmanager
async def raw(serve: Serve) -> AsyncIterator[int]:
    """A server made of a function on its sockets."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


def says(*pieces: bytes, reset: bool = True, reads: int = 100_000) -> Serve:
    """Reads something, says something, and breaks the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(reads)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        if reset:
            writer.transport.abort()

    return serve


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Reads and never answers."""
    await reader.read(1)


async def code_of(
    tmp_path: Path, serve: Serve, scheme: str = "http", body: bytes | None = None, after: str = "", timeout: int = 3000
) -> str:
    """What the fault sequence tells of one call to such a server."""
    home = tmp_path / "home"
    async with raw(serve) as port:
        url = f"{scheme}://127.0.0.1:{port}/x"
        flow = CALL.format(method="GET" if body is None else "POST", url=url, timeout=timeout) + after
        write(home, "api", "t", API.format(flow, TELL))
        async with integrator(home, max_body_bytes=50_000_000 if body else 10_000) as running:
            answer = await running.call("GET" if body is None else "POST", "/t", {"content-type": "text/plain"}, body)
            return answer.body.decode()


READ = '<log level="full"/>'


@covers("errorcode.101500")
async def test_sending(tmp_path: Path) -> None:
    """Reset while the request is sent, and a backend that does not speak TLS."""
    found = await code_of(tmp_path, says(reads=1000), body=b"x" * 20_000_000)
    assert found == "101500|Error in Sender"
    assert await code_of(tmp_path / "tls", says(b"HTTP/1.1 400 No\r\n\r\n"), "https") == "101500|Error in Sender"


@covers("errorcode.101501")
async def test_receiving(tmp_path: Path) -> None:
    """Reset in the middle of an answer: a short one, and a long one that a later step reads."""
    short = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\nabc"
    assert await code_of(tmp_path, says(short)) == "101501|Error in Sender"
    long = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9000000\r\n\r\nabc"
    assert await code_of(tmp_path / "long", says(long), after=READ) == "101501|Error in Sender"


@covers("errorcode.101504")
async def test_silence(tmp_path: Path) -> None:
    assert (await code_of(tmp_path, silent, timeout=200)).startswith("101504|no answer from http://127.0.0.1:")


@covers("errorcode.101505")
async def test_closed(tmp_path: Path) -> None:
    assert await code_of(tmp_path, says()) == "101505|Error in Sender"


@covers("errorcode.101506")
async def test_nonsense(tmp_path: Path) -> None:
    assert await code_of(tmp_path, says(b"SSH-2.0-nothing\r\n", reset=False)) == "101506|Error in Sender"


@covers("errorcode.101503")
async def test_unknown_host(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write(
        home,
        "api",
        "t",
        API.format(CALL.format(method="GET", url="http://no host.invalid/".replace(" ", "-"), timeout=5000), TELL),
    )
    async with integrator(home) as running:
        found = (await running.call("GET", "/t")).body.decode()
    assert found in ("101503|Error connecting to the back end", "101508|Error connecting to the back end")


@covers("errorcode.101508")
async def test_connecting_takes_too_long(tmp_path: Path) -> None:
    """A TLS handshake that the backend never answers."""
    assert await code_of(tmp_path, silent, "https", timeout=200) == "101508|Error connecting to the back end"


@covers("errorcode.101510")
async def test_answer_that_cannot_be_taken(tmp_path: Path) -> None:
    """Longer than the integrator takes."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
    found = await code_of(tmp_path, says(head, b"%x\r\n%b\r\n" % (20_000, b"x" * 20_000), reset=False), after=READ)
    assert found == "101510|the answer could not be taken"


@covers("errorcode.101507", "errorcode.102510")
async def test_client_that_closes(tmp_path: Path) -> None:
    """A connection that is being opened when the sender closes, and a call after that."""
    home = tmp_path / "home"
    connected = asyncio.Event()

    async def handshake(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()

    async with raw(handshake) as port:
        url = f"https://127.0.0.1:{port}/x"
        write(home, "api", "t", API.format(CALL.format(method="GET", url=url, timeout=5000), TELL))
        async with integrator(home) as running:
            going = asyncio.ensure_future(running.call("GET", "/t"))
            await connected.wait()
            assert running.service.engine.runtime is not None
            await running.service.engine.runtime.client.close()
            assert (await going).body == b"101507|Error in Sender"
            endpoint_rests = await running.call("GET", "/t")
            assert endpoint_rests.body == b"102510|Error in Sender"


async def leave(running: Running, head: bytes, body: bytes) -> None:
    """A caller that sends the begin of a request and goes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.http_port)
    writer.write(head + body)
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    del reader


UPLOAD = b"POST /t HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 9000000\r\n\r\n"


@covers("errorcode.101001")
async def test_caller_leaves_while_its_body_is_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with backend([{"status": 200}]) as stub:
        write(home, "api", "t", API.format(READ, NOTE.format(f"http://127.0.0.1:{stub.port}")))
        async with integrator(home) as running:
            await leave(running, UPLOAD, b"x" * 1000)
            await eventually(lambda: [seen.target for seen in stub.seen] == ["/101001"])


@covers("errorcode.101509")
async def test_caller_leaves_while_its_body_is_passed_on(tmp_path: Path) -> None:
    """The request to the backend is broken off, so that it cannot take a part for the whole; nor is it suspended."""
    home = tmp_path / "home"
    ends: list[bytes] = []

    async def takes(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(10_000_000):
            ends.append(data)
        ends.append(b"end")

    async with backend([{"status": 200}]) as stub, raw(takes) as port:
        flow = CALL.format(method="POST", url=f"http://127.0.0.1:{port}/x", timeout=5000)
        write(home, "api", "t", API.format(flow, NOTE.format(f"http://127.0.0.1:{stub.port}")))
        async with integrator(home) as running:
            await leave(running, UPLOAD, b"x" * 1000)
            await eventually(lambda: [seen.target for seen in stub.seen] == ["/101509"])
            await eventually(lambda: ends[-1:] == [b"end"])
            await leave(running, UPLOAD, b"x" * 1000)
            await eventually(lambda: [seen.target for seen in stub.seen] == ["/101509"] * 2)
    assert b"content-length: 9000000" in ends[0]


@covers("errorcode.101000")
async def test_caller_leaves_while_it_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = tmp_path / "home"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 900000000\r\n\r\n"

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        try:
            while True:
                writer.write(b"x" * 100_000)
                await writer.drain()
        except ConnectionError:
            writer.transport.abort()

    async with raw(endless) as port:
        write(
            home,
            "api",
            "t",
            API.format(CALL.format(method="GET", url=f"http://127.0.0.1:{port}/x", timeout=9000), TELL),
        )
        async with integrator(home) as running:
            with caplog.at_level(logging.WARNING, "integrator.http"):
                await leave(running, b"GET /t HTTP/1.1\r\nhost: a\r\n\r\n", b"")
                await eventually(lambda: any("ERROR_CODE : 101000" in record.getMessage() for record in caplog.records))
