"""Pages' downloads: the schema of a GraphQL API, the WSDL of a SOAP API."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apim.errors import NotFound
from portal import described, queries
from portal.addresses import addresses
from portal.views.base import organisation
from publisher.api.soap import wsdl_response


@require_safe
def schema(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The SDL."""
    api = queries.api(request.user, organisation(request), api_id)
    if api.kind != "GRAPHQL":
        raise NotFound(f"{api} has no GraphQL schema.")
    response = HttpResponse(api.definition, content_type="application/graphql; charset=utf-8")
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in f"{api.name}-{api.version}")
    response["Content-Disposition"] = f'attachment; filename="{name}.graphql"'
    return response


@require_safe
def wsdl(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The WSDL with the gateway's address, of APIs that take SOAP."""
    api = queries.api(request.user, organisation(request), api_id)
    if api.kind != "SOAP" or not api.wsdl:
        raise NotFound(f"{api} has no WSDL.")
    return wsdl_response(described.wsdl(api, addresses(api)), f"{api.name}-{api.version}")
