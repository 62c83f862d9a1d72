"""Mock services: answer on sockets of their own what a suite says, and remember what nobody expected."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from integrator.unittests.compare import normal
from integrator.unittests.suite import MockResource, MockService
from wire.exchange import Exchange
from wire.server import Server
from wire.service import Service

MAX_BODY = 16 * 1024 * 1024
MAX_UNEXPECTED = 100
NOT_SENT = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass
class Mock(Service):
    """One mock service that listens. `unexpected` are requests that matched nothing, one sentence each."""

    service: MockService
    port: int = 0
    unexpected: list[str] = field(default_factory=list)
    calls: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: Server | None = None

    @property
    def address(self) -> str:
        """Where the endpoint's address leads to."""
        return f"http://localhost:{self.port}{self.service.context}"

    async def open(self) -> None:
        """Listen on a free port."""
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        self._server = Server(self)
        await self._server.listen(sock)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            await self._server.stop(0.5)

    def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        task = asyncio.get_running_loop().create_task(self._serve(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, exchange: Exchange) -> None:
        body = (await exchange.body(MAX_BODY)).decode("utf-8", "replace")
        self.calls += 1
        reasons = []
        for item in self.service.resources:
            reason = mismatch(item, self.service.context, exchange, body)
            if not reason:
                _answer(exchange, item)
                return
            reasons.append(f"{item.method} {self.service.context}{item.sub_context}: {reason}")
        line = f"{exchange.method.decode('latin-1')} {exchange.target.decode('latin-1')}"
        if len(self.unexpected) < MAX_UNEXPECTED:
            self.unexpected.append(f"mock service {self.service.name!r} expected no {line} ({'; '.join(reasons)})")
        exchange.respond(404, [(b"content-type", b"text/plain")], self.unexpected[-1].encode())


def mismatch(item: MockResource, context: str, exchange: Exchange, body: str) -> str:
    """Why a request is not for a resource; empty when it is."""
    if exchange.method.decode("latin-1") != item.method:
        return "another method"
    wanted = urlsplit(context + item.sub_context)
    if unquote(exchange.path.decode("latin-1")).rstrip("/") != unquote(wanted.path).rstrip("/"):
        return "another path"
    given = dict(parse_qsl(exchange.query.decode("latin-1"), keep_blank_values=True))
    for name, value in parse_qsl(wanted.query, keep_blank_values=True):
        if given.get(name) != value:
            return f"query parameter {name} is {given.get(name)!r}, not {value!r}"
    for name, value in item.headers:
        found = exchange.header(name.lower().encode("latin-1"))
        if found is None or found.decode("latin-1") != value:
            return f"header {name} is {None if found is None else found.decode('latin-1')!r}, not {value!r}"
    if item.payload and normal(item.payload) != normal(body):
        return f"another payload: {normal(body)[:500]}"
    return ""


def _answer(exchange: Exchange, item: MockResource) -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode())
        for name, value in item.answer_headers
        if name.lower() not in NOT_SENT
    ]
    if item.answer and not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", guessed_type(item.answer).encode()))
    exchange.respond(item.status, headers, item.answer.encode())


def guessed_type(text: str) -> str:
    """Content type of a payload for which none is given: JSON and XML by how they begin."""
    start = text.lstrip()[:1]
    return "application/json" if start in ("{", "[") else "application/xml" if start == "<" else "text/plain"
