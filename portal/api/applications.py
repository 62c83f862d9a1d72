"""REST: a developer's applications."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from portal import queries
from portal.actions import applications
from portal.actions.limits import reset_limits
from portal.actions.sharing import share
from portal.api import dto, scopes
from portal.api.base import accepted, asked, kept, page, payload, strings, tagged, text, unchanged
from portal.api.scopes import ScopedView

SORTS = {"name": "name", "throttlingPolicy": "policy", "status": "status"}


class Applications(ScopedView):
    """GET and POST /applications."""

    scopes = scopes.APPLICATIONS

    def get(self, request: Request) -> Response:
        """The caller's applications; `query` is a whole name."""
        rows = queries.with_counts(queries.applications(request.user)).order_by(_order(request), "pk")
        name = asked(request, "query")
        return page(request, rows.filter(name__iexact=name) if name else rows, dto.application_info, "/applications")

    def post(self, request: Request) -> Response:
        """Make one; 201 with its address."""
        body = payload(request)
        with transaction.atomic():
            made = applications.create_application(
                by=request.user, **_fields(body, queries.default_limit(request.user.organisation))
            )
            share(by=request.user, application=made, groups=strings(body, "groups"))
        return tagged(request, dto.application(made), 201, Location=f"/applications/{made.pk}")


class OneApplication(ScopedView):
    """GET, PUT and DELETE /applications/{applicationId}."""

    scopes = scopes.APPLICATIONS

    def get(self, request: Request, application_id: UUID) -> Response:
        """The application with its keys."""
        return tagged(request, dto.application(queries.application(request.user, application_id)))

    def put(self, request: Request, application_id: UUID) -> Response:
        """Change it, unless somebody else did since the caller's `If-Match`."""
        application = queries.application(request.user, application_id)
        unchanged(request, dto.application(application))
        body = payload(request)
        with transaction.atomic():
            changed = applications.update_application(
                by=request.user, application=application, **_fields(body, application.policy)
            )
            if body.get("groups") is not None:
                share(by=request.user, application=changed, groups=strings(body, "groups"))
        return tagged(request, dto.application(changed), Location=f"/applications/{changed.pk}")

    def delete(self, request: Request, application_id: UUID) -> Response:
        """Remove it with its keys and subscriptions."""
        application = queries.application(request.user, application_id)
        unchanged(request, dto.application(application))
        waits = applications.delete_application(by=request.user, application=application)
        return Response(status=200) if waits is None else accepted(f"/applications/{waits.pk}")


class ResetLimits(ScopedView):
    """POST /applications/{applicationId}/reset-throttle-policy."""

    scopes = scopes.KEYS

    def post(self, request: Request, application_id: UUID) -> Response:
        """Count its limit from zero again; `userName` is noted."""
        application = queries.application(request.user, application_id)
        reset_limits(by=request.user, application=application, user=text(payload(request), "userName", ""))
        return Response(status=200)


def _order(request: Request) -> str:
    by, direction = request.query_params.get("sortBy", "name"), request.query_params.get("sortOrder", "asc")
    if by not in SORTS or direction not in ("asc", "desc"):
        allowed = f"sortBy is one of {', '.join(SORTS)}; sortOrder is asc or desc"
        raise Invalid("That order is not known.", [FieldError("sortBy", allowed)])
    return ("-" if direction == "desc" else "") + SORTS[by]


def _fields(body: dict[str, Any], policy: str) -> dict[str, Any]:
    attributes = body.get("attributes") or {}
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise Invalid("A field is wrong.", [FieldError("attributes", "must be an object of strings")])
    return {
        "name": text(body, "name"),
        "policy": text(body, "throttlingPolicy", policy),
        "description": text(body, "description", ""),
        "token_type": text(body, "tokenType", "JWT"),
        "attributes": {kept("attributes", name): kept("attributes", value) for name, value in attributes.items()},
    }
