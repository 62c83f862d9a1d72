"""What a process built on wire has to offer: the contract between our gunicorn worker and an application."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from wire.proxies import Proxies

if TYPE_CHECKING:
    from wire.exchange import Exchange


class Service:
    """An application on sockets. Override `handle`; the others when there is something to do.

    A service is its own factory (calling it returns it), because gunicorn insists on a callable.
    """

    def __call__(self) -> Service:
        """This service."""
        return self

    max_connections = 0
    """Callers' connections a worker holds at most; those beyond it get a 503 and are closed. 0: as many as it has files for."""

    proxies = Proxies()
    """The proxies that are believed about their callers."""

    async def start(self) -> None:
        """Runs once in each worker before it listens. An exception stops the worker."""

    def handle(self, exchange: Exchange) -> None:
        """Answer one request. Must not block: answer at once, or keep the exchange and answer later. By itself: 404."""
        exchange.respond(404)

    async def stop(self) -> None:
        """Runs once in each worker after the last exchange was answered or the grace period ended."""

    def tls(self, port: int) -> ssl.SSLContext | None:
        """The TLS context of a listening port, or None for plain HTTP."""
        return None
