"""Runs an integrator and a recording backend on real sockets, inside the test's event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrator.app import Integrator
from integrator.settings import HTTP_PORT, HTTPS_PORT, MANAGEMENT_PORT, Settings
from tests.support.ports import free_offset
from wire.client import Client, Limits
from wire.exchange import Exchange
from wire.server import Server
from wire.service import Service

SERVER = Path("repository/deployment/server")
SYNAPSE = SERVER / "synapse-configs/default"


@dataclass
class Seen:
    """One request that the backend got."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    version: str = "1.1"


@dataclass
class Backend(Service):
    """Answers by path from a table, and records everything."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def handle(self, exchange: Exchange) -> None:
        """Record and answer."""
        task = asyncio.get_running_loop().create_task(self._serve(exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, exchange: Exchange) -> None:
        body = await exchange.body()
        headers = {name.decode(): value.decode("latin-1") for name, value in exchange.headers}
        path, method = exchange.path.decode(), exchange.method.decode()
        for answer in self.answers:  # `wait`: before the request is noted, `delay`: before it is answered
            if answer.get("wait") and answer.get("path", path) == path:
                await asyncio.sleep(answer["wait"])
        self.seen.append(Seen(method, exchange.target.decode(), headers, body, f"1.{exchange.minor}"))
        for answer in self.answers:
            if answer.get("path", path) == path and answer.get("method", method) == method:
                if answer.get("once"):
                    self.answers = [other for other in self.answers if other is not answer]
                await asyncio.sleep(answer.get("delay", 0))
                if answer.get("abort"):
                    exchange.abort()
                    return
                given = [(k.lower().encode(), str(v).encode()) for k, v in answer.get("headers", {}).items()]
                given += [(k.lower().encode(), v.encode()) for k, vs in answer.get("more", {}).items() for v in vs]
                data = str(answer.get("body", "")).encode() if "echo" not in answer else body
                exchange.respond(answer.get("status", 200), given, data, answer.get("words", "").encode())
                return
        exchange.respond(404, [], b"")


def listening(port: int = 0) -> socket.socket:
    """A bound socket on the loopback address."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


@asynccontextmanager
async def backend(answers: list[dict[str, Any]]) -> AsyncIterator[Backend]:
    """A recording backend on a free port."""
    service = Backend(answers)
    server = Server(service)
    sock = listening()
    service.port = sock.getsockname()[1]
    await server.listen(sock)
    try:
        yield service
    finally:
        await server.stop(0.1)


@dataclass
class Answer:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes
    reason: str = ""


@dataclass
class Running:
    """An integrator that answers."""

    service: Integrator
    settings: Settings
    client: Client

    async def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] | None = None,
    ) -> Answer:
        """One request to the http port."""
        return await self.request(f"http://127.0.0.1:{self.settings.http_port}{path}", method, headers, body)

    async def request(
        self,
        url: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] | None = None,
    ) -> Answer:
        """One request to any address."""
        pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        response = await self.client.request(method, url, pairs, body, Limits(connect=15, read=60))
        data = await response.body()
        return Answer(
            response.status,
            {name.decode(): value.decode("latin-1") for name, value in response.headers},
            data,
            response.reason,
        )


def write(home: Path, kind: str, name: str, text: str) -> Path:
    """Put an artifact where the integrator looks for it."""
    if kind == "dataservices":
        file = home / SERVER / kind / f"{name}.dbs"
    elif kind in ("conf", "metadata"):
        file = home / (kind if kind == "conf" else SERVER / kind) / name
    elif kind == "python":
        file = home / kind / f"{name}.py"
    elif kind == "registry":
        file = home / "registry" / name
    else:
        file = home / SYNAPSE / kind / f"{name}.xml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@asynccontextmanager
async def integrator(home: Path, **changes: Any) -> AsyncIterator[Running]:
    """An integrator on free ports with a home folder."""
    home.mkdir(parents=True, exist_ok=True)
    offset = free_offset(HTTP_PORT, HTTPS_PORT, MANAGEMENT_PORT)
    given = {"scan_s": 0.05, "global_timeout_ms": 10_000, "port_offset": offset} | changes
    settings = Settings(home=home, var=home.parent / "var", **given)
    service = Integrator(settings)
    await service.start()
    server, client = Server(service), Client()
    try:
        for port in (settings.http_port, settings.https_port, settings.management_port):
            await server.listen(listening(port), service.tls(port))
        yield Running(service, settings, client)
    finally:
        await client.close()
        await server.stop(0.5)
        await service.stop()


async def eventually(check: Any, seconds: float = 20.0) -> Any:
    """Poll a function until it gives something true; fails after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = check()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"nothing within {seconds} s")
        await asyncio.sleep(0.02)
