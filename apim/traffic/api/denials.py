"""/throttling/deny-policies and /throttling/deny-policy/{conditionId}."""

from __future__ import annotations

import re

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import NotFound
from apim.traffic.actions.denials import create_deny_policy, delete_deny_policy, switch_deny_policy
from apim.traffic.api import shapes
from apim.traffic.api.base import MANAGE_DENIALS, SEE_DENIALS, Resource, flag, identifier, listing, named, wrong
from apim.traffic.api.limits import renamed
from apim.traffic.models import DenyPolicy

_SEARCH = re.compile(r"(conditionType|conditionValue):([^&]*)")


class Denials(Resource):
    """GET and POST."""

    see, manage = SEE_DENIALS, MANAGE_DENIALS

    def get(self, request: Request) -> Response:
        """Those of the caller's organisation; `query` as `conditionType:API & conditionValue:/pizza/1.0`."""
        rows = DenyPolicy.objects.filter(organisation=request.user.organisation)
        wanted = {name: value.strip() for name, value in _SEARCH.findall(request.query_params.get("query", ""))}
        if "conditionType" in wanted:
            rows = rows.filter(kind__iexact=wanted["conditionType"])
        if "conditionValue" in wanted:
            rows = rows.filter(value__icontains=wanted["conditionValue"])
        return listing(rows, shapes.denial)

    def post(self, request: Request) -> Response:
        """Add one; 201 with its address."""
        fields = shapes.denial_fields(self.body())
        with named(renamed):
            made = create_deny_policy(by=request.user, organisation=request.user.organisation, **fields)
        return Response(shapes.denial(made), 201, headers={"Location": f"/throttling/deny-policy/{made.pk}"})


class OneDenial(Resource):
    """GET, PATCH and DELETE of one deny policy."""

    see, manage = SEE_DENIALS, MANAGE_DENIALS

    def get(self, request: Request, condition_id: str) -> Response:
        """The deny policy."""
        return Response(shapes.denial(self.denial(condition_id)))

    def patch(self, request: Request, condition_id: str) -> Response:
        """Switch it on or off by `conditionStatus`."""
        found, body = self.denial(condition_id), self.body()
        if "conditionStatus" not in body:
            raise wrong("conditionStatus", "is required")
        active = flag(body, "conditionStatus")
        return Response(shapes.denial(switch_deny_policy(by=request.user, policy=found, active=active)))

    def delete(self, request: Request, condition_id: str) -> Response:
        """Remove it."""
        delete_deny_policy(by=request.user, policy=self.denial(condition_id))
        return Response(status=200)

    def denial(self, condition_id: str) -> DenyPolicy:
        """The organisation's deny policy of that id. Raises NotFound."""
        rows = DenyPolicy.objects.filter(organisation=self.request.user.organisation)
        found = rows.filter(pk=identifier(condition_id, "deny policy")).first()
        if found is None:
            raise NotFound(f"There is no deny policy {condition_id!r}.")
        return found
