"""Calls that found no API and came in numbers: kept for administrators, and mailed to those who asked for it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apim.accounts.models import Organisation
from apim.accounts.queries import first_organisation, organisation_by_domain
from apim.configuration.models import BotSighting
from gateway.schema import Stranger

KEPT_DAYS = 30
MOST_KEPT = 10_000
"""Sightings kept of one organisation."""

SHOWN = 500
"""Sightings that the REST list answers, the newest."""

_TENANT = re.compile(r"/t/([a-z0-9.-]{1,254})(/|$)")


def note(gateway: str, strangers: list[Stranger]) -> None:
    """Keep what a gateway saw, each with the organisation whose part of the gateway was searched; mails go out in a task."""
    rows = [row for one in strangers if (row := _row(gateway, one)) is not None]
    if not rows:
        return
    made = BotSighting.objects.bulk_create(rows)
    from apim.configuration.tasks import tell_of_bots  # noqa: PLC0415 - tasks import this module

    transaction.on_commit(lambda: tell_of_bots.delay([row.pk for row in made]))


def prune() -> int:
    """Forget what is old or too much; how many sightings they were."""
    gone = BotSighting.objects.filter(at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).delete()[0]
    for organisation in Organisation.objects.all():
        rows = BotSighting.objects.filter(organisation=organisation)
        oldest = rows.values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 1]
        if oldest:
            gone += rows.filter(pk__lte=oldest[0]).delete()[0]
    return gone


def newest(organisation: Organisation) -> list[BotSighting]:
    """The last SHOWN sightings."""
    return list(BotSighting.objects.filter(organisation=organisation)[:SHOWN])


def shown(row: BotSighting) -> dict[str, Any]:
    """A sighting as the contract has it; bodies are never kept. `path` and `calls` are our own additions."""
    return {
        "recordedTime": int(row.at.timestamp() * 1000),
        "messageID": row.message_id,
        "apiMethod": row.method,
        "headerSet": f"[{row.headers}]",
        "messageBody": "",
        "clientIp": row.client,
        "path": row.path,
        "calls": row.calls,
    }


def _row(gateway: str, stranger: Stranger) -> BotSighting | None:
    match = _TENANT.match(stranger.path)
    organisation = (organisation_by_domain(match[1]) if match else None) or first_organisation()
    if organisation is None:
        return None
    try:
        at = datetime.fromtimestamp(stranger.at, UTC)
    except (ValueError, OverflowError, OSError):
        at = timezone.now()
    return BotSighting(
        organisation=organisation,
        at=at,
        message_id=_kept(stranger.message_id, 80),
        method=_kept(stranger.method, 20),
        path=_kept(stranger.path, 500),
        headers=_kept(stranger.headers, 2000),
        client=_kept(stranger.client, 60),
        gateway=_kept(gateway, 120),
        calls=max(1, min(stranger.calls, 2**31 - 1)),
    )


def _kept(text: str, most: int) -> str:
    return text.replace("\0", "?").encode("utf-8", "replace").decode()[:most]
