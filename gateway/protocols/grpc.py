"""gRPC backends: calls of HTTP/2 callers passed on over HTTP/2, message by message, with their trailers."""

from __future__ import annotations

import asyncio
import ssl
import time
from urllib.parse import urlsplit

from gateway import faults
from gateway.call import Call, backend_fault
from gateway.endpoints.target import ANSWER_LIMIT, Failed, Outcome, Shape, below, headers_of
from gateway.message import Answer
from gateway.protocols.grpc_client import BACKLOG, Pool, Stream
from gateway.schema import Endpoint
from wire.errors import UpstreamError
from wire.exchange import Disconnected, Exchange
from wire.heads import HOP_BY_HOP, Header
from wire.http2_stream import Stream as CallersStream

STATUS = frozenset({b"grpc-status", b"grpc-message", b"grpc-status-details-bin"})
"""Headers that end a call. They are sent behind the body, wherever the backend had them."""

NEVER_PASSED = HOP_BY_HOP | {b"host", b"te", b"content-length"}


class Grpc:
    """One address. `base`: path put before the resource, the service's name when the API's context stands for it."""

    __slots__ = ("__weakref__", "base", "pool", "scheme", "timeout")

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext) -> None:
        parts = urlsplit(endpoint.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"endpoint {endpoint.url!r} is not of the form http://host:port or https://host:port")
        if endpoint.security is not None:
            raise ValueError(f"endpoint security {endpoint.security.kind!r} does not work on gRPC")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self.scheme = parts.scheme.encode()
        self.base = parts.path.rstrip("/").encode()
        self.timeout = endpoint.timeout_ms / 1000
        self.pool = Pool(
            parts.hostname, port, tls if parts.scheme == "https" else None, endpoint.connect_timeout_ms / 1000
        )

    def relay(self, call: Call, shape: Shape) -> Outcome:
        """Passes the call on; both directions stream."""
        exchange = call.exchange
        if not isinstance(exchange.connection, CallersStream):
            return call.refuse(faults.NEEDS_HTTP2)
        if not exchange.fields.get(b"content-type", b"").startswith(b"application/grpc"):
            return call.refuse(faults.NOT_GRPC)
        return self._run(call, shape)

    async def fetch(self, call: Call, shape: Shape, limit: int = ANSWER_LIMIT) -> Answer:
        """Raises Failed: the answers of gRPC are streams, policies do not see them."""
        raise Failed(faults.RESPONSE_FAILED, "response policies do not work on gRPC")

    async def _run(self, call: Call, shape: Shape) -> bool:
        call.backend_started = time.perf_counter()
        stream: Stream | None = None
        try:
            stream = await self.pool.open(self._headers(call, shape))
            _Pipe(call.exchange, stream).attach()
            async with asyncio.timeout(self.timeout):
                head = await asyncio.shield(stream.head)
            await self._answer(call, stream, head)
        except TimeoutError:
            assert stream is not None
            stream.drop()
            return call.refuse(faults.SEND_TIMEOUT)
        except Disconnected:
            if stream is not None:
                stream.drop()
            call.finished(499)
        except UpstreamError as error:
            if not call.exchange.started:
                return call.refuse(backend_fault(error), str(error))
            call.exchange.abort()
            call.done(call.exchange.status, call.sent)
        finally:
            call.exchange.sink = None
        return True

    async def _answer(self, call: Call, stream: Stream, head: list[Header]) -> None:
        exchange = call.exchange
        status = int(dict(head).get(b":status", b"200"))
        drops = call.answer_drops | STATUS
        kept = [pair for pair in head if pair[0] not in drops and pair[0][:1] != b":"]
        exchange.start(status, kept + headers_of(call.answer_lines))
        async for chunk in stream.chunks():
            call.sent += len(chunk)
            await exchange.send(chunk)
        ending = [pair for pair in head if pair[0] in STATUS] + stream.trailers
        exchange.connection.trail(ending)
        exchange.finish()
        call.done(status, call.sent)

    def _headers(self, call: Call, shape: Shape) -> list[Header]:
        edited, exchange = call.outgoing, call.exchange
        target = edited.target if edited is not None else exchange.target[call.cut :]
        given = edited.headers if edited is not None else exchange.headers
        ours = headers_of(shape.lines(call))
        drops = shape.drops | NEVER_PASSED
        return [
            (b":method", b"POST"),
            (b":scheme", self.scheme),
            (b":authority", self.pool.authority),
            (b":path", below(self.base, target)),
            *(pair for pair in given if pair[0] not in drops),
            *ours,
            (b"te", b"trailers"),
        ]


class _Pipe:
    """Takes the caller's body to the backend."""

    def __init__(self, exchange: Exchange, stream: Stream) -> None:
        self.exchange = exchange
        self.stream = stream
        self.paused = False

    def attach(self) -> None:
        """Begins with what came already."""
        self.stream.room = self.resume
        for chunk in self.exchange.attach(self) or ():
            self.body_data(chunk)
        if self.exchange.ended:
            self.body_end()

    def body_data(self, chunk: bytes) -> None:
        """A piece; no more is read while the backend does not take it."""
        self.stream.send(chunk)
        if self.stream.backlog > BACKLOG and not self.paused:
            self.paused = True
            self.exchange.connection.pause_request()

    def resume(self) -> None:
        """The backend took enough."""
        if self.paused:
            self.paused = False
            self.exchange.connection.resume_request()

    def body_end(self) -> None:
        """The request is complete."""
        self.stream.finish()

    def caller_lost(self) -> None:
        """Nobody waits any more."""
        self.stream.drop()
        self.stream.ended(Disconnected("the caller left"))

    def caller_paused(self) -> None:
        """Whoever sends waits by itself."""

    def caller_resumed(self) -> None:
        """Whoever sends goes on by itself."""
