"""/applications, /applications/{applicationId} and its change of owner."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import Organisation
from apim.accounts.names import full_name
from apim.accounts.queries import sees_every_organisation
from apim.accounts.rest_admin import Resource, identifier, page, wrong
from apim.errors import NotFound
from portal.actions.applications import delete_application
from portal.actions.owners import change_owner
from portal.models import Application

SEE = ("apim:admin", "apim:app_owner_change", "apim:app_import_export")
CHANGE_OWNER = ("apim:admin", "apim:app_owner_change")
DELETE = ("apim:admin", "apim:app_import_export")
SORTS = {"name": "name", "owner": "owner__username", "status": "status", "createdTime": "created"}


class Applications(Resource):
    """GET."""

    see = SEE

    def get(self, request: Request) -> Response:
        """Applications of the organisation, of `user` when one is named; `name` is part of their names."""
        organisation = self.organisation()
        rows = Application.objects.filter(organisation=organisation).select_related("owner").prefetch_related("groups")
        user, name = self.word("user"), self.word("name")
        if user:
            rows = rows.filter(owner__username__in=[user, full_name(user, organisation)])
        if name:
            rows = rows.filter(name__icontains=name)
        return page(request, self.sorted(rows), _shown, "/applications")

    def sorted(self, rows: QuerySet[Application]) -> QuerySet[Application]:
        """`rows` in the order that `sortBy` and `sortOrder` ask for. Raises Invalid."""
        by, order = self.word("sortBy") or "name", (self.word("sortOrder") or "asc").lower()
        if by not in SORTS:
            raise wrong("sortBy", f"{by[:40]!r} is not one of {', '.join(SORTS)}")
        if order not in ("asc", "desc"):
            raise wrong("sortOrder", f"{order[:40]!r} is neither asc nor desc")
        return rows.order_by(f"{'-' if order == 'desc' else ''}{SORTS[by]}", "pk")

    def organisation(self) -> Organisation:
        """The caller's, or for the platform's administrators the one named by `tenantDomain`. Raises NotFound."""
        own, domain = self.request.user.organisation, self.word("tenantDomain")
        if not domain or domain == own.domain:
            return own
        found = Organisation.objects.filter(domain=domain).first()
        if found is None or not sees_every_organisation(self.request.user):
            raise NotFound(f"There is no organisation {domain[:100]!r}.")
        return found


class OneApplication(Resource):
    """DELETE."""

    manage = DELETE

    def current(self, request: Request, **kwargs: Any) -> Any:
        """As it stands in the list."""
        return _shown(own(request, kwargs["application_id"]))

    def delete(self, request: Request, application_id: str) -> Response:
        """Remove it with its keys and subscriptions; 202 when somebody must approve that first."""
        waiting = delete_application(by=request.user, application=own(request, application_id))
        if waiting is None:
            return Response(status=200)
        body = {"workflowStatus": "CREATED", "jsonPayload": ""}
        return Response(body, 202, headers={"Location": f"/applications/{waiting.pk}"})


class ChangeOwner(Resource):
    """POST."""

    manage = CHANGE_OWNER

    def post(self, request: Request, application_id: str) -> Response:
        """Hand it over to the user in the query parameter `owner`."""
        owner = self.word("owner")
        if not owner:
            raise wrong("owner", "is required")
        change_owner(by=request.user, application=own(request, application_id), owner=owner)
        return Response(status=200)


def own(request: Request, application_id: str) -> Application:
    """The organisation's application of that id. Raises NotFound."""
    rows = Application.objects.filter(organisation=request.user.organisation).select_related("organisation", "owner")
    found = rows.filter(pk=identifier(application_id, "application")).first()
    if found is None:
        raise NotFound(f"There is no application {application_id[:100]!r}.")
    return found


def _shown(row: Application) -> dict[str, Any]:
    return {
        "applicationId": str(row.pk),
        "name": row.name,
        "owner": row.owner.get_username(),
        "status": str(row.status),
        "groupId": ",".join(group.name for group in row.groups.all()),
    }
