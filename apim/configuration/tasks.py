"""Mails of alerts, and the pruning of what is old; run by Celery (see `beat.py`)."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage
from redis.exceptions import RedisError

from apim.configuration import alerts, bots
from apim.configuration.alerts import Trouble
from apim.configuration.models import AlertSubscription, BotAlertSubscription, BotSighting

log = structlog.get_logger(__name__)
PAUSE = 600
"""Seconds between two mails about bots of one organisation: a scan must not become a flood of mails."""

MOST_LINES = 20


@shared_task(ignore_result=True)
def tell_of_bots(sightings: list[int]) -> None:
    """Mail those who asked for it about clients that look for APIs that do not exist."""
    rows = BotSighting.objects.filter(pk__in=sightings).select_related("organisation")
    by_organisation: dict[int, list[BotSighting]] = {}
    for row in rows:
        by_organisation.setdefault(row.organisation_id, []).append(row)
    for found in by_organisation.values():
        receivers = list(
            BotAlertSubscription.objects.filter(organisation=found[0].organisation_id).values_list("email", flat=True)
        )
        if receivers and _due(found[0].organisation_id):
            lines = [f"{row.client}: {row.calls} calls, first {row.method} {row.path}" for row in found[:MOST_LINES]]
            where = f"{settings.APIM.public}/admin/configuration/botsighting/"
            text = "Clients look for APIs that do not exist:\n\n" + "\n".join(lines) + f"\n\nAll of them: {where}\n"
            _mail(f"Possible bots at the gateways of {found[0].organisation}", text, receivers)


@shared_task(ignore_result=True)
def look_for_trouble() -> None:
    """Mail administrators about what began to be the matter."""
    begun = alerts.new_troubles()
    if not begun:
        return
    for row in AlertSubscription.objects.select_related("organisation"):
        told = [one for one in begun if one.alert.name in row.alerts]
        if told and row.emails:
            _mail(
                _subject(told),
                "\n".join(f"{one.alert.description}\n  {one.key}: {one.detail}" for one in told),
                row.emails,
            )


@shared_task(ignore_result=True)
def prune() -> None:
    """Forget old sightings."""
    log.info("configuration.pruned", sightings=bots.prune())


def _subject(told: list[Trouble]) -> str:
    more = f" and {len(told) - 1} more" if len(told) > 1 else ""
    return f"{told[0].alert.name}: {told[0].key}{more}"


def _due(organisation: int) -> bool:
    try:
        return bool(cache.add(f"bot-mail:{organisation}", 1, PAUSE))
    except RedisError:
        return True


def _mail(subject: str, text: str, receivers: list[str]) -> None:
    """One mail for each receiver, so that none reads the others' addresses. Lost mails are told in the log."""
    for receiver in receivers:
        try:
            EmailMessage(" ".join(subject.split())[:200], text, to=[receiver]).send()
        except (SMTPException, OSError) as error:
            log.warning("configuration.mail_lost", subject=subject, reason=str(error))
