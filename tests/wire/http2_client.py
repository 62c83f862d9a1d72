"""A small HTTP/2 caller that can also behave badly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

HEAD = [(":method", "GET"), (":scheme", "https"), (":authority", "own.example"), (":path", "/")]


@dataclass
class Reply:
    """What came on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    informational: list[str] = field(default_factory=list)
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers.get(":status", "0"))


class Caller:
    """One connection. `reading` False leaves what comes unread and unacknowledged."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        config = h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False)
        config.normalize_outbound_headers = False
        self.h2 = h2.connection.H2Connection(config)
        self.replies: dict[int, Reply] = {}
        self.goaway: list[int] = []
        self.acknowledging = True
        self.closed = False

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def ask(self, *headers: tuple[str, str], path: str = "/", method: str = "GET", body: bytes | None = None) -> int:
        """Begins a request; `body` None ends it at once."""
        number = self.h2.get_next_available_stream_id()
        head = [(":method", method), *HEAD[1:3], (":path", path), *headers]
        self.replies[number] = Reply()
        self.h2.send_headers(number, head, end_stream=body is None)
        if body:
            self.h2.send_data(number, body, end_stream=True)
        self.flush()
        return number

    async def frame(self) -> bytes:
        """The next frame. GOAWAY is noted only: h2 as a client could not finish its streams after one."""
        try:
            head = await self.reader.readexactly(9)
            whole = head + await self.reader.readexactly(int.from_bytes(head[:3], "big"))
        except asyncio.IncompleteReadError:
            return b""
        if head[3] == 7:
            self.goaway.append(int.from_bytes(whole[13:17], "big"))
            return await self.frame()
        return whole

    async def listen(self) -> None:
        """Takes what comes until the connection closes."""
        with suppress(OSError):
            while frame := await self.frame():
                try:
                    events = self.h2.receive_data(frame)
                except h2.exceptions.ProtocolError:
                    break
                for event in events:
                    self.note(event)
                self.flush()
        self.closed = True

    def note(self, event: h2.events.Event) -> None:
        reply = self.replies.get(getattr(event, "stream_id", None) or 0, Reply())
        match event:
            case h2.events.ResponseReceived():
                reply.headers = dict(event.headers)
            case h2.events.InformationalResponseReceived():
                reply.informational.append(dict(event.headers)[":status"])
            case h2.events.DataReceived():
                reply.body += event.data
                if self.acknowledging and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                reply.trailers = dict(event.headers)
            case h2.events.StreamEnded():
                reply.ended = True
            case h2.events.StreamReset():
                reply.reset = int(event.error_code)

    async def reply(self, number: int, seconds: float = 10.0) -> Reply:
        """Waits for the end of a stream, in whatever way."""
        reply = self.replies[number]
        async with asyncio.timeout(seconds):
            while not (reply.ended or reply.reset is not None or self.closed):
                await asyncio.sleep(0.005)
        return reply

    async def get(
        self, *headers: tuple[str, str], path: str = "/", method: str = "GET", body: bytes | None = None
    ) -> Reply:
        return await self.reply(self.ask(*headers, path=path, method=method, body=body))

    async def until_closed(self, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not self.closed:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def calling(port: int, context: ssl.SSLContext) -> AsyncIterator[Caller]:
    """A connection with HTTP/2 agreed."""
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="own.example")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    caller = Caller(reader, writer)
    caller.h2.initiate_connection()
    caller.flush()
    listening = asyncio.create_task(caller.listen())
    try:
        yield caller
    finally:
        listening.cancel()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
