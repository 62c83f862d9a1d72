"""HTTP(S) inbound endpoints: listeners of their own that run a sequence, or pass on to APIs and proxies (reference 5.11)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from integrator.engine.endpoints.parse import injected
from integrator.engine.patterns import Pattern, PatternError, compiled
from integrator.engine.reader import Reader
from integrator.engine.services import sockets
from integrator.engine.xmltools import Element, child, children, local, text_of
from wire.exchange import Exchange
from wire.server import Server
from wire.service import Service

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment
    from integrator.engine.services.listener import Listener

log = logging.getLogger("integrator.inbound")

PROTOCOLS = ("http", "https", "ws", "wss", "httpws", "httpswss")
SOCKETS = ("ws", "wss", "httpws", "httpswss")
PORTS = {"ws": "inbound.ws.port", "wss": "inbound.ws.port"}
SHARED = ("httpws", "httpswss")
"""Protocols whose artifacts call the port `port`."""
SECURE = ("https", "wss", "httpswss")
LATER = ("file", "jms", "kafka", "mqtt", "rabbitmq", "hl7", "wso2_mb", "grpc")
BEHAVIORS = ("polling", "listening", "eventBased")
NUMBERS = (
    "inbound.worker.pool.size.core",
    "inbound.worker.pool.size.max",
    "inbound.worker.thread.keep.alive.sec",
    "inbound.worker.pool.queue.length",
)
"""Taken and checked, without effect: one event loop serves all messages."""


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
    serves_bound: bool = True
    keys: dict[str, str] = field(default_factory=dict)
    implementation: str = ""
    behavior: str = ""
    interval_s: float = 1.0
    sequential: bool = True
    coordination: bool = True

    def values(self, deployment: Deployment) -> dict[str, str]:
        """All parameters; those given by key as the registry has them now."""
        return self.parameters | {name: deployment.entry_text(key) or "" for name, key in self.keys.items()}

    def dispatches(self, path: str) -> bool:
        """Whether a path goes to APIs and proxies."""
        return self.pattern is not None and self.pattern.fullmatch(path) is not None


def read_inbound(root: Element, reader: Reader) -> tuple[str, Inbound]:
    """An inbound endpoint artifact. Raises DeploymentError for a protocol that is not available."""
    name = reader.required(root, "name")
    protocol, implementation = root.get("protocol") or "", root.get("class") or ""
    values, keys = _parameters(root, reader)
    if implementation and not protocol:
        return name, _of_class(root, reader, implementation, values, keys)
    if protocol in LATER:
        raise reader.fail(root, f"attribute protocol={protocol!r}: not there yet; allowed are {', '.join(PROTOCOLS)}")
    if protocol not in PROTOCOLS:
        raise reader.fail(root, f"attribute protocol={protocol!r}: allowed are {', '.join(PROTOCOLS)}, or a class")
    for number in NUMBERS:
        reader.integer(root, values.get(number), f"parameter {number}", 0)
    label = PORTS.get(protocol, "inbound.http.port")
    if protocol in SHARED and "port" in values:
        values.setdefault(label, values["port"])
    port = 0 if label in keys else port_of(root, label, values.get(label), reader)
    return name, Inbound(
        name=name,
        protocol=protocol,
        port=port,
        sequence=root.get("sequence") or "",
        on_error=root.get("onError") or "",
        suspended=reader.flag(root, "suspend"),
        pattern=_pattern(root, values.get("dispatch.filter.pattern"), reader),
        parameters={key: value for key, value in values.items() if "store" not in key.lower()},
        serves_bound=values.get("api.dispatching.enabled", "true").lower() != "false",
        keys=keys,
    )


def _parameters(root: Element, reader: Reader) -> tuple[dict[str, str], dict[str, str]]:
    """The parameters that are written here, and the keys of those that the registry has."""
    holder = child(root, "parameters")
    items = [item for item in children(holder) if local(item) == "parameter"] if holder is not None else []
    keys = {reader.required(item, "name"): key for item in items if (key := item.get("key"))}
    given = [item for item in items if not item.get("key")]
    return {reader.required(item, "name"): injected(item, text_of(item), reader) for item in given}, keys


def _pattern(root: Element, text: str | None, reader: Reader) -> Pattern | None:
    """Which paths go to APIs and proxies; needed where no sequence is named."""
    if not root.get("sequence") and not text:
        raise reader.fail(root, "attribute 'sequence' or parameter dispatch.filter.pattern is required")
    try:
        return compiled(text) if text else None
    except PatternError as error:
        raise reader.fail(
            root, f"parameter dispatch.filter.pattern={text!r}: bad regular expression ({error})"
        ) from error


def port_of(root: Element, label: str, text: str | None, reader: Reader) -> int:
    """A port. Raises DeploymentError."""
    port = reader.integer(root, text, f"parameter {label}", 0)
    if not 0 < port < 65536:
        raise reader.fail(root, f"parameter {label}={text!r}: allowed are 1 to 65535")
    return port


def _of_class(root: Element, reader: Reader, name: str, values: dict[str, str], keys: dict[str, str]) -> Inbound:
    """An inbound endpoint that a Python class is: it polls, listens, or is told of events."""
    if name.startswith(("org.wso2.", "org.apache.synapse.")) or "." not in name:
        raise reader.fail(root, f"attribute class={name!r}: allowed is a Python class by dotted path")
    wanted = values.get("inbound.behavior", "polling")
    behavior = next((word for word in BEHAVIORS if word.lower() == wanted.lower()), "")
    if not behavior:
        raise reader.fail(root, f"parameter inbound.behavior={wanted!r}: allowed are {', '.join(BEHAVIORS)}")
    milliseconds = reader.integer(root, values.get("interval"), "parameter interval", 1000)
    if milliseconds < 1:
        raise reader.fail(root, f"parameter interval={milliseconds}: 1 or more milliseconds are expected")
    return Inbound(
        name=reader.required(root, "name"),
        protocol="",
        port=0,
        sequence=reader.required(root, "sequence"),
        on_error=root.get("onError") or "",
        suspended=reader.flag(root, "suspend"),
        pattern=None,
        parameters=values,
        keys=keys,
        implementation=name,
        behavior=behavior,
        interval_s=milliseconds / 1000,
        sequential=values.get("sequential", "true").lower() == "true",
        coordination=values.get("coordination", "true").lower() == "true",
    )


class _Door(Service):
    """The service of one inbound endpoint."""

    def __init__(self, inbound: Inbound, listener: Listener):
        self.inbound = inbound
        self.listener = listener

    def handle(self, exchange: Exchange) -> None:
        """Hand a request to the listener."""
        self.listener.handle(exchange, self.inbound)


class _Sockets(_Door):
    """The service of one that takes WebSockets, and with httpws also requests."""

    def __init__(self, inbound: Inbound, listener: Listener):
        super().__init__(inbound, listener)
        self.room: sockets.Room = {}

    def handle(self, exchange: Exchange) -> None:
        """Take a WebSocket; hand a request on, or answer 426 when there is nothing but WebSockets."""
        if sockets.wanted(exchange):
            sockets.accept(exchange, self.inbound, self.listener.current(), self.room)
        elif self.inbound.protocol.startswith("http"):
            super().handle(exchange)
        else:
            exchange.respond(426, [(b"upgrade", b"websocket"), (b"connection", b"upgrade")])


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
                if item.protocol and not item.suspended and name not in closed
            }
            for name in [name for name, (held, _) in self._open.items() if wanted.get(name) is not held]:
                await self._open.pop(name)[1].stop(5.0)
            for name, inbound in wanted.items():
                if name not in self._open:
                    await self._start(inbound, deployment)

    async def _start(self, inbound: Inbound, deployment: Deployment) -> None:
        port = self._port(inbound, deployment)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            sock.bind((self.host, port))
        except (OSError, OverflowError) as error:
            sock.close()
            log.error("inbound endpoint %s: port %d: %s", inbound.name, port, error)
            return
        server = Server((_Sockets if inbound.protocol in SOCKETS else _Door)(inbound, self.listener))
        await server.listen(sock, self.tls() if inbound.protocol in SECURE else None)
        self._open[inbound.name] = (inbound, server)
        log.info("inbound endpoint %s listens on %s port %d", inbound.name, inbound.protocol, port)

    @staticmethod
    def _port(inbound: Inbound, deployment: Deployment) -> int:
        """The port to listen on: of the artifact or of a registry entry, moved by the offset when the server says so."""
        text = (
            inbound.values(deployment).get(PORTS.get(inbound.protocol, "inbound.http.port"), "").strip()
            if inbound.keys
            else ""
        )
        port = inbound.port or (int(text) if text.isdigit() else 0)
        offset = deployment.config.mediation("inbound.port_offset_enable", default=False) is True
        return port + (deployment.runtime.settings.port_offset if offset else 0)

    async def stop(self) -> None:
        """Close all ports."""
        async with self._lock:
            for _, server in self._open.values():
                await server.stop(1.0)
            self._open.clear()
