"""WebSocket inbound endpoints: a caller's message runs the sequence, what the flow answers is a message back (reference 5.11).

The protocol is that of the library `websockets` (sans I/O), loaded with the first connection.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING, Any

from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.endpoints.transmit import target_type
from integrator.engine.expressions.scopes import is_true
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message, under_way
from integrator.engine.sequence import run_flow
from integrator.engine.tasks import flow_end
from wire.exchange import Exchange
from wire.tunnel import Tunnel

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment
    from integrator.engine.services.inbound import Inbound

log = logging.getLogger("integrator.inbound")

WAITING = 64
"""Messages of one caller that may wait for the sequence; then the connection is read no further."""
NORMAL, GOING_AWAY, PROTOCOL_ERROR = 1000, 1001, 1002
EVERYBODY, OTHERS = "0", "2"
"""ws.client.side.broadcast.level: what a caller sends goes to all, to nobody (1), or to the other callers of its path."""
Room = dict[str, set["Talk"]]


def wanted(exchange: Exchange) -> bool:
    """Whether a request asks for a WebSocket."""
    return exchange.upgradable and (exchange.header(b"upgrade") or b"").lower() == b"websocket"


def accept(exchange: Exchange, inbound: Inbound, deployment: Deployment, room: Room) -> None:
    """Take a caller's WebSocket, or answer 400 when its handshake is not one."""
    from websockets.utils import accept_key  # noqa: PLC0415  (loaded with the first connection)

    key = (exchange.header(b"sec-websocket-key") or b"").decode("latin-1")
    if exchange.header(b"sec-websocket-version") != b"13" or not _is_key(key):
        exchange.respond(400, [(b"sec-websocket-version", b"13")])
        return
    lines = f"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept_key(key)}\r\n"
    exchange.upgrade(lines.encode(), Talk(exchange, inbound, deployment, room))


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


class Talk(Tunnel):
    """One caller. Its messages run one after another."""

    def __init__(self, exchange: Exchange, inbound: Inbound, deployment: Deployment, room: Room):
        from websockets.protocol import Protocol, Side, State  # noqa: PLC0415  (loaded with the first connection)

        self.inbound = inbound
        self.deployment = deployment
        self.path = exchange.path.decode("latin-1")
        self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in exchange.headers]
        self.scheme = "wss" if exchange.scheme == "https" else "ws"
        self._room = room.setdefault(self.path, set())
        self._protocol: Any = Protocol(Side.SERVER, state=State.OPEN, max_size=deployment.runtime.max_body)
        self._parts: list[bytes] = []
        self._size = self._unsent = 0
        self._text = True
        self._queue: asyncio.Queue[tuple[bytes, bool] | None] = asyncio.Queue()
        self._work: asyncio.Task[None] | None = None
        self._busy = self._gone = False

    def connected(self, end: Any) -> None:
        """The handshake itself is the first message."""
        super().connected(end)
        self._room.add(self)
        self._queue.put_nowait(None)
        self._work = asyncio.get_running_loop().create_task(self._run())

    def received(self, data: bytes) -> None:
        """Frames become messages; pings are answered by the protocol."""
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            self._frame(frame)
        self._flush()
        if self._queue.qsize() >= WAITING:
            self.end.pause()

    def lost(self, error: Exception | None) -> None:
        """The caller is gone: what waits is dropped, what runs ends."""
        self._room.discard(self)
        self._gone = True
        if self._work is not None and not self._busy:
            self._work.cancel()

    def drain(self) -> None:
        """The server stops."""
        self.close(GOING_AWAY, "")

    def close(self, code: int, reason: str) -> None:
        """Send a closing frame, once."""
        if self._protocol.state.name == "OPEN":
            self._protocol.send_close(code, reason[:100])
        self._flush()

    def say(self, data: bytes, text: bool) -> None:
        """Send one message."""
        if self._protocol.state.name == "OPEN":
            (self._protocol.send_text if text else self._protocol.send_binary)(data)
            self._flush()

    def resumed(self) -> None:
        """The caller reads again."""
        self._unsent = 0

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._unsent += len(data) if self.end.write_paused else 0
                if self._unsent > self.deployment.runtime.max_body:  # it does not read what others say to it
                    self.end.abort()
                    return
                self.end.write(data)
            else:
                self.end.close()

    def _frame(self, frame: Any) -> None:
        kind = frame.opcode.name
        if kind not in ("TEXT", "BINARY", "CONT"):
            return
        if kind != "CONT":
            self._parts, self._size, self._text = [], 0, kind == "TEXT"
        if frame.data:  # pieces may be empty, any number of them
            self._parts.append(bytes(frame.data))
            self._size += len(frame.data)
        if self._size > self.deployment.runtime.max_body:
            self._protocol.fail(1009, "too long")
        elif frame.fin:
            data = b"".join(self._parts)
            self._queue.put_nowait((data, self._text))
            self._spread(data)

    def _spread(self, data: bytes) -> None:
        level = self.inbound.parameters.get("ws.client.side.broadcast.level", "1")
        for talk in list(self._room) if level in (EVERYBODY, OTHERS) else ():
            if level == EVERYBODY or talk is not self:
                talk.say(data, self._text)

    async def _run(self) -> None:
        while not self._gone:
            self._busy = False
            item = await self._queue.get()
            self._busy = True
            if self._queue.qsize() < WAITING:
                self.end.resume()
            try:
                await self._one(item)
            except Exception:
                log.exception("inbound endpoint %s failed", self.inbound.name)

    async def _one(self, item: tuple[bytes, bool] | None) -> None:
        data, text = item or (b"", True)
        kind = self.inbound.parameters.get("ws.default.content.type") or (
            "text/plain" if text else "application/octet-stream"
        )
        flow = Flow(self.deployment, _Answer(self, text))
        under_way.set(flow)
        flow.artifact, flow.transport = f"inbound-endpoint:{self.inbound.name}", self.scheme
        message = Message(flow, Payload(data or None, kind), Headers([*self.headers, ("Content-Type", kind)]))
        message.to = self.path
        message.properties |= {
            "inbound.endpoint.name": self.inbound.name,
            "isInbound": True,
            "websocket.source.handshake.present": item is None,
            "websocket.text.frame.present": item is not None and text,
            "websocket.binary.frame.present": item is not None and not text,
            "websocket.subscriber.path": self.path,
        }
        flow.fault = flow.deployment.sequence(self.inbound.on_error) if self.inbound.on_error else None
        tracing = flow.deployment.runtime.tracing
        if tracing.active:
            tracing.consider(message)
        try:
            await run_flow(message, flow.deployment.required_sequence(self.inbound.sequence))
            await flow_end(flow)
        finally:
            if flow.trace is not None:
                tracing.finish(flow)
        if is_true(message.properties.get("connection.terminate")):
            code = str(message.properties.get("websocket.close.frame.status.code") or NORMAL)
            reason = str(message.properties.get("websocket.close.frame.reason.text") or "")
            self.close(int(code) if code.isdigit() else NORMAL, reason)


class _Answer:
    """Where a flow's answers go: to the caller, each as one message."""

    def __init__(self, talk: Talk, text: bool):
        self.sent = False
        self._talk = talk
        self._text = text

    async def send(self, message: Message) -> None:
        """Run the outflow sequence, then send the body as a frame of the kind that came."""
        name = self._talk.inbound.parameters.get("ws.outflow.dispatch.sequence")
        if name and not await message.deployment.required_sequence(name).run(message):
            return
        await message.payload.read()
        data, _ = write(message.payload, target_type(message, ""))
        self._talk.say(data, self._text)

    def accept(self) -> None:
        """There is nobody to tell."""
