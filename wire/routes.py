"""How a client reaches servers: TLS for each of them, proxies before them, how many connections, and old forms of requests."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from wire.errors import UpstreamError
from wire.upstream import Origin

if TYPE_CHECKING:
    from wire.client import ClientLink

HEAD_LIMIT = 16 * 1024
"""Bytes of a proxy's answer to CONNECT."""

MAX_LINKS = 1024
"""Connections to one server, unless the routes say otherwise."""


@dataclass(frozen=True)
class Style:
    """A form of request that some servers need: HTTP/1.0, no reuse of the connection, the whole address in the first line."""

    http10: bool = False
    close: bool = False
    absolute: bool = False
    lines: bytes = b""

    def applied(self, head: bytes, method: bytes, target: bytes, origin: ClientOrigin) -> bytes:
        """The head in this form. `lines` (each with CRLF) are added."""
        first, _, rest = head.partition(b"\r\n")
        if self.absolute or (origin.style is not None and origin.style.absolute):
            scheme = b"https://" if origin.tls is not None else b"http://"
            first = b"%b %b%b%b HTTP/1.1" % (method, scheme, origin.authority, target)
        if self.http10:
            first = first[:-1] + b"0"
        lines = self.lines + (b"connection: close\r\n" if self.close else b"")
        if origin.style is not None and origin.style is not self:
            lines += origin.style.lines
        return b"%b\r\n%b%b" % (first, lines, rest)


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy; `credentials` are user:password."""

    host: str
    port: int
    credentials: str = field(default="", repr=False)

    @property
    def lines(self) -> bytes:
        """The header line that logs in to it, with CRLF."""
        if not self.credentials:
            return b""
        return b"proxy-authorization: Basic %b\r\n" % base64.b64encode(self.credentials.encode())


@dataclass(frozen=True)
class Routes:
    """Ways to servers. `contexts` by "host:port" or "*"; `proxies` and `direct` by patterns of host names with `*`."""

    contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)
    proxies: tuple[tuple[str, Proxy], ...] = ()
    direct: tuple[str, ...] = ()
    max_links: int = MAX_LINKS

    def tls(self, host: str, port: int) -> ssl.SSLContext | None:
        """The context for a server; None for the client's own."""
        contexts = self.contexts
        return contexts.get(f"{host}:{port}") or contexts.get(host) or contexts.get("*") if contexts else None

    def proxy(self, host: str) -> Proxy | None:
        """The proxy before a server."""
        if any(fnmatchcase(host, pattern) for pattern in self.direct):
            return None
        return next((proxy for pattern, proxy in self.proxies if fnmatchcase(host, pattern)), None)


class ClientOrigin(Origin[Any]):
    """A server as a client sees it: a bounded number of connections, and calls that wait for one."""

    style: Style | None = None
    most = MAX_LINKS
    opening = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._pending: set[asyncio.Future[ClientLink]] = set()
        self._aborted = False

    async def link(self) -> ClientLink:
        """A connection: a new one, or beyond the bound one that gets free. Raises UpstreamError."""
        while len(self.links) + self.opening >= self.most:
            link = await self._freed()
            if link is not None:
                return link
        self.opening += 1
        task: asyncio.Future[ClientLink] = asyncio.ensure_future(self.connect())
        self._pending.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            self._wake()
            if self._aborted:
                raise UpstreamError("cancelled", f"connecting to {self.name} was cancelled") from None
            raise
        except UpstreamError:
            self._wake()
            raise
        finally:
            self.opening -= 1
            self._pending.discard(task)

    def _wake(self) -> None:
        """There is room for one more connection: the first call that waits may try."""
        if self._queue:
            self._queue.popleft().take(None)

    async def _freed(self) -> ClientLink | None:
        waiter = _Waiter(self)
        self._queue.append(waiter)
        try:
            async with asyncio.timeout(self.connect_seconds):
                return await waiter.given
        except TimeoutError:
            text = f"all {self.most} connections to {self.name} were in use for {self.connect_seconds:g} s"
            raise UpstreamError("connect", text, True) from None
        finally:
            if waiter in self._queue:
                self._queue.remove(waiter)

    def lost(self, link: Any) -> None:
        """A link is gone; whoever waits may open another."""
        super().lost(link)
        self._wake()

    def abort(self) -> None:
        """Breaks all links, and those that are being opened."""
        self._aborted = True
        for task in list(self._pending):
            task.cancel()
        super().abort()


