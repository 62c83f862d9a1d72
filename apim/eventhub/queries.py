"""Which gateway runs what, for dashboards, the publisher and the admin site."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apim.eventhub.feed import last_sequence
from apim.eventhub.models import GatewayStatus

GONE_AFTER = 60
"""Seconds without a report after which a gateway worker counts as gone."""


@dataclass(frozen=True)
class Gateway:
    """One gateway worker as last reported. `lag` counts changes it has not loaded; `seen_ago` is in seconds."""

    gateway: str
    environment: str
    host: str
    pid: int
    sequence: int
    lag: int
    seen_ago: float
    gone: bool
    apis: int
    subscriptions: int
    version: str
    refusals: tuple[dict[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def describe(row: GatewayStatus, newest: int) -> Gateway:
    """`row` seen from the newest change."""
    ago = (timezone.now() - row.seen).total_seconds()
    return Gateway(
        gateway=row.gateway,
        environment=row.environment,
        host=row.host,
        pid=row.pid,
        sequence=row.sequence,
        lag=max(newest - row.sequence, 0),
        seen_ago=round(max(ago, 0.0), 1),
        gone=ago > GONE_AFTER,
        apis=row.apis,
        subscriptions=row.subscriptions,
        version=row.version,
        refusals=tuple(row.refusals),
    )


def environment_status(environment: str = "", api_id: str = "") -> list[Gateway]:
    """Gateways of `environment` (all when empty). With `api_id`, only the refusals of that API's record are listed."""
    rows = GatewayStatus.objects.all()
    if environment:
        rows = rows.filter(environment=environment)
    newest = last_sequence()
    found = [describe(row, newest) for row in rows]
    return [_only(gateway, api_id) for gateway in found] if api_id else found


def prune_gone(days: float = 1) -> int:
    """Forget gateways not seen for `days`; how many they were."""
    return GatewayStatus.objects.filter(seen__lt=timezone.now() - timedelta(days=days)).delete()[0]


def _only(gateway: Gateway, api_id: str) -> Gateway:
    own = tuple(r for r in gateway.refusals if r.get("kind") == "api" and r.get("key", "").endswith(f":{api_id}"))
    return Gateway(**{**gateway.as_dict(), "refusals": own})
