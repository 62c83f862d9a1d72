"""Callers that speak HTTP/2 (over TLS, by ALPN): frames by the h2 library, one ordinary exchange per stream.

Nothing of this is on the way of HTTP/1.1 calls. What a caller may do is bounded: streams at a time, size of header lists,
room for bodies, streams that it resets, frames that say nothing. Whoever goes beyond is sent away with GOAWAY.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from wire import http2_request
from wire.exchange import Exchange
from wire.heads import Header
from wire.http2_stream import Stream
from wire.hygiene import Refused

if TYPE_CHECKING:
    from wire.server import Server

log = logging.getLogger("wire")

STREAMS = 100
"""Exchanges of one connection at a time."""

STREAM_ROOM = 128 * 1024
"""Bytes of request body that may come on a stream before somebody takes them."""

CALM = 500
"""Frames without use (resets, pings, settings, empty data) that a caller may send in a burst."""

CALM_PER_CHECK = 50
"""How many of them are forgiven at each look of the server, which is twice a second."""

LAST_CALL_SECONDS = 1.0
"""How long streams are still taken after the caller was asked to open no more."""

_ANY_STREAM = 2**31 - 1

CHUNK = 16 * 1024
"""Bytes that a stream sends before it is another's turn."""


class Http2Connection(asyncio.Protocol):
    """One caller. Limits and timeouts are the server's."""

    def __init__(self, server: Server, local_port: int) -> None:
        self.server = server
        self.scheme = "https"
        self.local_port = local_port
        self.loop = server.loop
        self.draining = False
        self.streams: dict[int, Stream] = {}
        self.peer_certificate: bytes | None = None
        self._full = False
        self._noise = 0
        self._newest = 0
        self._progress = 0
        self._seen = -1
        self._quiet_since = self.loop.time()
        config = h2.config.H2Configuration(
            client_side=False,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._h2 = h2.connection.H2Connection(config)
        self._scheduled = False
        self._refusing = False

    # -- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller connected and chose HTTP/2."""
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) and len(peer) > 1 else ("", 0)
        self.trusted = self.server.proxies.trusts(self.client[0])
        self.forwarded = b"x-forwarded-for: %b\r\nx-forwarded-proto: https\r\n" % self.client[0].encode()
        self.peer_certificate = transport.get_extra_info("ssl_object").getpeercert(True) or None
        wanted = {
            SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_ROOM,
            SettingCodes.MAX_HEADER_LIST_SIZE: self.server.head_limit,
            SettingCodes.ENABLE_PUSH: 0,
        }
        self._h2.local_settings = Settings(client=False, initial_values=wanted)
        self._h2.decoder.max_header_list_size = self.server.head_limit
        self._h2.initiate_connection()
        # With room for all streams at once, one whose body nobody takes does not hold the others up.
        self._h2.increment_flow_control_window(STREAMS * STREAM_ROOM - 65535)
        self._flush()
        self.server.joined(self)
        if len(self.server.connections) > self.server.max_connections:
            self._leave(ErrorCodes.ENHANCE_YOUR_CALM)

    def connection_lost(self, error: Exception | None) -> None:
        """The caller is gone: whoever works for it is told."""
        self.server.left(self)
        streams = list(self.streams.values())
        self.streams.clear()
        for stream in streams:
            stream.lost()

    def eof_received(self) -> bool:
        """The caller left."""
        return False

    def pause_writing(self) -> None:
        """The caller reads too slowly: answers wait in their streams."""
        self._full = True

    def resume_writing(self) -> None:
        """The caller reads again."""
        self._full = False
        self._schedule()

    def data_received(self, data: bytes) -> None:
        """Takes frames apart and tells the streams."""
        self._progress += 1
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            log.info("an HTTP/2 caller broke the protocol: %s", error)
            self.server.refused += 1
            self._flush()
            self.transport.close()
            return
        for event in events:
            self._take(event)
        self._flush()
        if self._noise > CALM and not self.transport.is_closing():
            log.info("an HTTP/2 caller sent too many frames without use")
            self.server.refused += 1
            self._leave(ErrorCodes.ENHANCE_YOUR_CALM)

    # -- what came

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.DataReceived):
            self._data(event)
        elif isinstance(event, h2.events.RequestReceived):
            self._request(event)
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                self._noise += 1
            self._schedule()
        elif isinstance(event, h2.events.StreamEnded):
            self._request_ended(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self._noise += 1
            stream = self.streams.pop(event.stream_id, None)
            if stream is not None:
                stream.lost()
                self._close_if_done()
        elif isinstance(event, h2.events.TrailersReceived):
            stream = self.streams.get(event.stream_id)
            if stream is not None:
                stream.came_behind = http2_request.trailers(event.headers)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.draining = self._refusing = True
            self._close_if_done()
        else:
            self._noise += 1

    def _request(self, event: h2.events.RequestReceived) -> None:
        number = event.stream_id
        if self._refusing or len(self.streams) >= STREAMS:
            self._h2.reset_stream(number, ErrorCodes.REFUSED_STREAM)
            return
        self._newest = number
        stream = self.streams[number] = Stream(self, number)
        exchange = Exchange(stream, b"GET", b"/", [])
        try:
            method, target, headers = http2_request.read(event.headers, event.stream_ended is None)
            exchange = Exchange(stream, method, target, headers)
            if b"\0" in exchange.fields.values():
                raise Refused(400, "a header that may come once only was sent twice")
        except Refused as refusal:
            self.server.refused += 1
            stream.exchange = exchange
            exchange.minor = 0
            exchange.respond(refusal.status, [(b"content-type", b"text/plain; charset=utf-8")], f"{refusal}\n".encode())
            return
        stream.exchange = exchange
        # As to an HTTP/1.0 caller: a body without a length ends with the stream, never chunked.
        exchange.minor = 0
        if event.stream_ended is None:
            exchange.has_body = True
            exchange.expects = exchange.fields.get(b"expect", b"").lower() == b"100-continue"
        else:
            exchange.end()
        try:
            self.server.service.handle(exchange)
        except Exception:  # noqa: BLE001 - the edge of a request: logged once, answered with 500
            exchange.failed()

    def _data(self, event: h2.events.DataReceived) -> None:
        if not event.data and event.stream_ended is None:
            self._noise += 1
        room = event.flow_controlled_length or 0
        stream = self.streams.get(event.stream_id)
        if stream is None:
            self.acknowledge(event.stream_id, room)
        else:
            stream.quiet_since = self.loop.time()
            stream.body(event.data or b"", room)

    def _request_ended(self, number: int) -> None:
        stream = self.streams.get(number)
        if stream is not None and stream.exchange is not None and not stream.exchange.ended:
            stream.exchange.end()

    # -- what goes out

    def send_head(self, number: int, headers: list[Header]) -> None:
        """The head of an answer, or an informational one."""
        try:
            self._h2.send_headers(number, headers)
        except h2.exceptions.ProtocolError:
            return
        self._schedule()

    def acknowledge(self, number: int, room: int) -> None:
        """Gives `room` bytes of the windows back to the caller."""
        if room and not self.transport.is_closing():
            self._h2.acknowledge_received_data(room, number)
            self._schedule()

    def pump(self) -> None:
        """A stream has something to send, or its end."""
        self._schedule()

    def _schedule(self) -> None:
        """What is sent in one turn of the loop goes out together."""
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        self._pump_all()
        self._flush()

    def _pump_all(self) -> None:
        """Lets the streams send in turns."""
        busy = [stream for stream in self.streams.values() if stream.out or stream.ended]
        while busy and not self._full:
            busy = [stream for stream in busy if self._send_some(stream)]
            self._flush()

    def _send_some(self, stream: Stream) -> bool:
        """One turn of a stream; whether it could go on."""
        if self._full or stream.number not in self.streams:
            return False
        try:
            if stream.out:
                room = min(self._h2.local_flow_control_window(stream.number), self._h2.max_outbound_frame_size, CHUNK)
                if room <= 0:
                    return False
                data = stream.out.popleft()
                if len(data) > room:
                    stream.out.appendleft(data[room:])
                    data = data[:room]
                stream.size -= len(data)
                stream.quiet_since = self.loop.time()
                last = stream.ended and not stream.out and not stream.trail_headers
                self._h2.send_data(stream.number, data, end_stream=last)
                stream.drained()
                if last:
                    self._finish(stream)
                return not last
            if stream.ended:
                if stream.trail_headers:
                    self._h2.send_headers(stream.number, stream.trail_headers, end_stream=True)
                else:
                    self._h2.end_stream(stream.number)
                self._finish(stream)
        except h2.exceptions.ProtocolError:
            self._forget(stream)
        return False

    def _finish(self, stream: Stream) -> None:
        """The answer is out. A caller that is still sending its request is told to stop."""
        exchange = stream.exchange
        if exchange is not None and not exchange.ended:
            self._h2.reset_stream(stream.number, ErrorCodes.NO_ERROR)
        self._forget(stream)

    def reset(self, stream: Stream) -> None:
        """Breaks one exchange off."""
        if self.streams.get(stream.number) is stream:
            try:
                self._h2.reset_stream(stream.number, ErrorCodes.INTERNAL_ERROR)
            except h2.exceptions.ProtocolError:
                log.debug("stream %d was closed already", stream.number)
            self._schedule()
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        if self.streams.pop(stream.number, None) is not None:
            stream.lost()
            self._close_if_done()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    # -- the end, and what the server's watch looks at

    def drain(self) -> None:
        """Asks the caller to open no more streams; those already on their way are still served, then refused.

        It closes after the last stream in work.
        """
        if not self.draining:
            self.draining = True
            self._go_away(ErrorCodes.NO_ERROR, _ANY_STREAM)
            self.loop.call_later(LAST_CALL_SECONDS, self._refuse_new)

    def _refuse_new(self) -> None:
        self._refusing = True
        self._go_away(ErrorCodes.NO_ERROR, self._newest)
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._refusing and not self.streams:
            self._flush()
            self.transport.close()

    def _leave(self, code: ErrorCodes) -> None:
        self._go_away(code, self._newest)
        self.draining = self._refusing = True
        self.transport.close()
        for stream in list(self.streams.values()):
            self._forget(stream)

    def _go_away(self, code: ErrorCodes, last: int) -> None:
        """By hand: after h2's own, streams in work could not be finished."""
        if not self.transport.is_closing():
            self._flush()
            frame = GoAwayFrame(0)
            frame.last_stream_id = last
            frame.error_code = int(code)
            self.transport.write(frame.serialize())

    def abort(self) -> None:
        """Breaks the connection at once."""
        self.transport.abort()

    def check(self, now: float) -> None:
        """Enforces the timeouts; called about twice a second. `now` is the loop's clock."""
        self._noise = max(0, self._noise - CALM_PER_CHECK)
        if self._progress != self._seen:
            self._seen = self._progress
            self._quiet_since = now
        limits = self.server.timeouts
        if not self.streams:
            if now - self._quiet_since > limits.idle:
                self._leave(ErrorCodes.NO_ERROR)
            return
        for stream in list(self.streams.values()):
            quiet = now - stream.quiet_since
            if (stream.out and quiet > limits.write) or (stream.waits_for_body() and quiet > limits.body):
                self._give_up(stream)

    def _give_up(self, stream: Stream) -> None:
        """A caller that neither sends nor reads: its stream is reset, and its exchange hears that it left."""
        try:
            self._h2.reset_stream(stream.number, ErrorCodes.CANCEL)
        except h2.exceptions.ProtocolError:
            log.debug("stream %d was closed already", stream.number)
        self._flush()
        self._forget(stream)
