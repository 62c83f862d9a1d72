"""HTTP/2 to gRPC backends: connections that carry many calls, with the windows of both sides as back-pressure."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, cast
from weakref import finalize

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings

from wire.errors import UpstreamError
from wire.heads import Header

if TYPE_CHECKING:
    from hyperframe.frame import Frame, GoAwayFrame

LINKS = 8
"""Connections to one backend; beyond them and their streams a call is told that it is busy."""

ROOM = 256 * 1024
"""Bytes of an answer that may come before somebody takes them."""

BACKLOG = 64 * 1024
"""Bytes of a request kept for a backend that does not take them; beyond it the caller is not read."""


class Stream:
    """One call at the backend. `room` is called when a backlog has gone."""

    def __init__(self, link: Link, number: int) -> None:
        self.link = link
        self.number = number
        self.head: asyncio.Future[list[Header]] = link.loop.create_future()
        self.trailers: list[Header] = []
        self.room: Callable[[], None] = _nothing
        self.backlog = 0
        self._out: deque[bytes] = deque()
        self._last = False
        self._sent_end = False
        self._in: deque[tuple[bytes, int]] = deque()
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    # -- the request

    def send(self, data: bytes) -> None:
        """Sends a piece of the body as the windows allow; look at `backlog`."""
        if data and not self._ended:
            self._out.append(data)
            self.backlog += len(data)
            self.link.pump(self)

    def finish(self) -> None:
        """The request is complete."""
        self._last = True
        self.link.pump(self)

    def some(self, room: int) -> bytes:
        """At most `room` bytes of what waits."""
        data = self._out.popleft()
        if len(data) > room:
            self._out.appendleft(data[room:])
            data = data[:room]
        self.backlog -= len(data)
        return data

    @property
    def waiting(self) -> bool:
        """Whether anything, or the end, is still to be sent."""
        return bool(self._out) or (self._last and not self._sent_end)

    def ends_with(self, data: bytes) -> bool:
        """Whether this piece is the last; noted as sent."""
        self._sent_end = self._last and not self._out
        return self._sent_end

    def drop(self, code: ErrorCodes = ErrorCodes.CANCEL) -> None:
        """Nobody wants the answer any more."""
        self.link.drop(self, code)

    # -- the answer

    async def chunks(self) -> AsyncIterator[bytes]:
        """The answer's body as it comes. Raises UpstreamError when it breaks off."""
        while True:
            while self._in:
                data, size = self._in.popleft()
                yield data
                self.link.taken(self, size)
            if self._error is not None:
                raise self._error
            if self._ended:
                return
            self._waiter = self.link.loop.create_future()
            await self._waiter

    def came(self, data: bytes, size: int) -> None:
        """Part of the body."""
        self._in.append((data, size))
        self._wake()

    def ended(self, error: Exception | None = None) -> None:
        """The answer is complete, or broke off."""
        self._ended = True
        self._error = self._error or error
        if not self.head.done():
            self.head.set_exception(error or UpstreamError("head", "the stream ended without an answer"))
            self.head.exception()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _nothing() -> None:
    """Nobody waits."""


