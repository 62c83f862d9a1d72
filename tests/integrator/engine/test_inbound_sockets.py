"""WebSocket inbound endpoints: messages both ways, handshake, closing, broadcast, TLS, HTTP beside (reference 5.11)."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from integrator.engine.services.sockets import Talk
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS
from tests.integrator.engine.harness import Running, eventually, integrator, write
from tests.support.ports import free_port

SAY = '<payloadFactory media-type="text"><format>{}</format><args>{}</args></payloadFactory>'
PATH = '<arg expression="$ctx:websocket.subscriber.path"/><arg expression="$trp:X-Caller"/>'
TEXT = '<arg expression="string($body)"/>'
KIND = '<arg expression="$ctx:websocket.text.frame.present"/><arg expression="$ctx:websocket.binary.frame.present"/>'
CLOSE = (
    '<property name="connection.terminate" value="true"/><property name="websocket.close.frame.status.code" value="4001"/>'
    '<property name="websocket.close.frame.reason.text" value="so long"/>'
)
STEPS = (
    '<filter source="$ctx:websocket.source.handshake.present" regex="true">'
    f"<then>{SAY.format('hello $1 $2', PATH)}<respond/></then><else>"
    f'<filter source="string($body)" regex="bye"><then>{CLOSE}</then><else>'
    '<filter source="string($body)" regex="fail"><then><sequence key="missing"/></then></filter>'
    f"{SAY.format('$1 text=$2 binary=$3', TEXT + KIND)}<respond/></else></filter></else></filter>"
)


def inbound(protocol: str, port: int, **parameters: str) -> str:
    """A WebSocket inbound endpoint."""
    label = "inbound.http.port" if protocol.startswith("http") else "inbound.ws.port"
    values = {label: str(port), **{key.replace("_", "."): value for key, value in parameters.items()}}
    inner = "".join(f'<parameter name="{name}">{value}</parameter>' for name, value in values.items())
    head = f'<inboundEndpoint {NS} name="i" protocol="{protocol}" sequence="s" onError="h">'
    return f"{head}<parameters>{inner}</parameters></inboundEndpoint>"


def home_with(tmp_path: Path, text: str) -> Path:
    """A home with the endpoint and its sequences."""
    home = tmp_path / "home"
    write(home, "sequences", "s", f'<sequence {NS} name="s">{STEPS}</sequence>')
    write(home, "sequences", "h", f'<sequence {NS} name="h">{SAY.format("handled", "")}<respond/></sequence>')
    write(home, "sequences", "o", f'<sequence {NS} name="o">{SAY.format("out: $1", TEXT)}</sequence>')
    write(home, "inbound-endpoints", "i", text)
    return home


async def opened(running: Running, port: int) -> None:
    """Wait for the port."""
    assert [str(error) for error in running.service.engine.deployment.errors] == []
    await eventually(lambda: running.service.inbounds._open)  # noqa: SLF001
    assert port


@covers("inbound.ws", "inbound.wss", "inbound.httpws", "inbound.httpswss")
@pytest.mark.parametrize("protocol", ["ws", "wss", "httpws", "httpswss"])
async def test_messages_both_ways(tmp_path: Path, protocol: str) -> None:
    """The handshake and every message run the sequence in order; a fault runs onError; the flow may close with a code."""
    port = free_port()
    home = home_with(tmp_path, inbound(protocol, port))
    async with integrator(home) as running:
        await opened(running, port)
        secure = protocol in ("wss", "httpswss")
        trusted = ssl.create_default_context(cafile=str(running.settings.secrets / "tls.crt")) if secure else None
        url = f"{'wss' if secure else 'ws'}://localhost:{port}/room?x=1"
        async with connect(url, ssl=trusted, additional_headers={"X-Caller": "Ann"}) as caller:
            assert await caller.recv() == "hello /room Ann"
            await caller.send("one")
            await caller.send(["t", "w", "o"])
            await caller.send("fail")
            answers = [await caller.recv() for _ in range(3)]
            assert answers == ["one text=true binary=false", "two text=true binary=false", "handled"]
            await caller.send("bye")
            with pytest.raises(ConnectionClosed) as closed:
                await caller.recv()
            assert closed.value.rcvd is not None and (closed.value.rcvd.code, closed.value.rcvd.reason) == (
                4001,
                "so long",
            )
        if not secure:
            answer = await running.request(f"http://127.0.0.1:{port}/", "GET")
            assert answer.status == (426 if protocol == "ws" else 200)


async def test_port_of_httpws(tmp_path: Path) -> None:
    """Artifacts for httpws call their port `port`."""
    port = free_port()
    home = home_with(tmp_path, inbound("httpws", port).replace("inbound.http.port", "port"))
    async with integrator(home) as running:
        await opened(running, port)
        assert (await running.request(f"http://127.0.0.1:{port}/", "GET")).status == 200


async def test_outflow_and_broadcast(tmp_path: Path) -> None:
    """Answers pass the outflow sequence; with level 2 what one caller says the others of its path hear."""
    port = free_port()
    text = inbound("ws", port, ws_outflow_dispatch_sequence="o", ws_client_side_broadcast_level="2")
    async with integrator(home_with(tmp_path, text)) as running:
        await opened(running, port)
        url = f"ws://localhost:{port}"
        async with connect(f"{url}/a") as one, connect(f"{url}/a") as two, connect(f"{url}/b") as other:
            hellos = [await caller.recv() for caller in (one, two, other)]
            assert hellos == ["out: hello /a ", "out: hello /a ", "out: hello /b "]
            await one.send("x")
            assert (await one.recv(), await two.recv()) == ("out: x text=true binary=false", "x")
            await other.send("y")
            assert await other.recv() == "out: y text=true binary=false"


async def test_a_handshake_that_is_none(tmp_path: Path) -> None:
    """A wrong key or version is answered 400; ports are checked at deployment."""
    port = free_port()
    home = home_with(tmp_path, inbound("ws", port))
    write(home, "inbound-endpoints", "j", inbound("ws", 0).replace('name="i"', 'name="j"'))
    async with integrator(home) as running:
        (error,) = running.service.engine.deployment.errors
        assert "parameter inbound.ws.port='0': allowed are 1 to 65535" in str(error)
        await eventually(lambda: running.service.inbounds._open)  # noqa: SLF001
        for wrong in (
            "sec-websocket-version: 13\r\nsec-websocket-key: short",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n{wrong}\r\n\r\n".encode()
            )
            assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
            writer.close()


class DeafEnd:
    """A connection whose caller reads nothing."""

    write_paused = True

    def __init__(self) -> None:
        self.sent = 0
        self.aborted = False

    def write(self, data: bytes) -> None:
        """Count what piles up."""
        self.sent += len(data)

    def abort(self) -> None:
        """Note it."""
        self.aborted = True

    def close(self) -> None:
        """Nothing is left to send."""


def talk(limit: int) -> tuple[Talk, DeafEnd]:
    """A caller of an endpoint that takes messages of up to so many bytes."""
    exchange = SimpleNamespace(path=b"/a", headers=[], scheme="http")
    deployment = SimpleNamespace(runtime=SimpleNamespace(max_body=limit))
    made = Talk(exchange, SimpleNamespace(parameters={}, name="i"), deployment, {})  # type: ignore[arg-type]
    end = DeafEnd()
    made.end = end  # type: ignore[assignment]
    return made, end


async def test_a_caller_who_does_not_read_is_cut_off() -> None:
    """What others say to it piles up to the limit of one message, no further."""
    caller, end = talk(1000)
    for _ in range(9):
        caller.say(b"x" * 100, True)
    assert not end.aborted and end.sent > 900
    for _ in range(9):
        caller.say(b"x" * 100, True)
    assert end.aborted and end.sent <= 1000


@pytest.mark.parametrize("pieces", [["ab"] * 600, ["ab", "", ""] * 600])
async def test_pieces_of_a_message_are_counted_together(pieces: list[str]) -> None:
    """A message in many small pieces is as long as all of them; empty ones are not kept."""
    caller, _ = talk(1000)
    mask = bytes(4)
    for number, piece in enumerate(pieces):
        caller.received(bytes((0 if number else 1, 0x80 | len(piece))) + mask + piece.encode())
        assert len(caller._parts) <= 501  # noqa: SLF001
    assert caller._protocol.close_sent.code == 1009 and caller._queue.empty()  # noqa: SLF001
