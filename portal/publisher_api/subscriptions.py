"""REST for publishers: who is subscribed to their APIs; block, unblock, move to another plan (reference A5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import BuiltinRole
from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid, NotFound
from portal import billing, queries
from portal.actions.subscriptions import change_plan, set_state
from portal.api import scopes
from portal.api.base import asked, entity_tag, page, tagged, unchanged
from portal.api.scopes import ScopedView
from portal.api.subscriptions import identifier
from portal.models import Subscription, SubscriptionState

READERS = (BuiltinRole.PUBLISHER, BuiltinRole.CREATOR, BuiltinRole.DEVOPS)
BLOCKS = (SubscriptionState.BLOCKED, SubscriptionState.PROD_ONLY_BLOCKED)


class Subscriptions(ScopedView):
    """GET /subscriptions: of one API (`apiId`) or all; `query` looks in application and subscriber names."""

    scopes = scopes.SEE_SUBSCRIBERS

    def get(self, request: Request) -> Response:
        require(request.user, *READERS)
        rows = queries.with_siblings(queries.subscriptions_to(request.user.organisation))
        if api_id := request.query_params.get("apiId", ""):
            rows = rows.filter(api_id=identifier("apiId", api_id))
        if words := asked(request, "query"):
            found = Q(application__name__icontains=words) | Q(application__owner__username__icontains=words)
            rows = rows.filter(found)
        return tagged(request, page(request, rows, _dto, "/subscriptions").data)


class Block(ScopedView):
    """POST /subscriptions/block-subscription?subscriptionId&blockState."""

    scopes = scopes.BLOCK

    def post(self, request: Request) -> Response:
        state = request.query_params.get("blockState", "")
        if state not in BLOCKS:
            raise Invalid(
                "That is no block.", [FieldError("blockState", f"{state!r} is not one of: {', '.join(BLOCKS)}")]
            )
        return _answer(set_state(by=request.user, subscription=_asked(request), state=state))


class Unblock(ScopedView):
    """POST /subscriptions/unblock-subscription?subscriptionId."""

    scopes = scopes.BLOCK

    def post(self, request: Request) -> Response:
        return _answer(set_state(by=request.user, subscription=_asked(request), state=SubscriptionState.UNBLOCKED))


class ChangePlan(ScopedView):
    """POST /subscriptions/change-business-plan?subscriptionId&businessPlan."""

    scopes = scopes.CHANGE_PLAN

    def post(self, request: Request) -> Response:
        require(request.user, BuiltinRole.PUBLISHER)
        plan = request.query_params.get("businessPlan", "")
        return _answer(change_plan(by=request.user, subscription=_asked(request), plan=plan))


class SubscriberInfo(ScopedView):
    """GET /subscriptions/{subscriptionId}/subscriber-info."""

    scopes = scopes.SEE_SUBSCRIBERS

    def get(self, request: Request, subscription_id: str) -> Response:
        require(request.user, *READERS)
        owner = _subscription(request, subscription_id).application.owner
        claims = [_claim("http://wso2.org/claims/emailaddress", "Email", owner.email)]
        if owner.get_full_name():
            claims.append(_claim("http://wso2.org/claims/fullname", "Full name", owner.get_full_name()))
        return Response({"name": owner.get_username(), "claims": claims})


class Usage(ScopedView):
    """GET /subscriptions/{subscriptionId}/usage."""

    scopes = scopes.SEE_SUBSCRIBERS

    def get(self, request: Request, subscription_id: str) -> Response:
        """Plan and price of a subscription that costs money."""
        require(request.user, *READERS)
        found = billing.usage(_subscription(request, subscription_id))
        return tagged(request, {"properties": {name: str(value) for name, value in found.items()}})


def _subscription(request: Request, given: str) -> Subscription:
    """The subscription of that id. Raises NotFound, for what is no id as well."""
    try:
        pk = UUID(given)
    except ValueError as error:
        raise NotFound(f"There is no subscription {given[:80]!r}.") from error
    return queries.subscription_to(request.user.organisation, pk)


def _asked(request: Request) -> Subscription:
    pk = identifier("subscriptionId", request.query_params.get("subscriptionId", ""))
    row = queries.subscription_to(request.user.organisation, pk)
    unchanged(request, _dto(row))
    return row


def _answer(row: Subscription) -> Response:
    return Response(status=200, headers={"ETag": entity_tag(_dto(row))})


def _dto(row: Subscription) -> dict[str, Any]:
    application = row.application
    counted = getattr(row, "application_subscriptions", None)
    return {
        "subscriptionId": str(row.pk),
        "applicationInfo": {
            "applicationId": str(application.pk),
            "name": application.name,
            "subscriber": application.owner.get_username(),
            "description": application.description,
            "subscriptionCount": application.subscriptions.count() if counted is None else counted,
        },
        "throttlingPolicy": row.plan,
        "subscriptionStatus": row.state,
    }


def _claim(uri: str, name: str, value: str) -> dict[str, str]:
    return {"uri": uri, "name": name, "value": value}
