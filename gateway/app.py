"""The gateway as a service for wire's gunicorn worker: `gunicorn -k wire.worker.Worker gateway.app:service()`."""

from __future__ import annotations

import logging
import ssl

from gateway import logs
from gateway.compile import Compiler
from gateway.export import Export
from gateway.hub import Hub
from gateway.merge import Merge
from gateway.observe import Observer
from gateway.pages import Pages
from gateway.pipeline import Pipeline
from gateway.services import Services
from gateway.settings import Settings
from gateway.state import Build
from gateway.sync import Sync
from wire.service import Service

log = logging.getLogger("gateway")

DECIDING = frozenset({"application", "key", "subscription", "policy"})
"""Kinds of records from which decisions are made."""


class Gateway(Service):
    """One worker of the API gateway."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.observer = Observer(
            settings.access_log, settings.refusal_log_per_second, settings.analytics_queue if settings.analytics else 0
        )
        self.services = Services(settings)
        self.compiler = Compiler(self.services)

    async def start(self) -> None:
        """Gets its configuration, from disk or control plane, and begins to follow."""
        settings = self.settings
        self.sync = Sync(
            settings, Hub(settings.hub, settings.environment, settings.secret), self.compiler, self._install
        )
        self.pipeline = Pipeline(self.observer, Pages(self.observer, self.sync, settings.secret))
        self.handle = self.pipeline.run  # type: ignore[method-assign]  # one call less for every request
        self.services.current = lambda: self.pipeline.state
        self.merge = Merge(self.services.counters, settings.redis, settings.merge_seconds)
        self.merge.start()
        self.export = Export(self.observer.events, settings.redis) if self.observer.events is not None else None
        await self.sync.start()

    async def stop(self) -> None:
        """Ends what runs beside the calls."""
        await self.sync.stop()
        await self.merge.stop()
        if self.export is not None:
            await self.export.stop()
        await self.services.close()

    def tls(self, port: int) -> ssl.SSLContext | None:
        """TLS 1.2 or newer with our certificate on the https port."""
        if port != self.settings.tls_port:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self.settings.certificate, self.settings.private_key)
        return context

    def _install(self, build: Build) -> None:
        """Makes a state the one that serves. Runs in one go, so no call sees half of it."""
        state = build.state
        snapshot = build.changed
        for organisation, issuers in state.issuers.items():
            self.services.realm(organisation).issuers = issuers
        for organisation, realm in self.services.realms.items():
            realm.issuers = state.issuers.get(organisation, {})
            realm.revoked = state.records["revocation"]
            if "key_manager" in snapshot:
                realm.tokens.clear()
            elif build.revoked:
                realm.forget(build.revoked)
        if snapshot & DECIDING:
            for api in state.apis.values():
                api.decisions.clear()
        self.pipeline.state = state
        self.pipeline.ready = True


def service() -> Gateway:
    """The service gunicorn loads, configured from the environment. Raises pydantic's ValidationError naming a bad setting."""
    settings = Settings()
    logs.set_up(settings.log_format)
    return Gateway(settings)
