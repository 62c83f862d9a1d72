"""The gateway's own pages beside the APIs: alive, ready, metrics."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from collections.abc import Callable
from ipaddress import ip_address

from gateway.metrics import prometheus
from gateway.observe import Observer
from gateway.rest.resources import Rest
from gateway.siblings import Siblings, merged
from gateway.standalone.follow import Follower
from gateway.sync import Sync
from wire.exchange import Exchange

JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
TEXT = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), (b"cache-control", b"no-store")]


class Pages:
    """`/healthz` and `/server-startup-healthcheck` for anybody; `/readyz` and `/metrics` for this machine or with the secret."""

    def __init__(self, observer: Observer, sync: Sync | Follower, secret: Callable[[], str]) -> None:
        self.observer = observer
        self.sync = sync
        self._secret = secret
        self.siblings = Siblings(f"{sync.settings.var.resolve()}:{sync.settings.environment}", self._metrics_text)
        self.rest = Rest(sync, sync.compiler.services.people, self._trusted)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages: dict[bytes, Callable[[Exchange], None]] = {
            b"/healthz": self._alive,
            b"/server-startup-healthcheck": self._started,
            b"/readyz": self._ready,
            b"/metrics": self._metrics,
        }

    def __call__(self, exchange: Exchange) -> bool:
        """Answers one of our pages or management resources; False when the path is none of them."""
        if self.rest(exchange):
            return True
        page = self._pages.get(exchange.path)
        if page is None or exchange.method not in (b"GET", b"HEAD"):
            return False
        page(exchange)
        return True

    def _alive(self, exchange: Exchange) -> None:
        exchange.respond(200, JSON, b'{"status":"alive"}')

    def _started(self, exchange: Exchange) -> None:
        loaded = self.sync.loaded
        exchange.respond(200 if loaded else 503, JSON, b'{"status":"started"}' if loaded else b'{"status":"starting"}')

    def _ready(self, exchange: Exchange) -> None:
        if not self._trusted(exchange):
            exchange.respond(403, JSON, b'{"status":"ask from this machine or with the cluster secret"}')
            return
        sync = self.sync
        body = {
            "status": "ready" if sync.loaded else "waiting for the first configuration",
            "environment": sync.settings.environment,
            "sequence": sync.state.sequence,
            "apis": len(sync.state.apis),
            "control_plane": "reached" if sync.reached else "not reached",
        }
        exchange.respond(200 if sync.loaded else 503, JSON, json.dumps(body).encode())

    def _metrics(self, exchange: Exchange) -> None:
        if not self._trusted(exchange):
            exchange.respond(403, TEXT, b"# ask from this machine or with the cluster secret\n")
            return
        task = asyncio.ensure_future(self._answer_metrics(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_metrics(self, exchange: Exchange) -> None:
        text = merged(await self.siblings.gather())
        if not exchange.lost:
            exchange.respond(200, TEXT, text.encode())

    def _metrics_text(self) -> str:
        lines = [
            *prometheus(self.observer),
            *self.sync.compiler.services.counters.prometheus(os.getpid()),
            "# TYPE gateway_sequence gauge",
            f'gateway_sequence{{worker="{os.getpid()}"}} {self.sync.state.sequence}',
            "# TYPE gateway_apis gauge",
            f'gateway_apis{{worker="{os.getpid()}"}} {len(self.sync.state.apis)}',
            *self.sync.compiler.services.streams.prometheus(os.getpid()),
        ]
        return "\n".join(lines) + "\n"

    def _trusted(self, exchange: Exchange) -> bool:
        address = exchange.client[0]
        near = exchange.scheme == "http" and (not address or ip_address(address.partition("%")[0]).is_loopback)
        if near and b"x-forwarded-for" not in exchange.fields and b"forwarded" not in exchange.fields:
            return True
        secret = self._secret()
        given = exchange.fields.get(b"internal-key") or exchange.fields.get(b"authorization", b"").removeprefix(
            b"Bearer "
        )
        return bool(secret) and hmac.compare_digest(given, secret.encode())
