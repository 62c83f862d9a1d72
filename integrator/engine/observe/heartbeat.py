"""Tells a dashboard that this node lives and what changed in it, every few seconds (reference 7.3, `[dashboard_config]`)."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from integrator.engine.config import Config
from integrator.engine.deployment import Deployment
from wire.client import AnswerTooLarge, Client, Limits
from wire.errors import UpstreamError

log = logging.getLogger("integrator.heartbeat")

INTERVAL_S = 5.0
MOST_CHANGES = 1000
"""Changes that are kept while the dashboard does not answer; the oldest go first."""
TYPES = {
    "api": "apis", "proxy-services": "proxy-services", "inbound-endpoints": "inbound-endpoints", "sequences": "sequences",
    "endpoints": "endpoints", "templates": "templates", "local-entries": "local-entries", "tasks": "tasks",
    "message-stores": "message-stores", "message-processors": "message-processors",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Where to, as what, and how often (seconds)."""

    url: str
    group: str
    node: str
    interval_s: float
    management: str


def target_of(config: Config, management_port: int) -> Target | None:
    """The dashboard of deployment.toml; None when there is none or its address is not http(s)."""
    table = config.tables.get("dashboard_config", {})
    url = str(table.get("dashboard_url") or "").rstrip("/")
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        log.error("dashboard_config.dashboard_url=%r: an http or https address is expected", url)
        return None
    try:
        interval = max(1.0, float(table.get("heartbeat_interval") or INTERVAL_S))
    except (TypeError, ValueError):
        log.error(
            "dashboard_config.heartbeat_interval=%r: seconds are expected; %g are used",
            table["heartbeat_interval"],
            INTERVAL_S,
        )
        interval = INTERVAL_S
    host = table.get("management_hostname") or config.hostname
    port = table.get("management_port") or management_port
    node = str(table.get("node_id") or uuid.uuid4())
    return Target(url, str(table.get("group_id") or "default"), node, interval, f"https://{host}:{port}/management/")


class Heartbeat:
    """Sends until it is stopped; a change is told until the dashboard answered success once."""

    def __init__(self, client: Client, target: Target):
        self.client = client
        self.target = target
        self.deployed: list[dict[str, str]] = []
        self.undeployed: list[dict[str, str]] = []
        self._known: set[tuple[str, str]] = set()
        self._task = asyncio.get_running_loop().create_task(self._beat())

    def follow(self, deployment: Deployment) -> None:
        """Note what came and what went."""
        now = {key for key in deployment.artifacts if key[0] in TYPES}
        self.deployed += [_told(key) for key in sorted(now - self._known)]
        self.undeployed += [_told(key) for key in sorted(self._known - now)]
        del self.deployed[:-MOST_CHANGES], self.undeployed[:-MOST_CHANGES]
        self._known = now

    async def _beat(self) -> None:
        failing = False
        while True:
            try:
                await self._send()
                failing = False
            except (UpstreamError, AnswerTooLarge, OSError, ValueError) as error:
                if not failing:
                    log.warning("the dashboard %s does not take heartbeats: %s", self.target.url, error)
                failing = True
            await asyncio.sleep(self.target.interval_s)

    async def _send(self) -> None:
        sent = (len(self.deployed), len(self.undeployed))
        body = msgspec.json.encode(self.payload())
        headers = [(b"content-type", b"application/json")]
        response = await self.client.request(
            "POST", f"{self.target.url}/heartbeat", headers, body, Limits(connect=5, read=5, total=10)
        )
        answer = msgspec.json.decode(await response.body(64 * 1024))
        if response.status != 200 or not isinstance(answer, dict) or answer.get("status") != "success":
            raise ValueError(f"it answered {response.status} without success")
        del self.deployed[: sent[0]], self.undeployed[: sent[1]]

    def payload(self) -> dict[str, Any]:
        """What one heartbeat says."""
        target = self.target
        return {
            "product": "mi",
            "groupId": target.group,
            "nodeId": target.node,
            "interval": target.interval_s,
            "mgtApiUrl": target.management,
            "changeNotification": {
                "deployedArtifacts": self.deployed,
                "undeployedArtifacts": self.undeployed,
                "stateChangedArtifacts": [],
            },
        }

    async def stop(self) -> None:
        """Send no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def _told(key: tuple[str, str]) -> dict[str, str]:
    return {"type": TYPES[key[0]], "name": key[1]}
