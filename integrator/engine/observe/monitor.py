"""Everything that watches one integrator, opened and closed with it."""

from __future__ import annotations

import asyncio
import logging

from integrator.engine.deployment import Deployment
from integrator.engine.logs import told_of
from integrator.engine.observe import spans
from integrator.engine.observe.files import LogFiles
from integrator.engine.observe.heartbeat import Heartbeat, target_of
from integrator.engine.observe.loggers import Loggers
from integrator.engine.observe.masking import Masks
from integrator.engine.observe.taps import Taps
from integrator.engine.observe.transactions import UPDATE_S, Transactions
from integrator.engine.runtime import Runtime
from integrator.engine.services.listener import Listener
from integrator.engine.settings import Settings

KINDS = {
    "api": "api", "proxy": "proxy-services", "inbound-endpoint": "inbound-endpoints", "sequence": "sequences",
    "task": "tasks", "message-processor": "message-processors",
}  # fmt: skip
"""How a flow names its artifact → the kind of the artifact."""
audit_log = logging.getLogger("integrator.audit")


class Containers(logging.Filter):
    """Says in a record of which car the artifact is that it is about."""

    deployment: Deployment | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `container` when there is one; every record passes."""
        kind, _, name = told_of(record).get("artifact", "").partition(":")
        if kind in KINDS and self.deployment is not None:
            artifact = self.deployment.artifacts.get((KINDS[kind], name))
            record.container = artifact.container if artifact is not None else ""
        return True


class Monitor:
    """Log files, masks, loggers, taps, the transaction counter, the heartbeat and spans."""

    def __init__(self, settings: Settings, listener: Listener):
        self.settings = settings
        state = settings.var / "state"
        self.masks = Masks()
        self.containers = Containers()
        self.files = LogFiles(settings.var / "logs" / "integrator", self.masks, self.containers)
        self.taps = Taps(listener)
        self.loggers = Loggers(state / "integrator-loggers.json", self._level_changed)
        self.transactions = Transactions(state / "integrator-transactions.json")
        self.heartbeat: Heartbeat | None = None
        self.spans: spans.Spans | None = None
        self.vault_secrets: dict[str, str] = {}
        self._chore: asyncio.Task[None] | None = None

    def open(self, deployment: Deployment, runtime: Runtime) -> None:
        """Begin with what the configuration says."""
        tables = deployment.config.tables
        self.masks.read(self.settings.home)
        self.containers.deployment = deployment
        self.files.open()
        self.taps.client = runtime.client
        self.taps.access = bool(tables.get("access_log", {}).get("enable", False))
        self.taps.correlation = bool(tables.get("monitoring", {}).get("correlation_logs", False))
        self.loggers.restore()
        self.taps.follow()
        self.transactions.open()
        target = target_of(deployment.config, self.settings.management_port)
        self.heartbeat = Heartbeat(runtime.client, target) if target is not None else None
        self._trace(deployment, runtime)
        self._chore = asyncio.get_running_loop().create_task(self._update())

    def _trace(self, deployment: Deployment, runtime: Runtime) -> None:
        """Trace the share of messages that a collector asks for."""
        target = spans.target_of(deployment.config)
        if target is not None:
            self.spans = spans.Spans(runtime.client, target, deployment.config.hostname)
            runtime.tracing.finished = self.spans.finished
            runtime.tracing.add({"rate": target.ratio}, "opentelemetry")

    def follow(self, deployment: Deployment) -> None:
        """A new deployment is there."""
        self.masks.read(self.settings.home)
        self.containers.deployment = deployment
        if self.heartbeat is not None:
            self.heartbeat.follow(deployment)

    def _level_changed(self, logger: logging.Logger) -> None:
        self.files.follow(logger)
        self.taps.follow()

    async def _update(self) -> None:
        while True:
            await asyncio.sleep(UPDATE_S)
            try:
                self.transactions.update()
            except OSError as error:
                audit_log.error("the transaction count cannot be written: %s", error)

    async def close(self) -> None:
        """End in the order of beginning, backwards."""
        if self._chore is not None:
            self._chore.cancel()
            await asyncio.gather(self._chore, return_exceptions=True)
            self.transactions.update()
        if self.heartbeat is not None:
            await self.heartbeat.stop()
        if self.spans is not None:
            await self.spans.stop()
        self.taps.access = self.taps.correlation = False
        self.files.close()
