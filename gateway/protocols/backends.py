"""Backends of streaming APIs: each call has a connection of its own there, for as long as it lasts."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlencode, urlsplit

from gateway import faults
from gateway.call import Call
from gateway.endpoints.target import headers_of
from gateway.faults import Fault
from gateway.message import check_header
from gateway.plan import Plan
from gateway.schema import Endpoint, EndpointSecurity
from gateway.stages.authenticate import hidden_headers
from wire.forward import DROPPED, Relay
from wire.heads import Header
from wire.upstream import Origin

PLAIN = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
"""Scheme of an address → scheme of the connection below it."""

TOKEN_PARAMETERS = frozenset({"access_token", "apikey", "apiKey"})
"""Query parameters that carry the caller's credential and are not shown to a backend."""


@dataclass(slots=True, eq=False)
class Backend:
    """One address. `base` is the path before the resource, `headers` what the backend is shown of its own security."""

    origin: Origin[Relay]
    base: bytes
    timeout: float
    headers: tuple[Header, ...]
    parameters: tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class Backends:
    """Production and sandbox of an API, and which request headers stay here."""

    production: Backend | None
    sandbox: Backend | None
    drops: frozenset[bytes]
    hidden: frozenset[str]

    def choose(self, call: Call) -> Backend | Fault:
        """Where the call goes, by the type of its key."""
        decision = call.decision
        if decision is None:
            found = self.production or self.sandbox
        else:
            found = self.sandbox if decision.sandbox else self.production
        if found is None:
            return faults.NO_SANDBOX if self.production else faults.NO_PRODUCTION
        return found

    def target(self, call: Call, backend: Backend, resource: bytes | None = None) -> bytes:
        """Path and query at the backend, without the caller's credentials; `resource` instead of the caller's when given."""
        exchange = call.exchange
        path = backend.base + (exchange.path[call.cut :] if resource is None else resource) or b"/"
        query = exchange.query
        if query and any(name.encode() in query for name in self.hidden):
            query = b"&".join(pair for pair in query.split(b"&") if _name(pair) not in self.hidden)
        if backend.parameters:
            query = b"&".join(filter(None, (query, urlencode(backend.parameters).encode())))
        return path + b"?" + query if query else path

    def headers(self, call: Call, backend: Backend) -> list[Header]:
        """The request's headers for the backend: the caller's that may pass, and ours."""
        exchange = call.exchange
        ours = [
            (b"activityid", call.correlation),
            *headers_of(exchange.forwarded + call.request_lines),
            *backend.headers,
        ]
        replaced = self.drops | {name for name, _ in ours}
        return [pair for pair in exchange.headers if pair[0] not in replaced] + ours


def backends(plan: Plan, *also_dropped: bytes) -> Backends:
    """The backends of an API. Raises ValueError naming an address that cannot be used."""
    record = plan.record
    if record.production is None and record.sandbox is None:
        raise ValueError("neither a production nor a sandbox endpoint is given")
    drops = DROPPED | {name.lower().encode() for name in hidden_headers(record, plan.services)}
    return Backends(
        _backend(plan, record.production) if record.production else None,
        _backend(plan, record.sandbox) if record.sandbox else None,
        drops.union(also_dropped),
        TOKEN_PARAMETERS | {record.api_key_header},
    )


def _backend(plan: Plan, endpoint: Endpoint) -> Backend:
    parts = urlsplit(endpoint.url)
    scheme = PLAIN.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError(f"endpoint {endpoint.url!r} is not of the form ws://host/path, wss://…, http://… or https://…")
    if parts.query or parts.fragment or not parts.path.isascii() or " " in parts.path:
        raise ValueError(f"endpoint {endpoint.url!r} has a query, a fragment or an unencoded path")
    tls = plan.services.upstreams.trust(endpoint) if scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    origin = Origin(parts.hostname, port, tls, Relay, endpoint.connect_timeout_ms / 1000)
    headers, parameters = _security(endpoint.security)
    return Backend(
        origin, quote(parts.path.rstrip("/"), safe="/%").encode(), endpoint.timeout_ms / 1000, headers, parameters
    )


def _security(security: EndpointSecurity | None) -> tuple[tuple[Header, ...], tuple[tuple[str, str], ...]]:
    """What a backend with security of its own is shown. Raises ValueError for kinds that need a conversation."""
    if security is None:
        return (), ()
    if security.kind == "basic":
        pair = base64.b64encode(f"{security.username}:{security.password}".encode())
        return ((b"authorization", b"Basic " + pair),), ()
    if security.kind == "api_key" and security.place == "query":
        return (), ((security.name, security.value),)
    if security.kind == "api_key":
        name, value = security.name.lower().encode(), security.value.encode()
        check_header(name, value)
        return ((name, value),), ()
    raise ValueError(f"endpoint security {security.kind!r} is not among those of streaming APIs: basic, api_key")


def _name(pair: bytes) -> str:
    """The name of a query parameter. The others stay as they were sent, however many there are."""
    return unquote_to_bytes(pair.partition(b"=")[0]).decode("latin-1")
