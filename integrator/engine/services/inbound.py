"""HTTP(S) inbound endpoints: listeners of their own that run a sequence, or pass on to APIs and proxies (reference 5.11)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from integrator.engine.endpoints.parse import injected
from integrator.engine.patterns import Pattern, PatternError, compiled
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, child, children, local, text_of
from wire.exchange import Exchange
from wire.server import Server
from wire.service import Service

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment
    from integrator.engine.services.listener import Listener

log = logging.getLogger("integrator.inbound")

PROTOCOLS = ("http", "https")


@dataclass(frozen=True)
class Inbound:
    """Port, sequence, fault sequence, and the paths that go to APIs and proxies instead."""

    name: str
    protocol: str
    port: int
    sequence: str
    on_error: str
    suspended: bool
    pattern: Pattern | None
    parameters: dict[str, str]

    def dispatches(self, path: str) -> bool:
        """Whether a path goes to APIs and proxies."""
        return self.pattern is not None and self.pattern.fullmatch(path) is not None


def read_inbound(root: Element, reader: Reader) -> tuple[str, Inbound]:
    """An inbound endpoint artifact. Raises DeploymentError for a protocol that is not available."""
    name = reader.required(root, "name")
    protocol = root.get("protocol") or root.get("class") or ""
    if protocol not in PROTOCOLS:
        raise reader.fail(root, f"attribute protocol={protocol!r}: allowed are {', '.join(PROTOCOLS)}")
    holder = child(root, "parameters")
    items = [item for item in children(holder) if local(item) == "parameter"] if holder is not None else []
    values = {reader.required(item, "name"): injected(item, text_of(item), reader) for item in items}
    port = reader.integer(root, values.get("inbound.http.port"), "parameter inbound.http.port", 0)
    if not 0 < port < 65536:
        raise reader.fail(
            root, f"parameter inbound.http.port={values.get('inbound.http.port')!r}: allowed are 1 to 65535"
        )
    pattern = values.get("dispatch.filter.pattern")
    if not root.get("sequence") and not pattern:
        raise reader.fail(root, "attribute 'sequence' or parameter dispatch.filter.pattern is required")
    try:
        matching = compiled(pattern) if pattern else None
    except PatternError as error:
        raise reader.fail(
            root, f"parameter dispatch.filter.pattern={pattern!r}: bad regular expression ({error})"
        ) from error
    return name, Inbound(
        name=name,
        protocol=protocol,
        port=port,
        sequence=root.get("sequence") or "",
        on_error=root.get("onError") or "",
        suspended=reader.flag(root, "suspend"),
        pattern=matching,
        parameters={key: value for key, value in values.items() if "store" not in key.lower()},
    )


class _Door(Service):
    """The service of one inbound endpoint."""

    def __init__(self, inbound: Inbound, listener: Listener):
        self.inbound = inbound
        self.listener = listener

    def handle(self, exchange: Exchange) -> None:
        """Hand a request to the listener."""
        self.listener.handle(exchange, self.inbound)


class Inbounds:
    """Opens and closes the ports that a deployment asks for. `tls` gives the context of https ones."""

    def __init__(self, listener: Listener, tls: Callable[[], ssl.SSLContext | None], host: str):
        self.listener = listener
        self.tls = tls
        self.host = host
        self._open: dict[str, tuple[Inbound, Server]] = {}
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, deployment: Deployment) -> None:
        """Make the open ports those of the deployment."""
        task = asyncio.get_running_loop().create_task(self._follow(deployment))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, deployment: Deployment) -> None:
        async with self._lock:
            closed = deployment.runtime.switches.closed
            wanted: dict[str, Inbound] = {
                name: item
                for name, item in deployment.of_kind("inbound-endpoints").items()
                if not item.suspended and name not in closed
            }
            for name in [name for name, (held, _) in self._open.items() if wanted.get(name) is not held]:
                await self._open.pop(name)[1].stop(5.0)
            for name, inbound in wanted.items():
                if name not in self._open:
                    await self._start(inbound)

    async def _start(self, inbound: Inbound) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            sock.bind((self.host, inbound.port))
        except OSError as error:
            sock.close()
            log.error("inbound endpoint %s: port %d: %s", inbound.name, inbound.port, error)
            return
        server = Server(_Door(inbound, self.listener))
        await server.listen(sock, self.tls() if inbound.protocol == "https" else None)
        self._open[inbound.name] = (inbound, server)
        log.info("inbound endpoint %s listens on %s port %d", inbound.name, inbound.protocol, inbound.port)

    async def stop(self) -> None:
        """Close all ports."""
        async with self._lock:
            for _, server in self._open.values():
                await server.stop(1.0)
            self._open.clear()
