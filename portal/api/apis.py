"""REST: the catalogue – list, search, one API, its definition, its plans, and the tags of all."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal import found, queries
from portal.addresses import addresses
from portal.api import dto
from portal.api.base import OpenView, page, tagged, tenant
from portal.catalogue import tag_counts, visible
from portal.definition import definition
from portal.search import search
from publisher.models import Api, Document


class Apis(OpenView):
    """GET /apis: what this caller may see, filtered by `query`."""

    def get(self, request: Request) -> Response:
        rows = search(visible(request.user, tenant(request)), request.query_params.get("query", ""), content=False)
        return page(request, rows, dto.api_info, "/apis")


class Search(OpenView):
    """GET /search: the same over descriptions, tags, definitions and documents; `doc:` looks in documents alone."""

    def get(self, request: Request) -> Response:
        rows = found.everything(request.user, tenant(request), request.query_params.get("query", ""))
        return page(request, rows, _found, "/search")


class OneApi(OpenView):
    """GET /apis/{apiId}."""

    def get(self, request: Request, api_id: UUID) -> Response:
        api = queries.api(request.user, tenant(request), api_id)
        places = addresses(api)
        return tagged(request, dto.api(api, places, json.dumps(definition(api, places))))


class Swagger(OpenView):
    """GET /apis/{apiId}/swagger: the definition with the gateway's addresses; `environmentName` picks one."""

    def get(self, request: Request, api_id: UUID) -> HttpResponse:
        api = queries.api(request.user, tenant(request), api_id)
        wanted = request.query_params.get("environmentName", "")
        places = [place for place in addresses(api) if wanted in ("", place.environment)]
        return tagged(request, definition(api, places))


class SubscriptionPolicies(OpenView):
    """GET /apis/{apiId}/subscription-policies: the plans on offer."""

    def get(self, request: Request, api_id: UUID) -> Response:
        return Response(
            [
                dto.policy(plan)
                for plan in queries.plans(queries.api(request.user, tenant(request), api_id), request.user)
            ]
        )


class Tags(OpenView):
    """GET /tags: every tag of the visible APIs with its count."""

    def get(self, request: Request) -> Response:
        counted = tag_counts(visible(request.user, tenant(request)))
        return page(request, counted, lambda row: {"value": row[0], "count": row[1]}, "/tags")


def _found(row: Api | Document) -> dict[str, Any]:
    return dto.api_found(row) if isinstance(row, Api) else dto.document_found(row)
