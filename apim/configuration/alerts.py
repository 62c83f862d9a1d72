"""Troubles that administrators are mailed about: which there are, and what is the matter at present."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apim.configuration.models import AlertState
from apim.eventhub.queries import environment_status


@dataclass(frozen=True)
class Alert:
    """A kind of trouble. `id` is what REST clients name it by."""

    id: str
    name: str
    description: str


GATEWAY_SILENT = Alert("1", "GatewaySilent", "A gateway worker has not reported for a minute.")
GATEWAY_REFUSAL = Alert(
    "2", "GatewayRefusal", "A gateway refuses a record, so that an API or a policy does not run there."
)
GATEWAY_BEHIND = Alert("3", "GatewayBehind", "A gateway has not loaded more than a hundred changes.")
ALERTS = (GATEWAY_SILENT, GATEWAY_REFUSAL, GATEWAY_BEHIND)
BY_NAME = {alert.name: alert for alert in ALERTS}

BEHIND = 100
"""Changes not loaded from which a gateway counts as behind."""


@dataclass(frozen=True)
class Trouble:
    """Something that is the matter now."""

    alert: Alert
    key: str
    detail: str


def present() -> Iterator[Trouble]:
    """Everything that is the matter now."""
    for gateway in environment_status():
        name = f"{gateway.environment}: {gateway.gateway}"[:250]
        if gateway.gone:
            yield Trouble(GATEWAY_SILENT, name, f"last seen {gateway.seen_ago:.0f} seconds ago")
            continue
        if gateway.refusals:
            first = gateway.refusals[0]
            detail = f"{len(gateway.refusals)} refused; {first.get('kind')} {first.get('key')}: {first.get('reason')}"
            yield Trouble(GATEWAY_REFUSAL, name, detail[:500])
        if gateway.lag > BEHIND:
            yield Trouble(GATEWAY_BEHIND, name, f"{gateway.lag} changes behind")


def new_troubles() -> list[Trouble]:
    """What began since the last look; what has ended is forgotten, so that it is told again when it comes back."""
    known = {(row.alert, row.key): row.pk for row in AlertState.objects.all()}
    now = {(one.alert.name, one.key): one for one in present()}
    AlertState.objects.filter(pk__in=[pk for key, pk in known.items() if key not in now]).delete()
    begun = [one for key, one in now.items() if key not in known]
    rows = [AlertState(alert=one.alert.name, key=one.key, detail=one.detail) for one in begun]
    AlertState.objects.bulk_create(rows, ignore_conflicts=True)
    return begun
