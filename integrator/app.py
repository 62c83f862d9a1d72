"""The integrator process: `gunicorn -k wire.worker.Worker integrator.app:service()`, configured by the environment."""

from __future__ import annotations

import logging
import ssl

from integrator.engine import certificates, incoming, logs
from integrator.engine.catalog import Publisher
from integrator.engine.engine import Engine
from integrator.engine.observe.monitor import Monitor
from integrator.engine.services.consumers import Consumers
from integrator.engine.services.inbound import Inbounds
from integrator.engine.services.listener import Listener
from integrator.engine.users import users
from integrator.management_api.api import Management
from integrator.settings import Settings, from_environment
from wire.exchange import Exchange
from wire.service import Service

log = logging.getLogger("integrator")


class Integrator(Service):
    """Serves the deployed home on the http and https ports, and management on its own port."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.engine = Engine(settings)
        self.listener = Listener(lambda: self.engine.deployment)
        self.monitor = Monitor(settings, self.listener)
        self.management = Management(settings, lambda: self.engine.deployment, self.engine.refresh, self.monitor)
        self.publisher = Publisher(settings)
        self._tls: ssl.SSLContext | None = None
        self._https: ssl.SSLContext | None = None
        self.inbounds = Inbounds(self.listener, lambda: self._tls, settings.bind)

    async def start(self) -> None:
        """Deploy the home and start what follows it."""
        await self.engine.start()
        config = self.engine.deployment.config
        self._tls = certificates.server_context(self.settings.secrets, config.hostname)
        self._https = certificates.server_context(self.settings.secrets, config.hostname)
        incoming.ask_for_certificates(self._https, config.tables, self.settings.home)
        users(config, self.settings.secrets)
        assert self.engine.runtime is not None
        self.monitor.open(self.engine.deployment, self.engine.runtime)
        self.engine.on_change(self.monitor.follow)
        self.publisher.start(self.engine.runtime)
        self.engine.on_change(self.publisher.changed)
        self.engine.on_change(self.listener.follow)
        self.engine.on_change(self.inbounds.follow)
        self.consumers = Consumers(lambda: self.engine.deployment)
        self.engine.on_change(self.consumers.follow)
        self.engine.runtime.switches.on_change(lambda: self.inbounds.follow(self.engine.deployment))
        self.engine.runtime.switches.on_change(lambda: self.consumers.follow(self.engine.deployment))
        log.info(
            "ready: http %d, https %d, management %d, home %s",
            self.settings.http_port,
            self.settings.https_port,
            self.settings.management_port,
            self.settings.home,
        )

    def handle(self, exchange: Exchange) -> None:
        """Hand a request to the port it came in on."""
        if exchange.local_port == self.settings.management_port:
            self.management.handle(exchange)
        else:
            self.listener.handle(exchange)

    async def stop(self) -> None:
        """Stop in the order of starting, backwards."""
        await self.inbounds.stop()
        await self.consumers.stop()
        await self.publisher.stop()
        await self.monitor.close()
        await self.engine.stop()

    def tls(self, port: int) -> ssl.SSLContext | None:
        """TLS on the https and management ports; only the former asks for certificates."""
        return {self.settings.https_port: self._https, self.settings.management_port: self._tls}.get(port)


def service() -> Integrator:
    """The service that gunicorn loads. Raises SettingsError for a bad environment."""
    settings = from_environment()
    logs.configure(settings.log_level, settings.log_json)
    return Integrator(settings)