class _Waiter:
    """A call that waits for a connection; gets None when it may open one."""

    def __init__(self, origin: ClientOrigin) -> None:
        self.origin = origin
        self.since = origin.loop.time()
        self.given: asyncio.Future[ClientLink | None] = origin.loop.create_future()

    def take(self, link: ClientLink | None) -> None:
        """A connection got free, or was closed."""
        if not self.given.done():
            self.given.set_result(link)
        elif link is not None:
            self.origin.keep(link)

    def fail(self, error: UpstreamError) -> None:
        """There will be none."""
        if not self.given.done():
            self.given.set_exception(error)


class Tunnelled(ClientOrigin):
    """An https server behind a proxy: CONNECT first, then TLS with the server itself."""

    proxy: Proxy

    async def connect(self, factory: Callable[[Origin[Any]], Any] | None = None) -> Any:
        """A new link. Raises UpstreamError("connect")."""
        try:
            async with asyncio.timeout(self.connect_seconds):
                return await self._open(factory or self.factory)
        except TimeoutError:
            text = (
                f"{self.name} could not be reached by {self.proxy.host}:{self.proxy.port} in {self.connect_seconds:g} s"
            )
            raise UpstreamError("connect", text, True) from None
        except OSError as error:
            if isinstance(error, UpstreamError):
                raise
            raise UpstreamError("connect", f"no connection to {self.name} by a proxy: {error}") from error

    async def _open(self, make: Callable[[Origin[Any]], Any]) -> Any:
        transport, asked = await self.loop.create_connection(lambda: _Asked(self), self.proxy.host, self.proxy.port)
        try:
            await asked.answered
            link = make(self)
            assert self.tls is not None
            secured = await self.loop.start_tls(transport, link, self.tls, server_hostname=self.host)
        except BaseException:
            transport.abort()
            raise
        assert secured is not None
        link.connection_made(secured)
        self.watch()
        return link


class _Asked(asyncio.Protocol):
    """Asks a proxy for a tunnel; done when it said yes."""

    def __init__(self, origin: Tunnelled) -> None:
        self.origin = origin
        self.answered: asyncio.Future[None] = origin.loop.create_future()
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks."""
        place = f"{self.origin.host}:{self.origin.port}".encode()
        head = b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (place, place, self.origin.proxy.lines)
        transport.write(head)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """The proxy's answer, until its head is complete."""
        self._head += data
        if self.answered.done():
            return
        if b"\r\n\r\n" in self._head:
            words = self._head.split(b"\r\n", 1)[0].split(b" ", 2)
            if len(words) > 1 and words[1][:1] == b"2":
                self.answered.set_result(None)
            else:
                self._refused(f"the proxy answered {words[1].decode('latin-1') if len(words) > 1 else 'nonsense'}")
        elif len(self._head) > HEAD_LIMIT:
            self._refused("the proxy's answer is too long")

    def connection_lost(self, error: Exception | None) -> None:
        """The proxy closed."""
        if not self.answered.done():
            self._refused(f"the proxy closed the connection: {error or 'end of stream'}")

    def _refused(self, reason: str) -> None:
        self.answered.set_exception(UpstreamError("connect", f"no connection to {self.origin.name}: {reason}"))


def open_origin(
    routes: Routes, host: str, port: int, tls: ssl.SSLContext | None, factory: Callable[[Any], Any]
) -> ClientOrigin:
    """The origin by its route: direct, by CONNECT through a proxy for https, by the whole address for http."""
    proxy = routes.proxy(host) if routes.proxies else None
    if proxy is None:
        made = ClientOrigin(host, port, tls, factory)
    elif tls is not None:
        made = Tunnelled(host, port, tls, factory)
        made.proxy = proxy
    else:
        made = ClientOrigin(host, port, None, factory)
        made.dialled = (proxy.host, proxy.port)
        made.style = Style(absolute=True, lines=proxy.lines)
    made.most = routes.max_links
    return made
