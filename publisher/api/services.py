"""/apis/import-service and /apis/{apiId}/reimport-service."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import User
from apim.errors import NotFound
from catalog.models import Service
from publisher import queries
from publisher.actions.services import create_from_service, reimport_service
from publisher.api import dto
from publisher.api.base import Resource, api_response, body_of
from publisher.api.places import contract_places


def service_by_key(user: User, **which: str) -> Service:
    """The catalog entry of the user's organisation. Raises NotFound."""
    found = Service.objects.select_related("organisation").filter(organisation=user.organisation_id, **which).first()
    if found is None:
        raise NotFound(f"There is no service with {', '.join(f'{name} {value!r}' for name, value in which.items())}.")
    return found


class ImportService(Resource):
    """POST /apis/import-service."""

    def post(self, request: Request) -> Response:
        """An API from the catalog entry `serviceKey`; its endpoint is the service's whatever the body says."""
        queries.apis(request.user)
        service, body = service_by_key(request.user, key=self.required("serviceKey")), body_of(request)
        given = {name: body.get(name) for name in ("name", "version", "context")}
        fields = {name: value for name, value in dto.changes(body).items() if name not in ("endpoints", "operations")}
        with contract_places():
            api = create_from_service(by=request.user, service=service, **given, **fields)
        return api_response(request, queries.api(request.user, api.pk), 201)


class ReimportService(Resource):
    """PUT /apis/{apiId}/reimport-service."""

    def put(self, request: Request, api_id: str) -> Response:
        """Take over the service as it is now."""
        reimport_service(by=request.user, api=self.api(api_id), expected=self.if_match())
        return api_response(request, self.api(api_id))
