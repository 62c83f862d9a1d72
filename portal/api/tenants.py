"""REST: the organisations whose portals can be looked at, and what an organisation asks of its developers."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import Organisation
from apim.errors import FieldError, Invalid
from portal import attributes, recommendations
from portal.api import scopes
from portal.api.base import OpenView, page, tagged, tenant
from portal.api.scopes import ScopedView
from portal.models import ApplicationAttribute
from portal.stars import text
from publisher.models import ApiCategory

STATES = {"active": True, "inactive": False}


class Tenants(OpenView):
    """GET /tenants: domains of the organisations; `state` is active (the default) or inactive."""

    def get(self, request: Request) -> Response:
        """Their domains. People who are not logged in learn of the active ones alone."""
        state = request.query_params.get("state", "active").lower()
        if state not in STATES:
            raise Invalid("That state is not known.", [FieldError("state", "is active or inactive")])
        rows = Organisation.objects.filter(active=STATES[state])
        if not STATES[state] and not request.user.is_authenticated:
            rows = rows.none()
        return page(request, rows, lambda row: {"domain": row.domain, "status": state}, "/tenants")


class Attributes(ScopedView):
    """GET /settings/application-attributes: the fields an application must or may have."""

    scopes = scopes.SUBSCRIBER

    def get(self, request: Request) -> Response:
        """In the order that the administrators gave them."""
        found = [_attribute(row) for row in attributes.of(request.user.organisation)]
        return tagged(request, {"count": len(found), "list": found})


class Recommendations(ScopedView):
    """GET /recommendations: APIs that people with like subscriptions use."""

    scopes = scopes.SUBSCRIBER

    def get(self, request: Request) -> Response:
        """The nearest first; APIs this caller uses already are left out."""
        rows = recommendations.recommended(request.user)
        found = [{"id": str(api.pk), "name": api.name, "avgRating": text(api.average)} for api in rows]
        return tagged(request, {"count": len(found), "list": found})


class Categories(OpenView):
    """GET /api-categories: the headings that the organisation sorts its APIs by."""

    def get(self, request: Request) -> Response:
        """All of them."""
        rows = ApiCategory.objects.filter(organisation=tenant(request))
        found = [{"id": str(row.pk), "name": row.name, "description": row.description} for row in rows]
        return Response({"count": len(found), "list": found})


def _attribute(row: ApplicationAttribute) -> dict[str, Any]:
    return {
        "attribute": row.name,
        "description": row.description,
        "tooltip": row.tooltip,
        "type": "text",
        "required": str(row.required).lower(),
        "hidden": str(row.hidden).lower(),
    }
