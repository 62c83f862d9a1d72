"""The outgoing HTTP client of the data planes: pooled, with a time limit on everything, bodies streamed both ways.

`Limits.style` and `Routes` (wire.routes) are for the calls that need another way than HTTP/1.1 straight to the server.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from math import inf
from typing import Any
from urllib.parse import quote, urlsplit

from wire.errors import UpstreamError
from wire.exchange import BODY_LIMIT
from wire.heads import HOP_BY_HOP, Header, block
from wire.routes import ClientOrigin, Routes, Style, open_origin
from wire.upstream import Link, Origin

HIGH_WATER = 256 * 1024
"""Bytes of an answer kept for a caller that has not read them; beyond it the socket is not read."""

_STALE = ("head", "send")
"""Where a pooled connection that the server has closed meanwhile shows it."""

IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})

_LOOKED_AT = HOP_BY_HOP | {b"content-length", b"host"}

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_KEPT = "%/:=&?~+!$,;'@()*[]|"

_PHRASES = {status.value: (status.phrase.encode(), status.phrase) for status in HTTPStatus}
_UNKNOWN = (b"", "")

MAX_ORIGINS = 4096
"""Origins remembered; beyond it those without a connection are forgotten."""

Body = bytes | AsyncIterator[bytes] | None


class AnswerTooLarge(Exception):
    """The answer is longer than the caller allows. `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the answer is longer than the {limit} bytes allowed")


@dataclass(frozen=True)
class Limits:
    """Seconds: to connect, without a byte from the other server, and for the whole answer. `style`: another form of request."""

    connect: float = 5.0
    read: float = 60.0
    total: float = inf
    style: Style | None = None


class ClientLink(Link):
    """A link whose answer is taken by coroutines."""

    def __init__(self, origin: Origin[Any]) -> None:
        super().__init__(origin)
        self.phrase = b""
        self.read_seconds = 60.0
        self.latest = inf
        self.answer: asyncio.Future[Response] | None = None
        self.response: Response | None = None
        self.error: UpstreamError | None = None
        self._drain: asyncio.Future[None] | None = None

    def on_status(self, phrase: bytes) -> None:
        """The words behind the status, in as many pieces as they came."""
        self.phrase = self.phrase + phrase if self.phrase else phrase

    def head(self, status: int, headers: list[Header]) -> None:
        """The answer begins."""
        self.deadline = min(self.loop.time() + self.read_seconds, self.latest)
        self.response = Response(self, status, headers)
        self.phrase = b""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(self.response)

    def answer_data(self, chunk: bytes) -> None:
        """A piece of the answer."""
        self.deadline = min(self.loop.time() + self.read_seconds, self.latest)
        if self.response is not None:
            self.response.feed(chunk)

    def answer_end(self) -> None:
        """The answer is complete."""
        if self.response is not None:
            self.response.end(None)
        self.response = None

    def broken(self, error: UpstreamError) -> None:
        """The answer will not come, or not completely. What was not sent yet when it broke was a failure of sending."""
        if error.stage == "head" and (self.request_open or self.write_paused):
            error = UpstreamError("send", str(error), error.timeout)
        self.error = error
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)
        elif self.response is not None:
            self.response.end(error)
        self.response = None
        self.writable()

    def writable(self) -> None:
        """The origin reads again, or never will."""
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)

    async def send(self, chunk: bytes) -> None:
        """A piece of the request body. Raises UpstreamError when the origin is gone."""
        if self.error is not None:
            raise self.error
        self.write(chunk)
        self.deadline = min(self.loop.time() + self.read_seconds, self.latest)
        while self.write_paused and self.error is None:
            self._drain = self.loop.create_future()
            await self._drain


class Response:
    """An answer. Read it with `body()` or `stream()`, or drop it with `close()`; also an async context manager."""

    def __init__(self, link: ClientLink, status: int, headers: list[Header]) -> None:
        self.status = status
        self.headers = headers
        self.phrase = link.phrase
        self._link: ClientLink | None = link
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.sending: asyncio.Task[None] | None = None

    @property
    def reason(self) -> str:
        """The words behind the status as they came; the registered ones when none came."""
        raw, text = _PHRASES.get(self.status, _UNKNOWN)
        return text if self.phrase == raw or not self.phrase else self.phrase.decode("latin-1")

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header by its lower-case name."""
        return next((value for known, value in self.headers if known == name), None)

    def whole(self) -> bytes | None:
        """The body when all of it came in one piece, as short ones do; else nothing is taken and None is told."""
        if self._ended and self._error is None and len(self._chunks) == 1:
            self._size = 0
            return self._chunks.popleft()
        return None

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        """The whole body. Raises AnswerTooLarge beyond `limit` bytes, UpstreamError when it breaks off."""
        if self._ended and self._error is None and self._size <= limit:
            parts = list(self._chunks)
            self._chunks.clear()
            self._size = 0
            return parts[0] if len(parts) == 1 else b"".join(parts)
        parts = []
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > limit:
                self.close()
                raise AnswerTooLarge(limit)
            parts.append(chunk)
        return b"".join(parts)

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises UpstreamError when it breaks off."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._size -= len(chunk)
                yield chunk
            if self._error is not None:
                raise self._error
            if self._ended:
                return
            if self._link is not None:
                self._link.deadline = min(self._link.loop.time() + self._link.read_seconds, self._link.latest)
                self._link.resume()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def close(self) -> None:
        """Gives the rest of the answer up."""
        if self.sending is not None:
            self.sending.cancel()
        if not self._ended and self._link is not None:
            self._link.abandon()
            self._ended = True
        self._link = None

    async def __aenter__(self) -> Response:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def feed(self, chunk: bytes) -> None:
        """A piece arrived."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > HIGH_WATER and self._link is not None:
            self._link.pause()
        self._wake()

    def end(self, error: UpstreamError | None) -> None:
        """The body is complete, or broke off with `error`."""
        self._ended = True
        self._error = error
        self._link = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Client:
    """Requests to any origin. `tls`: context for https origins, by default the system's trusted authorities.

    `routes` says which origins are reached another way, and how many connections one may have.
    """

    def __init__(
        self, limits: Limits | None = None, tls: ssl.SSLContext | None = None, routes: Routes | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.routes = routes or Routes()
        self.closed = False
        self._tls = tls
        self._origins: dict[tuple[str, str, int], ClientOrigin] = {}

    async def request(
        self,
        method: bytes | str,
        url: bytes | str,
        headers: Iterable[Header] = (),
        body: Body = None,
        limits: Limits | None = None,
    ) -> Response:
        """Sends a request and returns when the answer's head is there. Redirects are not followed.

        Raises UpstreamError when there is no answer, ValueError for an address that is not http(s), a method that is
        no token or a header with a line break.

        A call that met a stale pooled connection is sent once more when it is idempotent and its body is
        not a stream.
        """
        limits = limits or self.limits
        method = _verb(method)
        origin, target = self._origin(url.decode() if isinstance(url, bytes) else url)
        streamed = body is not None and not isinstance(body, bytes)
        style = limits.style or origin.style
        data = _request_head(method, target, origin.authority, list(headers), body)
        if style is not None:
            data = style.applied(data, method, target, origin)
        pooled = origin.take()
        if pooled is not None:
            try:
                return await _call(pooled, method, data, body, limits)
            except UpstreamError as error:
                if error.stage not in _STALE or error.timeout or streamed or method not in IDEMPOTENT:
                    raise
        origin.connect_seconds = limits.connect
        return await _call(await origin.link(), method, data, body, limits)

    async def change(self, routes: Routes) -> None:
        """Other routes from now on: idle connections are closed, busy ones end their call."""
        self.routes = routes
        origins, self._origins = self._origins, {}
        for origin in origins.values():
            origin.close()

    async def close(self) -> None:
        """Breaks all connections; requests after it are refused."""
        self.closed = True
        for origin in self._origins.values():
            origin.close()
            origin.abort()
        self._origins.clear()
        await asyncio.sleep(0)

    def _origin(self, url: str) -> tuple[ClientOrigin, bytes]:
        key, target = _parsed(url)
        origin = self._origins.get(key)
        if origin is None:
            origin = self._new_origin(*key)
        return origin, target

    def _new_origin(self, scheme: str, host: str, port: int) -> ClientOrigin:
        if self.closed:
            raise UpstreamError("closed", "the client was closed")
        if len(self._origins) >= MAX_ORIGINS:
            self._origins = {key: known for key, known in self._origins.items() if known.links}
        tls = (self.routes.tls(host, port) or self._context()) if scheme == "https" else None
        origin = self._origins[scheme, host, port] = open_origin(self.routes, host, port, tls, ClientLink)
        return origin

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


@lru_cache(maxsize=256)
def _verb(method: bytes | str) -> bytes:
    """The method as it is sent. Raises ValueError for one that would break out of its place."""
    raw = method.encode() if isinstance(method, str) else method
    if not _TOKEN.fullmatch(raw):
        raise ValueError(f"the method {raw[:100]!r} is no HTTP token")
    return raw


@lru_cache(maxsize=4096)
def _parsed(url: str) -> tuple[tuple[str, str, int], bytes]:
    """Scheme, host and port, and the request target of an address. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an address of the form http://host/path or https://host/path")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return (parts.scheme, parts.hostname, port), _checked_target(target)


def _checked_target(target: str) -> bytes:
    raw = target.encode() if target.isascii() else quote(target, safe=_KEPT).encode()
    if any(octet <= 32 or octet == 127 for octet in raw):
        raise ValueError(f"the address {target!r} has a space or control character; encode it")
    return raw


def _request_head(method: bytes, target: bytes, authority: bytes, headers: list[Header], body: Body) -> bytes:
    length = None
    lines = [(b"host", authority)]
    for pair in headers:
        name = pair[0]
        if name not in _LOOKED_AT:
            lines.append(pair)
        elif name == b"host":
            lines[0] = pair
        elif name == b"content-length" and length is None:
            length = pair[1]
    if isinstance(body, bytes):
        lines.append((b"content-length", b"%d" % len(body)))
    elif body is not None:
        lines.append((b"content-length", length) if length is not None else (b"transfer-encoding", b"chunked"))
    elif method in (b"POST", b"PUT", b"PATCH"):
        lines.append((b"content-length", b"0"))
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, block(lines))


async def _call(link: ClientLink, method: bytes, head: bytes, body: Body, limits: Limits) -> Response:
    link.error = None
    link.request_open = False
    link.response = None
    link.read_seconds = limits.read
    link.latest = link.loop.time() + limits.total
    link.answer = link.loop.create_future()
    link.phrase = b""
    sending = None
    if body is None or isinstance(body, bytes):
        link.begin(head + (body or b""), method == b"HEAD", limits.read)
    else:
        link.begin(head, method == b"HEAD", limits.read)
        link.request_open = True
        sending = asyncio.create_task(_send_stream(link, body, b"\r\ntransfer-encoding: chunked\r\n" in head))
    if limits.style is not None and limits.style.close:
        link.keep = False
    try:
        response = await link.answer
    except BaseException:
        if sending is not None:
            sending.cancel()
        if link.busy:
            link.abandon()
        raise
    response.sending = sending
    return response


async def _send_stream(link: ClientLink, body: AsyncIterator[bytes], chunked: bool) -> None:
    """Sends a streamed request body. A body that breaks off breaks the connection, so that it is not taken as whole."""
    try:
        async for chunk in body:
            if chunk:
                await link.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
        if chunked:
            await link.send(b"0\r\n\r\n")
        link.request_open = False
    except UpstreamError:
        return
    except BaseException as error:
        if link.busy:
            link.abandon()
            link.broken(UpstreamError("source", f"the request body broke off: {error!r}"))
        if isinstance(error, asyncio.CancelledError):
            raise
