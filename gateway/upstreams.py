"""Backends of a worker: one connection pool per origin, shared by all APIs that point there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.schema import Endpoint
from wire.forward import Relay
from wire.upstream import Origin


@dataclass(frozen=True, slots=True)
class Backend:
    """Where the calls of an API go. `base`: path put before the resource, without a slash at its end."""

    origin: Origin[Relay]
    base: bytes
    timeout: float


class Upstreams:
    """Makes backends from endpoint records. `authorities`: PEM files trusted besides the system's authorities."""

    def __init__(self, authorities: tuple[Path, ...] = ()) -> None:
        self._authorities = authorities
        self._origins: dict[tuple[str, str, int, int], Origin[Relay]] = {}
        self._backends: dict[Endpoint, Backend] = {}
        self._tls: ssl.SSLContext | None = None

    def backend(self, endpoint: Endpoint) -> Backend:
        """The backend of `endpoint`. Raises ValueError, naming the address, when it is not http(s)."""
        found = self._backends.get(endpoint)
        if found is None:
            found = self._backends[endpoint] = self._backend(endpoint)
        return found

    def _backend(self, endpoint: Endpoint) -> Backend:
        parts = urlsplit(endpoint.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"endpoint {endpoint.url!r} is not of the form http://host/path or https://host/path")
        if parts.query or parts.fragment or not parts.path.isascii() or " " in parts.path:
            raise ValueError(f"endpoint {endpoint.url!r} has a query, a fragment or an unencoded path")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        key = (parts.scheme, parts.hostname, port, endpoint.connect_timeout_ms)
        origin = self._origins.get(key)
        if origin is None:
            tls = self.tls() if parts.scheme == "https" else None
            origin = Origin(parts.hostname, port, tls, Relay, endpoint.connect_timeout_ms / 1000)
            self._origins[key] = origin
        return Backend(origin, parts.path.rstrip("/").encode(), endpoint.timeout_ms / 1000)

    def close(self) -> None:
        """Breaks all connections."""
        for origin in self._origins.values():
            origin.close()
            origin.abort()

    def tls(self) -> ssl.SSLContext:
        """What https backends are trusted by, made at first need."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            for path in self._authorities:
                if path.is_file():
                    self._tls.load_verify_locations(cafile=path)
        return self._tls
