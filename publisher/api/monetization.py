"""/apis/{apiId}/monetize, /monetization and /revenue."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from publisher.actions.monetization import monetize
from publisher.api.base import Resource, body_of, tagged
from publisher.api.shapes.monetization import shown
from publisher.monetization import provider

VIEW = ("apim:api_view", "apim:api_publish", "apim:api_manage")


class Monetize(Resource):
    """POST /apis/{apiId}/monetize."""

    scopes = {"POST": ("apim:api_publish", "apim:api_manage")}

    def post(self, request: Request, api_id: str) -> Response:
        """Switch it on or off."""
        body = body_of(request)
        enabled, properties = body.get("enabled"), body.get("properties")
        api = monetize(by=request.user, api=self.api(api_id), enabled=enabled, properties=properties)
        return Response(shown(api), status=201)


class Monetization(Resource):
    """GET /apis/{apiId}/monetization."""

    scopes = {"GET": VIEW}

    def get(self, request: Request, api_id: str) -> Response:
        """Whether it is on, and the billing provider's identifier of each plan that costs money."""
        api = self.api(api_id)
        on = bool(api.monetization.get("enabled"))
        return tagged(request, {"enabled": on, "properties": provider().plan_ids(api) if on else {}})


class Revenue(Resource):
    """GET /apis/{apiId}/revenue."""

    scopes = {"GET": VIEW}

    def get(self, request: Request, api_id: str) -> Response:
        """What the billing provider says it earns."""
        api = self.api(api_id)
        found = provider().revenue(api) if api.monetization.get("enabled") else {}
        return tagged(request, {"properties": found})
