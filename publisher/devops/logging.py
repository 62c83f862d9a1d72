"""/tenant-logs/{tenant}/apis: which APIs are logged, and how much."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.permissions import require
from apim.errors import NotFound
from publisher.actions.log_levels import OPERATORS, set_log_level
from publisher.api.base import Resource, body_of, tagged
from publisher.models import Api


class ApiLogs(Resource):
    """GET /tenant-logs/{tenant}/apis."""

    def get(self, request: Request, tenant: str) -> Response:
        """All APIs with their levels; `logLevel` chooses one level."""
        rows = _apis(request, tenant)
        wanted = self.word("logLevel")
        found = rows.filter(log_level=wanted.upper()) if wanted else rows
        return tagged(request, {"apis": [_shown(api) for api in found]})


class ApiLog(Resource):
    """GET and PUT /tenant-logs/{tenant}/apis/{apiId}."""

    def get(self, request: Request, tenant: str, api_id: str) -> Response:
        """One API's level."""
        _apis(request, tenant)
        return tagged(request, {"apis": [_shown(self.api(api_id))]})

    def put(self, request: Request, tenant: str, api_id: str) -> Response:
        """Set it: `{"logLevel": "BASIC"}`."""
        _apis(request, tenant)
        level = body_of(request).get("logLevel")
        api = set_log_level(by=request.user, api=self.api(api_id), level=str(level).upper())
        return tagged(request, _shown(api))


def _apis(request: Request, tenant: str) -> QuerySet[Api]:
    """The APIs of `tenant`, which is the caller's own. Raises Forbidden, and NotFound for another tenant."""
    require(request.user, *OPERATORS)
    if tenant != request.user.organisation.domain:
        raise NotFound(f"There is no tenant {tenant[:100]!r} for you.")
    return Api.objects.filter(organisation=request.user.organisation).select_related("organisation").defer("definition")


def _shown(api: Api) -> dict[str, Any]:
    return {
        "apiId": str(api.pk),
        "name": api.name,
        "version": api.version,
        "context": api.organisation.prefix + api.context,
        "logLevel": api.log_level,
        "resourceMethod": None,
        "resourcePath": None,
    }
