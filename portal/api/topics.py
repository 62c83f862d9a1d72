"""REST: the topics of a streaming API, and the callbacks that listen to those of WebSub."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from apim.websub.models import Subscription
from portal import queries, streaming
from portal.api.base import OpenView, asked, page, tenant

TYPES = {"SUBSCRIBE": "subscriber", "PUBLISH": "publisher"}


class Topics(OpenView):
    """GET /apis/{apiId}/topics."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """What callers may listen to or send to; nothing for APIs without topics."""
        api = queries.api(request.user, tenant(request), api_id)
        rows = list(api.operations.all()) if streaming.streams(api) else []
        show = {"apiId": str(api.pk)}
        return page(
            request, rows, lambda row: show | {"name": row.target, "type": TYPES[row.verb]}, f"/apis/{api_id}/topics"
        )


class WebhookSubscriptions(OpenView):
    """GET /webhooks/subscriptions."""

    def get(self, request: Request) -> Response:
        """The callbacks of one of the caller's applications (all when none is named), of one API when it is named."""
        given = {name: asked(request, name) for name in ("applicationId", "apiId")}
        for name, value in given.items():
            _require_uuid(name, value)
        rows = streaming.callbacks(request.user, given["applicationId"], given["apiId"])
        return page(request, rows, _shown, "/webhooks/subscriptions")


def _require_uuid(name: str, value: str) -> None:
    try:
        UUID(value) if value else None
    except ValueError as error:
        raise Invalid(f"{name}: {value[:60]!r} is not an id.", [FieldError(name, "Not an id.")]) from error


def _shown(row: Subscription) -> dict[str, Any]:
    return {
        "apiId": row.api,
        "appId": row.application,
        "topic": row.topic,
        "callBackUrl": row.callback,
        "deliveryTime": row.delivered.isoformat() if row.delivered else "",
        "deliveryStatus": streaming.delivery_status(row),
    }
