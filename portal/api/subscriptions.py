"""REST: subscriptions of the caller's applications."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from portal import queries
from portal.actions import subscriptions
from portal.api import dto, scopes
from portal.api.base import OpenView, accepted, page, payload, tagged, tenant, text, unchanged
from portal.api.scopes import ScopedView
from portal.billing import usage
from portal.models import Subscription

MOST_AT_ONCE = 100


class Subscriptions(ScopedView):
    """GET and POST /subscriptions."""

    scopes = scopes.SUBSCRIPTIONS

    def get(self, request: Request) -> Response:
        """Those of one application or to one API; one of the two must be given."""
        asked = {name: request.query_params.get(name, "") for name in ("applicationId", "apiId")}
        if not any(asked.values()):
            raise Invalid("Say whose subscriptions.", [FieldError("applicationId", "give this or apiId")])
        rows = queries.with_siblings(queries.subscriptions(request.user)).prefetch_related("api__plans")
        if asked["applicationId"]:
            rows = rows.filter(application=queries.application(request.user, asked["applicationId"]))
        if asked["apiId"]:
            rows = rows.filter(api_id=identifier("apiId", asked["apiId"]))
        return page(request, rows, dto.subscription, "/subscriptions")

    def post(self, request: Request) -> Response:
        """Subscribe; 201 with the address of the subscription."""
        made = _subscribe(request, payload(request))
        return tagged(request, dto.subscription(made), 201, Location=f"/subscriptions/{made.pk}")


class Multiple(ScopedView):
    """POST /subscriptions/multiple: all of them or none."""

    scopes = scopes.SUBSCRIPTIONS

    def post(self, request: Request) -> Response:
        wanted = request.data
        if (
            not isinstance(wanted, list)
            or not all(isinstance(one, dict) for one in wanted)
            or len(wanted) > MOST_AT_ONCE
        ):
            raise Invalid("The body is wrong.", [FieldError("body", f"send a list of at most {MOST_AT_ONCE} objects")])
        with transaction.atomic():
            made = [_subscribe(request, body) for body in wanted]
        return Response([dto.subscription(row) for row in made])


class OneSubscription(ScopedView):
    """GET, PUT and DELETE /subscriptions/{subscriptionId}."""

    scopes = scopes.SUBSCRIPTIONS

    def get(self, request: Request, subscription_id: UUID) -> Response:
        """The subscription."""
        return tagged(request, dto.subscription(queries.subscription(request.user, subscription_id)))

    def put(self, request: Request, subscription_id: UUID) -> Response:
        """Change its plan: `requestedThrottlingPolicy`, else `throttlingPolicy`. The two ends stay what they are."""
        row, body = queries.subscription(request.user, subscription_id), payload(request)
        for name, there in (("applicationId", row.application_id), ("apiId", row.api_id)):
            if text(body, name, str(there)).lower() != str(there):
                raise Invalid("A subscription keeps its ends.", [FieldError(name, f"is {there} and stays so")])
        plan = text(body, "requestedThrottlingPolicy", "") or text(body, "throttlingPolicy")
        subscriptions.change_plan(by=request.user, subscription=row, plan=plan)
        changed = queries.subscription(request.user, subscription_id)
        return tagged(request, dto.subscription(changed), Location=f"/subscriptions/{changed.pk}")

    def delete(self, request: Request, subscription_id: UUID) -> Response:
        """End it."""
        row = queries.subscription(request.user, subscription_id)
        unchanged(request, dto.subscription(row))
        waits = subscriptions.unsubscribe(by=request.user, subscription=row)
        return Response(status=200) if waits is None else accepted(f"/subscriptions/{waits.pk}")


class AdditionalInfo(OpenView):
    """GET /subscriptions/{apiId}/additionalInfo: the caller's subscriptions to an API, with where else it is deployed."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """One entry a subscription, none for people who are not logged in. No API is deployed to a Solace broker."""
        api = queries.api(request.user, tenant(request), api_id)
        rows = queries.subscriptions(request.user).filter(api=api) if request.user.is_authenticated else []
        return page(request, rows, dto.additional_info, f"/subscriptions/{api_id}/additionalInfo")


class Usage(ScopedView):
    """GET /subscriptions/{subscriptionId}/usage: what is to be paid for a monetized subscription."""

    scopes = scopes.SUBSCRIPTIONS

    def get(self, request: Request, subscription_id: UUID) -> Response:
        """What the billing engine says, as names and texts. 404 for a subscription that costs nothing."""
        row = queries.subscription(request.user, subscription_id)
        return tagged(request, {"properties": {name: str(value) for name, value in usage(row).items()}})


def identifier(name: str, value: str) -> UUID:
    """The id in `value`. Raises Invalid naming the field."""
    try:
        return UUID(value)
    except ValueError:
        raise Invalid("An id is wrong.", [FieldError(name, f"{value!r} is not a UUID")]) from None


def _subscribe(request: Request, body: dict[str, Any]) -> Subscription:
    application = queries.application(request.user, identifier("applicationId", text(body, "applicationId")))
    api = queries.api(request.user, application.organisation, identifier("apiId", text(body, "apiId")))
    return subscriptions.subscribe(
        by=request.user, application=application, api=api, plan=text(body, "throttlingPolicy")
    )
