"""REST: the schema of a GraphQL API with the costs of its fields, the WSDL of a SOAP API."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import NotFound
from portal import described, queries
from portal.addresses import addresses
from portal.api.base import OpenView, tagged, tenant
from publisher.api.soap import Whatever, wsdl_response
from publisher.graphql.schema import types
from publisher.models import Api


class _Graphql(OpenView):
    """A resource of GraphQL APIs."""

    def graphql(self, request: Request, api_id: UUID) -> Api:
        """The API asked for. Raises NotFound when it is of another kind."""
        api = queries.api(request.user, tenant(request), api_id)
        if api.kind != "GRAPHQL":
            raise NotFound(f"{api} has no GraphQL schema.")
        return api


class Schema(_Graphql):
    """GET /apis/{apiId}/graphql-schema."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """The SDL."""
        api = self.graphql(request, api_id)
        return tagged(request, {"name": f"{api.name}{api.version}.graphql", "schemaDefinition": api.definition})


class Complexity(_Graphql):
    """GET /apis/{apiId}/graphql-policies/complexity."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """What fields cost; those that are not listed cost 1."""
        costs = self.graphql(request, api_id).complexities
        shown = [{"type": one["type"], "field": one["field"], "complexityValue": one["value"]} for one in costs]
        return Response({"list": shown})


class ComplexityTypes(_Graphql):
    """GET /apis/{apiId}/graphql-policies/complexity/types."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """The types of the schema with their fields."""
        found = types(self.graphql(request, api_id).definition)
        return Response({"typeList": [{"type": one["type"], "fieldList": one["fields"]} for one in found]})


class Wsdl(OpenView):
    """GET /apis/{apiId}/wsdl: with the gateway's address; `environmentName` picks one."""

    content_negotiation_class = Whatever

    def get(self, request: Request, api_id: UUID) -> HttpResponse:
        """XML, or a zip archive when the WSDL has several files."""
        api = queries.api(request.user, tenant(request), api_id)
        if api.kind != "SOAP" or not api.wsdl:
            raise NotFound(f"{api} has no WSDL.")
        wanted = request.query_params.get("environmentName", "")
        places = [place for place in addresses(api) if wanted in ("", place.environment)]
        return wsdl_response(described.wsdl(api, places), f"{api.name}-{api.version}")