class Connection(h2.connection.H2Connection):
    """A connection whose other end may take leave: what it took on before goes on (RFC 9113, 6.8), where the library would end
    it. Services do that all the time: at each stop, and when a connection has lived long enough."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[h2.events.Event]]:
        leave = h2.events.ConnectionTerminated()
        leave.last_stream_id = frame.last_stream_id
        return [], [leave]


class Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, gone: Callable[[Link], None]) -> None:
        self.loop = asyncio.get_running_loop()
        self.streams: dict[int, Stream] = {}
        self.closing = False
        self._gone = gone
        self._full = False
        self._h2 = Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))

    @property
    def free(self) -> bool:
        """Whether it takes another call."""
        most = self._h2.remote_settings.max_concurrent_streams
        return not self.closing and len(self.streams) < min(most, 1000)

    def open(self, headers: list[Header]) -> Stream:
        """Begins a call. Raises UpstreamError when the connection takes none, as the back end broke the protocol meanwhile."""
        try:
            number = self._h2.get_next_available_stream_id()
            self._h2.send_headers(number, headers)
        except h2.exceptions.ProtocolError as error:
            self.closing = True
            raise UpstreamError("connect", f"the back end broke the protocol: {error}") from error
        stream = self.streams[number] = Stream(self, number)
        self._flush()
        return stream

    # -- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast(asyncio.Transport, transport)
        wanted = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: ROOM}
        self._h2.local_settings = Settings(client=True, initial_values=wanted)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(16 * ROOM - 65535)
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        """Gone, with every call on it."""
        self.closing = True
        self._gone(self)
        for stream in list(self.streams.values()):
            stream.ended(UpstreamError("head", "the back end closed the connection"))
        self.streams.clear()

    def pause_writing(self) -> None:
        """The backend reads too slowly."""
        self._full = True

    def resume_writing(self) -> None:
        """The backend reads again."""
        self._full = False
        self._pump_all()

    def data_received(self, data: bytes) -> None:
        """Frames."""
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except h2.exceptions.ProtocolError:
            self.closing = True
            self.transport.abort()
            return
        self._flush()

    def _take(self, event: h2.events.Event) -> None:
        number = getattr(event, "stream_id", None)
        stream = self.streams.get(number) if number else None
        if isinstance(event, h2.events.DataReceived):
            size = event.flow_controlled_length or 0
            if stream is None:
                self._h2.acknowledge_received_data(size, event.stream_id)
            else:
                stream.came(bytes(event.data or b""), size)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._leave(event.last_stream_id or 0)
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            self._pump_all()
        elif stream is not None:
            self._of(stream, event)

    def _leave(self, last: int) -> None:
        """The backend takes no more calls here, and has not seen those after the stream `last`."""
        self.closing = True
        for stream in [one for number, one in self.streams.items() if number > last]:
            self._forget(stream)
            stream.ended(UpstreamError("head", "the back end took leave before it took the call"))
        if not self.streams:
            self.transport.close()

    def _of(self, stream: Stream, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived) and not stream.head.done():
            stream.head.set_result([(bytes(name), bytes(value)) for name, value in event.headers])
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            self._forget(stream)
            stream.ended()
        elif isinstance(event, h2.events.StreamReset):
            self._forget(stream)
            stream.ended(UpstreamError("body", f"the back end reset the stream ({event.error_code})"))

    # -- what goes out

    def pump(self, stream: Stream) -> None:
        """Sends what the windows allow."""
        try:
            while stream.waiting and not self._full and stream.number in self.streams:
                if stream.backlog:
                    room = min(self._h2.local_flow_control_window(stream.number), self._h2.max_outbound_frame_size)
                    if room <= 0:
                        break
                    data = stream.some(room)
                    self._h2.send_data(stream.number, data, end_stream=stream.ends_with(data))
                else:
                    stream.ends_with(b"")
                    self._h2.end_stream(stream.number)
                self._flush()
        except h2.exceptions.ProtocolError as error:
            self._forget(stream)
            stream.ended(UpstreamError("body", f"the back end broke the protocol: {error}"))
        if stream.backlog <= BACKLOG // 2:
            stream.room()

    def _pump_all(self) -> None:
        for stream in list(self.streams.values()):
            if stream.waiting:
                self.pump(stream)

    def taken(self, stream: Stream, size: int) -> None:
        """Somebody took `size` bytes of an answer: the backend may send as many more."""
        if size and not self.transport.is_closing():
            self._h2.acknowledge_received_data(size, stream.number)
            self._flush()

    def drop(self, stream: Stream, code: ErrorCodes) -> None:
        """Resets a call."""
        if self.streams.get(stream.number) is stream:
            try:
                self._h2.reset_stream(stream.number, code)
            except h2.exceptions.ProtocolError:
                stream.trailers = []
            self._flush()
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        self.streams.pop(stream.number, None)
        if self.closing and not self.streams:
            self.transport.close()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)


class Pool:
    """The connections to one backend, made when they are needed. `tls` None means HTTP/2 without TLS, by prior knowledge."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, seconds: float) -> None:
        self.host = host
        self.port = port
        self.seconds = seconds
        self.authority = (f"{host}:{port}" if port != (443 if tls else 80) else host).encode()
        self._tls = tls
        self._links: list[Link] = []
        self._connecting: asyncio.Lock | None = None
        finalize(self, _close, self._links)

    async def open(self, headers: list[Header]) -> Stream:
        """Begins a call. Raises UpstreamError when there is no connection for it."""
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            link = next((one for one in self._links if one.free), None)
            if link is None:
                link = await self._connect()
        return link.open(headers)

    async def _connect(self) -> Link:
        if len(self._links) >= LINKS:
            raise UpstreamError("connect", f"all {LINKS} connections to {self.host}:{self.port} are busy")
        loop = asyncio.get_running_loop()
        links = self._links
        try:
            async with asyncio.timeout(self.seconds):
                transport, link = await loop.create_connection(
                    lambda: Link(lambda gone: links.remove(gone) if gone in links else None),
                    self.host,
                    self.port,
                    ssl=self._tls,
                    server_hostname=self.host if self._tls else None,
                )
        except TimeoutError as error:
            raise UpstreamError("connect", f"no connection to {self.host}:{self.port} in time", timeout=True) from error
        except OSError as error:
            raise UpstreamError("connect", f"no connection to {self.host}:{self.port}: {error}") from error
        spoken = transport.get_extra_info("ssl_object")
        if spoken is not None and spoken.selected_alpn_protocol() != "h2":
            transport.close()
            raise UpstreamError("connect", f"{self.host}:{self.port} does not speak HTTP/2")
        self._links.append(link)
        return link


def _close(links: list[Link]) -> None:
    """Nobody holds the pool any more."""
    for link in list(links):
        link.closing = True
        if not link.streams:
            link.transport.close()
