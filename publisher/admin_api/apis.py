"""/apis and /apis/{apiId}/change-provider."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource, identifier, page, wrong
from apim.errors import NotFound
from publisher import queries
from publisher.actions.provider import change_provider
from publisher.models import Api

MANAGE = ("apim:admin", "apim:api_provider_change")


class Apis(Resource):
    """GET."""

    see = MANAGE

    def get(self, request: Request) -> Response:
        """APIs of the organisation by `query`, in pages."""
        return page(request, queries.search(queries.listed(request.user), self.word("query")), _shown, "/apis", "apis")


class ChangeProvider(Resource):
    """POST."""

    manage = MANAGE

    def post(self, request: Request, api_id: str) -> Response:
        """Hand the API over to the user in the query parameter `provider`."""
        provider = self.word("provider")
        if not provider:
            raise wrong("provider", "is required")
        rows = Api.objects.filter(organisation=request.user.organisation)
        api = rows.select_related("organisation").filter(pk=identifier(api_id, "API")).first()
        if api is None:
            raise NotFound(f"There is no API {api_id[:100]!r}.")
        change_provider(by=request.user, api=api, provider=provider)
        return Response(status=200)


def _shown(api: Api) -> dict[str, Any]:
    return {"id": str(api.pk), "name": api.name, "version": api.version, "provider": api.provider.get_username()}
