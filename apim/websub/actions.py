"""What gateways ask of the hub: take a subscription in or out, take an event over. Both are in the database before we answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apim.errors import FieldError, Invalid
from apim.keymanager.vault import seal
from apim.websub import known, queue
from apim.websub.errors import TooMany, UnknownTopic
from apim.websub.models import Delivery, Event, Outcome, State, Subscription, Usage
from apim.websub.outbound import check
from gateway import schema

MODES = ("subscribe", "unsubscribe")
MOST_SECRET = 200
"""Longest hub.secret, in bytes, as the specification has it."""


@dataclass(frozen=True)
class Request:
    """A subscriber's wish, checked by a gateway as far as credentials go."""

    environment: str
    api: str
    application: str
    plan_subscription: str
    mode: str
    topic: str
    callback: str
    secret: str = ""
    lease_seconds: int = 0


def change_subscription(request: Request) -> Subscription | None:
    """Subscribe or unsubscribe; with subscriber verification the callback is asked first (the row waits for it).

    None when there was nothing to unsubscribe. Raises Invalid, BadCallback, UnknownTopic, TooMany.
    """
    _check(request)
    api = known.api(request.environment, request.api)
    if api is None or not any(one.target == request.topic for one in api.operations):
        raise UnknownTopic(f"hub.topic: this API has no topic {request.topic!r}.")
    verify = dict(api.properties).get("subscriber_verification") == "true"
    with transaction.atomic():
        # Two requests at once cannot both take the last place of a plan.
        _lock(request.plan_subscription)
        row = _row(request).select_for_update().first()
        if request.mode == "unsubscribe":
            return _unsubscribe(row, verify)
        if row is None or row.state != State.ACTIVE:
            _room(request, api.organisation, row)
        return _subscribe(row, request, api.organisation, verify)


def take_event(environment: str, api: str, topic: str, hub: str, content_type: str, body: bytes) -> Event:
    """Keep an event and one delivery for each active subscription, so that nothing of it can be lost. Raises UnknownTopic."""
    record = known.api(environment, api)
    if record is None or not any(one.target == topic for one in record.operations):
        raise UnknownTopic(f"topic: this API has no topic {topic!r}.")
    now = timezone.now()
    with transaction.atomic():
        event = Event.objects.create(api=api, topic=topic, hub=hub, content_type=content_type[:250], body=body)
        deliveries = [
            Delivery(event=event, subscription=listener, outcome=outcome, due=now)
            for listener, outcome in _counted(_listeners(environment, api, topic, now), record, now)
        ]
        made = Delivery.objects.bulk_create(deliveries, batch_size=500)
        waiting = [one.pk for one in made if one.outcome == Outcome.PENDING]
        transaction.on_commit(lambda: queue.deliver(waiting))
    return event


def _check(request: Request) -> None:
    if request.mode not in MODES:
        raise _wrong("hub.mode", f"{request.mode[:40]!r} is not one of {', '.join(MODES)}.")
    check(request.callback)
    if len(request.secret.encode()) > MOST_SECRET:
        raise _wrong("hub.secret", f"It is longer than {MOST_SECRET} bytes.")
    most = settings.APIM.websub_longest_lease
    if not 0 <= request.lease_seconds <= most:
        raise _wrong("hub.lease_seconds", f"{request.lease_seconds} is not a number from 1 to {most}.")


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [FieldError(field, message)])


def _row(request: Request) -> QuerySet[Subscription]:
    return Subscription.objects.filter(
        api=request.api,
        environment=request.environment,
        application=request.application,
        topic=request.topic,
        callback_hash=_hash(request.callback),
    )


def _hash(callback: str) -> str:
    return hashlib.sha256(callback.encode()).hexdigest()


def _lock(plan_subscription: str) -> None:
    """Waits for whoever else changes this plan's subscriptions, by a row that is there for that."""
    Usage.objects.get_or_create(plan_subscription=plan_subscription, window=0)
    Usage.objects.select_for_update().get(plan_subscription=plan_subscription, window=0)


def _room(request: Request, organisation: str, row: Subscription | None) -> None:
    """Raises TooMany when the plan's number of subscriptions is reached."""
    bought = known.subscription(request.plan_subscription) if request.plan_subscription else None
    plan = known.plan(organisation, bought.plan) if bought is not None else None
    if plan is None or not plan.subscriber_count:
        return
    others = Subscription.objects.filter(plan_subscription=request.plan_subscription).exclude(state=State.DENIED)
    others = others.exclude(pk=row.pk) if row is not None else others
    if others.exclude(expires__lt=timezone.now()).count() >= plan.subscriber_count:
        raise TooMany(f"The plan {plan.name} allows {plan.subscriber_count} subscriptions.")


def _unsubscribe(row: Subscription | None, verify: bool) -> Subscription | None:
    if row is None:
        return None
    if not verify:
        row.delete()
        return None
    return _ask(row, "unsubscribe")


def _subscribe(row: Subscription | None, request: Request, organisation: str, verify: bool) -> Subscription:
    row = row or Subscription(
        organisation=organisation,
        environment=request.environment,
        api=request.api,
        application=request.application,
        topic=request.topic,
        callback=request.callback,
        callback_hash=_hash(request.callback),
    )
    row.plan_subscription = request.plan_subscription
    row.secret = seal(request.secret) if request.secret else ""
    row.asked_lease = request.lease_seconds or settings.APIM.websub_lease
    if verify:
        return _ask(row, "subscribe")
    activate(row, timezone.now())
    row.save()
    return row


def activate(row: Subscription, now: datetime) -> None:
    """Makes a subscription one that gets events until its lease ends. The caller saves it."""
    row.state, row.asked, row.due = State.ACTIVE, "", None
    row.expires = now + timedelta(seconds=row.asked_lease)


def _ask(row: Subscription, mode: str) -> Subscription:
    row.asked, row.tries, row.due = mode, 0, timezone.now()
    if row.state == State.DENIED:
        row.state = State.PENDING
    row.save()
    transaction.on_commit(lambda: queue.verify([row.pk]))
    return row


def _listeners(environment: str, api: str, topic: str, now: datetime) -> list[Subscription]:
    active = Subscription.objects.filter(environment=environment, api=api, topic=topic, state=State.ACTIVE)
    return list(active.filter(expires__gt=now))


def _counted(
    listeners: Sequence[Subscription], api: schema.Api, now: datetime
) -> Iterable[tuple[Subscription, Outcome]]:
    """Each listener with what becomes of its delivery: lost subscriptions get none, beyond a quota it is throttled."""
    bought = {uuid: known.subscription(uuid) for uuid in {one.plan_subscription for one in listeners} if uuid}
    for listener in listeners:
        record = bought.get(listener.plan_subscription)
        if listener.plan_subscription and (record is None or record.state in ("BLOCKED", "ON_HOLD", "REJECTED")):
            continue
        yield listener, Outcome.PENDING if record is None or _taken(api, record, now) else Outcome.THROTTLED


def _taken(api: schema.Api, bought: schema.Subscription, now: datetime) -> bool:
    """Counts one event of the plan's quota; False when it is used up. One statement decides, so two at once cannot both."""
    plan = known.plan(api.organisation, bought.plan)
    limit = plan.quota if plan is not None and plan.stop_on_quota_reach else None
    if limit is None:
        return True
    start = known.window(limit, now)
    Usage.objects.get_or_create(plan_subscription=bought.id, window=start)
    row = Usage.objects.filter(plan_subscription=bought.id, window=start, events__lt=limit.amount)
    return bool(row.update(events=F("events") + 1))
