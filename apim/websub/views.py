"""The two resources that gateways use: a subscriber's wish, a publisher's event."""

from __future__ import annotations

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from apim.errors import ApimError, Invalid
from apim.eventhub.views import cluster_only
from apim.websub.actions import Request, change_subscription, take_event


@cluster_only
@require_POST
def subscriptions(request: HttpRequest) -> HttpResponse:
    """Take a wish in: 202, or the mistake with its code."""
    try:
        wish = msgspec.json.decode(request.body, type=Request)
    except ValueError as error:
        raise Invalid(f"The wish is not complete: {error}") from error
    try:
        row = change_subscription(wish)
    except ApimError as error:
        return JsonResponse({"code": str(error.code), "error": error.description}, status=error.status)
    return JsonResponse({"state": row.state if row is not None else "NONE"}, status=202)


@cluster_only
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Take an event over: once this answers, it is in the database."""
    said = {name: request.GET.get(name, "") for name in ("environment", "api", "topic")}
    hub = request.headers.get("X-Hub-Address", "")[:500]
    if len(request.body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise Invalid("The event is too large.")
    try:
        event = take_event(**said, hub=hub, content_type=request.headers.get("Content-Type", ""), body=request.body)
    except ApimError as error:
        return JsonResponse({"code": str(error.code), "error": error.description}, status=error.status)
    return JsonResponse({"id": str(event.pk)}, status=202)
