"""Backends of a worker: made from records, shared by all APIs that point there, and kept while any chain holds them."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from weakref import WeakValueDictionary

from msgspec.structs import replace

from gateway.endpoints.choice import Balance, Choice, Failover
from gateway.endpoints.dynamic import Dynamic
from gateway.endpoints.functions import Functions
from gateway.endpoints.health import Breaker, Checks, Health
from gateway.endpoints.leaf import CarefulRelay, Leaf
from gateway.endpoints.mock import Mock
from gateway.endpoints.plain import Plain
from gateway.endpoints.security import Security
from gateway.endpoints.security.digest import Digest
from gateway.endpoints.security.oauth import OAuth
from gateway.endpoints.security.static import api_key, basic
from gateway.endpoints.target import Target
from gateway.endpoints.tls import Trust
from gateway.protocols.grpc import Grpc
from gateway.schema import Api, Endpoint, Suspension
from wire.client import Client, Limits
from wire.forward import Relay
from wire.upstream import Origin

if TYPE_CHECKING:
    from gateway.plan import Plan

WITHOUT_LIMIT = 24 * 3600.0
"""Seconds for an endpoint that may take all the time it wants."""

NO_SUSPENSION = Suspension(("-1",), suspend_codes=("-1",))
"""For endpoints whose active checks alone say whether they are used."""

_SPECIAL = (
    "security",
    "suspension",
    "health",
    "breaker",
    "timeout_action",
    "retries",
    "certificates",
    "client_certificate",
)
"""What makes an address more than plain, where it is not its default."""

_USUAL = Endpoint("")

OriginKey = tuple[str, str, int, int, ssl.SSLContext | None, type[Relay]]


class Upstreams:
    """Makes backends from endpoint records. `authorities`: PEM files trusted besides the system's authorities."""

    def __init__(self, authorities: tuple[Path, ...] = ()) -> None:
        self._trust = Trust(authorities)
        self._origins: WeakValueDictionary[OriginKey, Origin[Relay]] = WeakValueDictionary()
        self._targets: WeakValueDictionary[Endpoint, Target] = WeakValueDictionary()
        self._leaves: WeakValueDictionary[Endpoint, Leaf] = WeakValueDictionary()
        self._checks = False
        self._clients: WeakValueDictionary[ssl.SSLContext, Client] = WeakValueDictionary()
        self._usual: Client | None = None

    def target(self, endpoint: Endpoint, plan: Plan) -> Target:
        """The backend of `endpoint`. Raises ValueError, naming the value, when it cannot be used."""
        if endpoint.kind == "mock":
            return plan.once("mock", lambda: Mock(endpoint, plan.record))
        found = self._targets.get(endpoint)
        if found is None:
            found = self._targets[endpoint] = self._grpc(endpoint) if endpoint.kind == "grpc" else self._made(endpoint)
        return found

    def _grpc(self, endpoint: Endpoint) -> Target:
        return Grpc(endpoint, self._trust.http2(endpoint))

    def address(self, endpoint: Endpoint) -> Target:
        """The backend of a single address, plain or careful. Raises ValueError."""
        return self._plain(endpoint) if is_plain(endpoint) else Choice((self._leaf(endpoint),))

    @property
    def client(self) -> Client:
        """The client for what is not streamed, with the usual trust."""
        if self._usual is None:
            self._usual = self._client(None)
        return self._usual

    def tls(self) -> ssl.SSLContext:
        """What https backends without certificates of their own are trusted by."""
        return self._trust.usual()

    def trust(self, endpoint: Endpoint) -> ssl.SSLContext:
        """TLS towards this backend, with the certificates it has of its own. Raises ValueError for one that is none."""
        return self._trust.of(endpoint)

    def _made(self, endpoint: Endpoint) -> Target:
        if endpoint.kind in ("failover", "load_balance"):
            return self._group(endpoint)
        if endpoint.kind == "dynamic":
            return Dynamic(endpoint, self.address)
        if endpoint.kind == "aws_lambda":
            return Functions(endpoint, self.client)
        return self.address(endpoint)

    def _group(self, endpoint: Endpoint) -> Target:
        for number, member in enumerate(endpoint.members):
            if member.kind not in ("http", "soap"):
                raise ValueError(f"members[{number}] of an endpoint is of kind {member.kind!r}; members are addresses")
        if not endpoint.members:
            raise ValueError(f"an endpoint of kind {endpoint.kind!r} has no members")
        leaves = tuple(self._leaf(inherited(endpoint, member)) for member in endpoint.members)
        if endpoint.kind == "failover":
            return Failover(leaves)
        weighted = endpoint.algorithm == "weighted"
        return Balance(leaves, weighted, endpoint.failover, endpoint.session, endpoint.session_ms)

    def _plain(self, endpoint: Endpoint) -> Plain:
        parts = split(endpoint.url)
        return Plain(self._origin(parts, endpoint, Relay), base(parts), endpoint.timeout_ms / 1000, lambda: self.client)

    def _leaf(self, endpoint: Endpoint) -> Leaf:
        found = self._leaves.get(endpoint)
        if found is None:
            found = self._leaves[endpoint] = self._new_leaf(endpoint)
        self._checks = self._checks or found.checks is not None
        return found

    def retire(self, apis: Iterable[Api]) -> None:
        """Runs the active checks of the addresses that these APIs have, which are all there are, and ends those of others."""
        if not self._checks:
            return
        used: set[Endpoint] = set()
        for api in apis:
            sides = [api.production, api.sandbox]
            sides += [side for one in api.operations for side in (one.production, one.sandbox)]
            for endpoint in filter(None, sides):
                used.update(checked(endpoint))
        for endpoint, leaf in list(self._leaves.items()):
            if leaf.checks is not None:
                (leaf.checks.start if endpoint in used else leaf.checks.stop)()

    def _new_leaf(self, endpoint: Endpoint) -> Leaf:
        parts = split(endpoint.url)
        origin = self._origin(parts, endpoint, CarefulRelay)
        client = self._client(origin.tls)
        timeout = WITHOUT_LIMIT if endpoint.timeout_action == "never" else endpoint.timeout_ms / 1000
        health, checks = None, None
        if endpoint.suspension is not None or endpoint.health is not None:
            health = Health(endpoint.url, endpoint.suspension or NO_SUSPENSION)
        if endpoint.health is not None and health is not None:
            checks = Checks(endpoint.health, endpoint.url, health, client)
        return Leaf(
            origin=origin,
            client=client,
            base=base(parts),
            timeout=timeout,
            mark=hashlib.sha256(endpoint.url.encode()).hexdigest()[:12].encode(),
            security=self._security(endpoint, client, origin),
            health=health,
            checks=checks,
            breaker=Breaker(endpoint.breaker) if endpoint.breaker is not None else None,
            retries=endpoint.retries,
            weight=max(endpoint.weight, 1),
            discard=endpoint.timeout_action == "discard",
        )

    def _security(self, endpoint: Endpoint, client: Client, origin: Origin[Relay]) -> Security | None:
        record = endpoint.security
        if record is None:
            return None
        if record.kind == "basic":
            return basic(record)
        if record.kind == "api_key":
            return api_key(record)
        if record.kind == "oauth":
            split(record.token_url)
            return OAuth(record, self.client)
        return Digest(record, client, origin.name, Limits(origin.connect_seconds, endpoint.timeout_ms / 1000))

    def _origin(self, parts: SplitResult, endpoint: Endpoint, link: type[Relay]) -> Origin[Relay]:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        tls = self._trust.of(endpoint) if parts.scheme == "https" else None
        key = (parts.scheme, host, port, endpoint.connect_timeout_ms, tls, link)
        origin = self._origins.get(key)
        if origin is None:
            origin = Origin(host, port, tls, link, endpoint.connect_timeout_ms / 1000)
            self._origins[key] = origin
        return origin

    def _client(self, tls: ssl.SSLContext | None) -> Client:
        """One client for each trust; plain origins share the usual one's."""
        tls = tls or self.tls()
        found = self._clients.get(tls)
        if found is None:
            found = self._clients[tls] = Client(tls=tls)
        return found

    async def close(self) -> None:
        """Breaks all connections and asks nobody for their health any more."""
        for leaf in list(self._leaves.values()):
            if leaf.checks is not None:
                leaf.checks.stop()
        for origin in list(self._origins.values()):
            origin.close()
            origin.abort()
        for client in list(self._clients.values()):
            await client.close()


