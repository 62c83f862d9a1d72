"""Load balancing over members that come and go: from DNS, or from a Python class of the home (reference 4.0).

The original asks a cluster (Hazelcast, multicast) who is there. Here a domain's members are the addresses that DNS gives for its
name (a headless service of Kubernetes, a name with several A records), or what `members()` of a Python class returns.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol

from integrator.engine.endpoints.base import Endpoint, Property
from integrator.engine.endpoints.groups import LoadBalance
from integrator.engine.endpoints.recipients import Member
from integrator.engine.errors import NO_CHILD_READY, Fault
from integrator.engine.message import Message
from integrator.engine.scripting.python import class_of

log = logging.getLogger("integrator.endpoint")

REFRESH_S = 10.0
MOST = 256
"""Members of one domain that are used."""

Place = tuple[str, int, int]
"""Host, http port, https port."""


class Membership(Protocol):
    """Says who is there now."""

    async def places(self, message: Message) -> list[Place]:
        """The members. Raises OSError or Fault when they cannot be found out."""


@dataclass(frozen=True)
class Domain:
    """The addresses behind a host name."""

    host: str
    http_port: int = 80
    https_port: int = 443

    async def places(self, message: Message) -> list[Place]:
        """One member an address, sorted. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.host, self.http_port, type=socket.SOCK_STREAM)
        return [(address, self.http_port, self.https_port) for address in sorted({str(item[4][0]) for item in found})]


@dataclass
class Handler:
    """A Python class with `members()`: "host:port", or (host, http port, https port) for each."""

    path: str
    properties: tuple[tuple[str, str], ...] = ()
    made: Any = field(default=None, repr=False)

    async def places(self, message: Message) -> list[Place]:
        """What the class says, asked on a worker thread. Raises Fault."""
        if self.made is None:
            made = class_of(message.deployment, self.path, "members")()
            for name, value in self.properties:
                setattr(made, name, value)
            self.made = made
        found = await message.deployment.runtime.run(self.made.members)
        try:
            return [_place(item) for item in found]
        except (TypeError, ValueError) as error:
            raise Fault(
                0, f"class {self.path}: members() must give 'host:port' or (host, port, port): {error}"
            ) from error


def _place(item: Any) -> Place:
    if isinstance(item, str):
        host, _, port = item.rpartition(":")
        if not host:
            raise ValueError(f"{item!r} has no port")
        return host.strip("[]"), int(port), int(port)
    host, *ports = item
    return str(host), int(ports[0]), int(ports[-1])


class DynamicLoadBalance(Endpoint):
    """Round robin over the members of the moment, which keep their suspension while they stay."""

    kind = "Dynamic Load Balance Endpoint"

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        membership: Membership,
        failover: bool = True,
        refresh_s: float = REFRESH_S,
    ):
        super().__init__(name, on_error, properties)
        self.membership = membership
        self.failover = failover
        self.refresh_s = refresh_s
        self.group: LoadBalance | None = None
        self._known: dict[Place, Member] = {}
        self._until = 0.0
        self._lock = asyncio.Lock()

    def children(self) -> Sequence[Endpoint]:
        """The members of the moment."""
        return self.group.members if self.group is not None else ()

    async def send(self, message: Message) -> None:
        """Send to the next member. Raises Fault 303000 when there is none."""
        for item in self.properties:
            item.apply(message)
        if time.monotonic() >= self._until:
            async with self._lock:
                if time.monotonic() >= self._until:
                    await self._look(message)
        if self.group is None:
            raise Fault(NO_CHILD_READY, f"{self.kind} {self.name}: no member is known")
        await self.group.send(message)

    async def _look(self, message: Message) -> None:
        """Ask who is there; when that fails, those known before go on."""
        self._until = time.monotonic() + self.refresh_s
        try:
            places = await self.membership.places(message)
        except (OSError, Fault) as error:
            log.warning("%s %s: the members could not be found out: %s", self.kind, self.name, error)
            return
        self._known = {place: self._known.get(place) or Member(*place) for place in places[:MOST]}
        members = list(self._known.values())
        if not members:
            self.group = None
        elif self.group is None or list(self.group.members) != members:
            self.group = LoadBalance(self.name, None, (), members, self.failover)


class ServiceLoadBalance(Endpoint):
    """Each service, by the host that the request names, has its own domain of members."""

    kind = "Service Dynamic Load Balance Endpoint"

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        services: Iterable[tuple[tuple[str, ...], DynamicLoadBalance]],
    ):
        super().__init__(name, on_error, properties)
        self.services = tuple(services)

    def children(self) -> Sequence[Endpoint]:
        """One balanced endpoint a service."""
        return [endpoint for _, endpoint in self.services]

    async def send(self, message: Message) -> None:
        """Send to the domain of the host. Raises Fault 303000 for a host of no service."""
        for item in self.properties:
            item.apply(message)
        host = (message.headers.get("Host") or "").lower().rpartition("@")[2]
        bare = host.partition(":")[0]
        for hosts, endpoint in self.services:
            if any(fnmatchcase(host, pattern) or fnmatchcase(bare, pattern) for pattern in hosts):
                await endpoint.send(message)
                return
        raise Fault(NO_CHILD_READY, f"{self.kind} {self.name}: no service has the host {bare!r}")
