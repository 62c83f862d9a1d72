"""The internal REST resources that data planes use: changes since a number, and their status."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

import msgspec
from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apim.errors import Invalid, Unauthenticated
from apim.eventhub.models import Counter, Current, Event, GatewayStatus
from gateway import schema

BATCH = 5000
"""Most events in one delta answer."""


def cluster_only(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Admit callers that show the cluster secret as a bearer token."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {settings.CLUSTER_SECRET}".encode()):
            raise Unauthenticated("This resource is for the platform's own processes: show the cluster secret.")
        return view(request)

    return csrf_exempt(guarded)


@cluster_only
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """Everything after `after`, for one `environment`; the whole snapshot when that is 0 or too old."""
    after = _number(request.GET.get("after", "0"))
    environment = request.GET.get("environment", "Default")
    batch = _snapshot(environment) if _needs_snapshot(after) else _delta(after, environment)
    return HttpResponse(msgspec.json.encode(batch), content_type="application/json")


@cluster_only
@require_POST
def status(request: HttpRequest) -> HttpResponse:
    """Store the report of one gateway worker."""
    try:
        report = msgspec.json.decode(request.body, type=schema.Status)
    except msgspec.DecodeError as error:
        raise Invalid(f"Not a gateway status: {error}") from error
    GatewayStatus.objects.update_or_create(
        gateway=report.gateway,
        defaults={
            "environment": report.environment,
            "host": report.host,
            "pid": report.pid,
            "sequence": report.sequence,
            "apis": report.apis,
            "subscriptions": report.subscriptions,
            "version": report.version,
            "started": datetime.fromtimestamp(report.started, UTC),
            "seen": timezone.now(),
            "refusals": msgspec.to_builtins(report.refusals),
        },
    )
    return JsonResponse({"sequence": last_sequence()})


def last_sequence() -> int:
    """Number of the newest change."""
    return Counter.objects.filter(pk=1).values_list("last", flat=True).first() or 0


def _number(text: str) -> int:
    if not text.isdigit() or len(text) > 18:
        raise Invalid(f"after: {text!r} is not a sequence number.")
    return int(text)


def _needs_snapshot(after: int) -> bool:
    if after == 0 or after > last_sequence():
        return True
    oldest = Event.objects.order_by("sequence").values_list("sequence", flat=True).first()
    return oldest is None or after < oldest - 1


def _snapshot(environment: str) -> schema.Batch:
    # The number is read first: a change in between is sent twice, never lost.
    sequence = last_sequence()
    rows = Current.objects.filter(_visible(environment)).order_by("sequence")
    return schema.Batch(
        sequence=sequence, events=[_event(row) for row in rows.iterator(chunk_size=5000)], snapshot=True
    )


def _delta(after: int, environment: str) -> schema.Batch:
    window = list(Event.objects.filter(sequence__gt=after).order_by("sequence")[: BATCH + 1])
    page = window[:BATCH]
    events = [_event(row) for row in page if row.environment in ("", environment)]
    return schema.Batch(sequence=page[-1].sequence if page else after, events=events, more=len(window) > BATCH)


def _visible(environment: str) -> Q:
    return Q(environment="") | Q(environment=environment)


def _event(row: Event | Current) -> schema.Event:
    record = msgspec.Raw(row.record.encode()) if row.record else schema.DELETED
    return schema.Event(row.sequence, row.kind, row.key, row.organisation, row.environment, record)