def checked(endpoint: Endpoint) -> Iterator[Endpoint]:
    """The addresses of an endpoint that have active checks, as leaves know them."""
    members = [inherited(endpoint, one) for one in endpoint.members] if endpoint.members else [endpoint]
    return (one for one in members if one.health is not None)


def inherited(group: Endpoint, member: Endpoint) -> Endpoint:
    """A member with what it has from its group."""
    return replace(
        member, security=member.security or group.security, certificates=member.certificates or group.certificates
    )


def is_plain(endpoint: Endpoint) -> bool:
    """Whether nothing but an address and its timeouts is given."""
    return all(getattr(endpoint, name) == getattr(_USUAL, name) for name in _SPECIAL)


def split(url: str) -> SplitResult:
    """The parts of a backend's address. Raises ValueError, naming it, for anything but http(s) or ws(s) to a host and a path."""
    parts = urlsplit(url)
    if parts.scheme in ("ws", "wss"):
        parts = parts._replace(scheme="http" if parts.scheme == "ws" else "https")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"endpoint {url!r} is not of the form http://host/path or https://host/path")
    if parts.query or parts.fragment or not parts.path.isascii() or " " in parts.path:
        raise ValueError(f"endpoint {url!r} has a query, a fragment or an unencoded path")
    return parts


def base(parts: SplitResult) -> bytes:
    """The path that comes before every resource."""
    return parts.path.rstrip("/").encode()
