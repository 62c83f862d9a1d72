"""Sends events to callbacks and asks callbacks for their consent. Whoever claims a row has it for a while; a worker that dies
loses it to the next one, so an event may come twice but is never lost."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

import structlog
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from apim.keymanager.vault import unseal
from apim.websub.actions import activate
from apim.websub.errors import BadCallback
from apim.websub.models import Delivery, Outcome, State, Subscription
from apim.websub.outbound import Answer, CallFailed, call

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 60
"""How long a worker may take for one call before another takes it over; longer than a call can last."""

LONGEST_WAIT = 3600
VERIFY_TRIES = 3
GONE = 410
"""A callback that answers this wants no more events."""


def send(delivery_id: int) -> None:
    """One attempt at a delivery, if it is due and nobody else has it."""
    now = timezone.now()
    free = Q(claimed__isnull=True) | Q(claimed__lt=now)
    row = Delivery.objects.filter(free, pk=delivery_id, outcome=Outcome.PENDING, due__lte=now)
    if not row.update(claimed=now + timedelta(seconds=CLAIM_SECONDS), attempts=F("attempts") + 1):
        return
    delivery = Delivery.objects.select_related("event", "subscription").filter(pk=delivery_id).first()
    if delivery is None:
        return
    answer, error = _call(delivery)
    _settle(delivery, answer, error)


def _call(delivery: Delivery) -> tuple[Answer | None, str]:
    event, subscription = delivery.event, delivery.subscription
    body = bytes(event.body)
    headers = {"Link": f'<{event.hub}>; rel="hub", <{event.topic}>; rel="self"', "User-Agent": "APIM-WebSub"}
    if event.content_type:
        headers["Content-Type"] = event.content_type
    if subscription.secret:
        method = settings.APIM.websub_algorithm
        headers["X-Hub-Signature"] = (
            f"{method}={hmac.new(unseal(subscription.secret).encode(), body, method).hexdigest()}"
        )
    try:
        return call("POST", subscription.callback, headers, body), ""
    except (CallFailed, BadCallback) as error:
        return None, str(error)


def _settle(delivery: Delivery, answer: Answer | None, error: str) -> None:
    now = timezone.now()
    status = answer.status if answer is not None else 0
    if status == GONE:
        log.info("websub.gone", subscription=str(delivery.subscription_id))
        delivery.subscription.delete()
        return
    delivery.status = status
    delivery.error = error[:250] or ("" if 200 <= status < 300 else f"the callback answered {status}")
    delivery.claimed = None
    if 200 <= status < 300:
        delivery.outcome = Outcome.DELIVERED
    elif delivery.attempts >= settings.APIM.websub_attempts:
        delivery.outcome = Outcome.FAILED
        log.warning("websub.given_up", delivery=delivery.pk, reason=delivery.error)
    else:
        delivery.due = now + timedelta(seconds=wait_after(delivery.attempts))
    # Of two workers that sent the same event, the one that succeeded has the last word.
    Delivery.objects.filter(pk=delivery.pk).exclude(outcome=Outcome.DELIVERED).update(
        status=status, error=delivery.error, claimed=None, outcome=delivery.outcome, due=delivery.due
    )
    Subscription.objects.filter(pk=delivery.subscription_id).update(delivered=now, delivery_status=status)


def wait_after(attempts: int) -> float:
    """Seconds until the next attempt: twice as long each time, an hour at most, and never all at the same moment."""
    longest = min(settings.APIM.websub_retry * 2 ** (attempts - 1), LONGEST_WAIT)
    return float(longest) * (0.8 + 0.4 * secrets.randbelow(1000) / 1000)


def ask(subscription_id: str) -> None:
    """Ask a callback whether it wants what was asked for in its name; three tries, then the wish is dropped."""
    now = timezone.now()
    claimed = now + timedelta(seconds=CLAIM_SECONDS)
    waiting = Subscription.objects.filter(pk=subscription_id, due__lte=now).exclude(asked="")
    if not waiting.update(due=claimed, tries=F("tries") + 1):
        return
    row = Subscription.objects.filter(pk=subscription_id).first()
    if row is None:
        return
    challenge = secrets.token_urlsafe(24)
    consent = _consents(row, challenge)
    if consent:
        _agreed(row, now)
    elif consent is False or row.tries >= VERIFY_TRIES:
        _denied(row)
    else:
        Subscription.objects.filter(pk=row.pk).update(due=now + timedelta(seconds=wait_after(row.tries)))


def _consents(row: Subscription, challenge: str) -> bool | None:
    """True or False as the callback answered, None when it could not be asked."""
    query = {"hub.mode": row.asked, "hub.topic": row.topic, "hub.challenge": challenge}
    if row.asked == "subscribe":
        query["hub.lease_seconds"] = str(row.asked_lease)
    joint = "&" if urlsplit(row.callback).query else "?"
    try:
        answer = call("GET", row.callback + joint + urlencode(query))
    except BadCallback:
        return False
    except CallFailed as error:
        log.info("websub.not_asked", subscription=str(row.pk), reason=str(error))
        return None
    if answer.status >= 500:
        return None
    return 200 <= answer.status < 300 and hmac.compare_digest(answer.body.strip(), challenge.encode())


def _agreed(row: Subscription, now: datetime) -> None:
    if row.asked == "unsubscribe":
        row.delete()
        return
    activate(row, now)
    row.save(update_fields=["state", "asked", "due", "expires"])


def _denied(row: Subscription) -> None:
    """A wish that was not confirmed leaves an active subscription as it was."""
    state = row.state if row.state == State.ACTIVE else State.DENIED
    Subscription.objects.filter(pk=row.pk).update(asked="", due=None, state=state)
