"""Backends of a worker: made from records, shared by all APIs that point there, and kept while any chain holds them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from weakref import WeakValueDictionary

from gateway.endpoints.plain import Plain
from gateway.endpoints.target import Target
from gateway.schema import Endpoint
from wire.client import Client
from wire.forward import Relay
from wire.upstream import Origin

if TYPE_CHECKING:
    from gateway.plan import Plan


class Upstreams:
    """Makes backends from endpoint records. `authorities`: PEM files trusted besides the system's authorities."""

    def __init__(self, authorities: tuple[Path, ...] = ()) -> None:
        self._authorities = authorities
        self._origins: WeakValueDictionary[tuple[str, str, int, int], Origin[Relay]] = WeakValueDictionary()
        self._targets: WeakValueDictionary[Endpoint, Target] = WeakValueDictionary()
        self._tls: ssl.SSLContext | None = None
        self._client: Client | None = None

    def target(self, endpoint: Endpoint, plan: Plan) -> Target:
        """The backend of `endpoint`. Raises ValueError, naming the address, when it cannot be used."""
        found = self._targets.get(endpoint)
        if found is None:
            found = self._targets[endpoint] = self._plain(endpoint)
        return found

    @property
    def client(self) -> Client:
        """The client for what is not streamed, with the trust of `tls`."""
        if self._client is None:
            self._client = Client(tls=self.tls())
        return self._client

    def _plain(self, endpoint: Endpoint) -> Plain:
        parts = split(endpoint.url)
        return Plain(self._origin(parts, endpoint), base(parts), endpoint.timeout_ms / 1000, lambda: self.client)

    def _origin(self, parts: SplitResult, endpoint: Endpoint) -> Origin[Relay]:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        key = (parts.scheme, host, port, endpoint.connect_timeout_ms)
        origin = self._origins.get(key)
        if origin is None:
            tls = self.tls() if parts.scheme == "https" else None
            origin = Origin(host, port, tls, Relay, endpoint.connect_timeout_ms / 1000)
            self._origins[key] = origin
        return origin

    async def close(self) -> None:
        """Breaks all connections."""
        for origin in list(self._origins.values()):
            origin.close()
            origin.abort()
        if self._client is not None:
            await self._client.close()

    def tls(self) -> ssl.SSLContext:
        """What https backends are trusted by, made at first need."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            for path in self._authorities:
                if path.is_file():
                    self._tls.load_verify_locations(cafile=path)
        return self._tls


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
