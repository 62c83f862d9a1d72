"""The internal REST resources that data planes use: changes since a number, their status, and metrics of the hub."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apim.errors import Invalid, Unauthenticated
from apim.eventhub import feed, queries
from apim.eventhub import status as statuses
from apim.eventhub.metrics import exposition

View = Callable[[HttpRequest], HttpResponseBase]


def cluster_only(view: View) -> View:
    """Admit callers that show the cluster secret as a bearer token."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {settings.CLUSTER_SECRET}".encode()):
            raise Unauthenticated("This resource is for the platform's own processes: show the cluster secret.")
        return view(request)

    return csrf_exempt(guarded)


@cluster_only
@require_GET
def changes(request: HttpRequest) -> HttpResponseBase:
    """Everything after `after`, for one `environment`; the whole snapshot when that is 0, too old or not of this database."""
    after = _number(request.GET.get("after", "0"))
    environment = request.GET.get("environment", "Default")
    batch = feed.delta(after, environment, request.GET.get("mark", "")[:64])
    if batch is None:
        return StreamingHttpResponse(feed.snapshot(environment), content_type="application/json")
    return HttpResponse(msgspec.json.encode(batch), content_type="application/json")


@cluster_only
@require_POST
def status(request: HttpRequest) -> HttpResponseBase:
    """Store the report of one gateway worker."""
    statuses.store(request.body)
    return JsonResponse({"sequence": feed.last_sequence()})


@cluster_only
@require_GET
def gateways(request: HttpRequest) -> HttpResponseBase:
    """What each gateway worker of `environment` (all when absent) runs, and how far behind it is."""
    found = queries.environment_status(request.GET.get("environment", ""))
    return JsonResponse({"sequence": feed.last_sequence(), "gateways": [gateway.as_dict() for gateway in found]})


@cluster_only
@require_GET
def metrics(request: HttpRequest) -> HttpResponseBase:
    """Sequence, outbox size and gateway lag in the Prometheus text format."""
    text, content_type = exposition()
    return HttpResponse(text, content_type=content_type)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Invalid(f"after: {text!r} is not a sequence number.")
    return int(text)
