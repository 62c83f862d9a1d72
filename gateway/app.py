"""The gateway as a service for wire's gunicorn worker: `gunicorn -k wire.worker.Worker gateway.app:service()`."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from gateway import logs
from gateway.auth.trust import Trust
from gateway.compile import Compiler
from gateway.conditions import where
from gateway.export import Export, Send, to_log, to_stream
from gateway.hub import Hub
from gateway.key_uses import KeyUses
from gateway.listeners import Listeners
from gateway.merge import Merge
from gateway.observe import Observer
from gateway.pages import Pages
from gateway.pipeline import Pipeline
from gateway.services import Services
from gateway.settings import Settings
from gateway.shares import resets
from gateway.standalone.follow import Follower
from gateway.state import Build
from gateway.strangers import Strangers
from gateway.sync import Sync
from wire.proxies import Proxies, networks
from wire.service import Service

if TYPE_CHECKING:
    from gateway.tracing import Tracer

log = logging.getLogger("gateway")

DECIDING = frozenset({"application", "key", "subscription", "policy", "client_certificate"})
"""Kinds of records from which decisions are made."""


class Gateway(Service):
    """One worker of the API gateway."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.observer = Observer(settings)
        self.services = Services(settings)
        self.trust = Trust(settings.client_ca)
        self.listeners = Listeners(settings, self.trust.serve)
        self.max_connections = settings.max_connections
        self.proxies = Proxies(networks(settings.trusted_proxies))
        self.compiler = Compiler(self.services)

    async def start(self) -> None:
        """Gets its configuration, from disk or control plane, and begins to follow."""
        settings = self.settings
        self.sync = self._follower()
        self.pages = Pages(self.observer, self.sync, settings.secret)
        self.pipeline = Pipeline(self.observer, self.pages)
        self.pipeline.tracer = _tracer(settings)
        self._tell_more()
        self.handle = self.pipeline.run  # type: ignore[method-assign]  # one call less for every request
        self.services.current = lambda: self.pipeline.state
        self.merge = Merge(self.services.counters, settings.redis, settings.merge_seconds)
        if settings.shares_limits:
            self.merge.start()
        self.export = self._export()
        await self.pages.siblings.start()
        await self.sync.start()

    def _tell_more(self) -> None:
        """Clients that look for APIs that do not exist, and uses of API keys, are told to the control plane, if there is one."""
        if isinstance(self.sync, Sync):
            self.sync.key_uses = KeyUses(self.services.realms.values).take
            self.pipeline.strangers = Strangers(where(self.proxies))
            self.sync.strangers = self.pipeline.strangers.take

    def _follower(self) -> Sync | Follower:
        """Who brings the records: the control plane, or files."""
        settings = self.settings
        if settings.standalone is not None:
            return Follower(settings, settings.standalone, self.compiler, self._install)
        hub = Hub(settings.hub, settings.environment, settings.secret)
        return Sync(settings, hub, self.compiler, self._install)

    def _export(self) -> Export | None:
        if self.observer.events is None:
            return None
        send: Send = to_log
        if self.settings.analytics_sink == "redis":
            send = to_stream(Redis.from_url(self.settings.redis, socket_timeout=1.0, socket_connect_timeout=1.0))
        return Export(self.observer.events, send)

    async def stop(self) -> None:
        """Ends what runs beside the calls."""
        await self.listeners.stop()
        await self.sync.stop()
        await self.merge.stop()
        if self.export is not None:
            await self.export.stop()
        await self.pages.siblings.stop()
        if self.pipeline.tracer is not None:
            await asyncio.to_thread(self.pipeline.tracer.stop)
        await self.services.close()

    def tls(self, port: int) -> ssl.SSLContext | None:
        """TLS 1.2 or newer on the ports for https, wss and WebSub over https."""
        return self.listeners.context(port)

    def _install(self, build: Build) -> None:
        """Makes a state the one that serves. Runs in one go, so no call sees half of it."""
        state = build.state
        snapshot = build.changed
        self.services.accept(state, build.revoked, everybody="key_manager" in snapshot)
        if "client_certificate" in snapshot:
            self.trust.know(state.records["client_certificate"].values())
        if snapshot & {"log_level", "api"}:
            levels = state.records["log_level"]
            for api in state.apis.values():
                level = levels.get(api.record.id)
                api.log_level = level.level if level is not None and level.level != "OFF" else None
        if "throttle_reset" in snapshot:
            self.services.counters.reset(resets(state.records["throttle_reset"].values()), time.time())
        if snapshot & DECIDING:
            for api in state.apis.values():
                api.decisions.clear()
        if build.amended:
            self.services.counters.amend(build.amended)
        self.pipeline.state = state
        if "api" in snapshot:
            self.services.upstreams.retire(api.record for api in state.apis.values())
        self.pipeline.ready = True


def _tracer(settings: Settings) -> Tracer | None:
    """The tracer, when there is a collector. Its libraries cost memory, so that they are loaded only then."""
    if not settings.traces:
        return None
    from gateway.tracing import Tracer  # noqa: PLC0415 - see above

    return Tracer(settings.traces, settings.trace_share, f"apim-gateway-{settings.environment}")


def service() -> Gateway:
    """The service gunicorn loads, configured from the environment. Raises pydantic's ValidationError naming a bad setting."""
    settings = Settings()
    logs.set_up(settings.log_format)
    return Gateway(settings)
