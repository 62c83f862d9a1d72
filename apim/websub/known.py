"""What the platform's records say about an API's topics and a subscription's plan: the same records that gateways work by."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from apim.eventhub.models import Current
from gateway import schema

R = TypeVar("R", bound=schema.Record)

MONDAY = 345_600
"""The first Monday of Unix time; weekly windows start on Mondays."""

WEEK = 604_800


def api(environment: str, uuid: str) -> schema.Api | None:
    """The API as it runs in `environment`."""
    return _record("api", f"{environment}:{uuid}", schema.Api)


def subscription(uuid: str) -> schema.Subscription | None:
    """An application's subscription to an API."""
    return _record("subscription", uuid, schema.Subscription)


def plan(organisation: str, name: str) -> schema.Policy | None:
    """A subscription policy."""
    return _record("policy", f"{organisation}:subscription:{name}", schema.Policy)


def window(limit: schema.Limit, now: datetime) -> int:
    """Start (Unix seconds) of the calendar window of `limit` that holds `now`."""
    moment = int(now.timestamp())
    if limit.months:
        whole = now.astimezone(UTC)
        months = (whole.year * 12 + whole.month - 1) // limit.months * limit.months
        return calendar.timegm((months // 12, months % 12 + 1, 1, 0, 0, 0))
    shift = MONDAY if limit.seconds % WEEK == 0 else 0
    return (moment - shift) // limit.seconds * limit.seconds + shift


def _record(kind: str, key: str, form: type[R]) -> R | None:
    row = Current.objects.filter(kind=kind, key=key).values_list("record", flat=True).first()
    return msgspec.json.decode(row, type=form) if row else None
