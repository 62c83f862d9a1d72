"""/apis/validate-asyncapi, /apis/import-asyncapi, /apis/{apiId}/asyncapi and /apis/{apiId}/topics."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_parsers import JSONParser
from apim.errors import FieldError, Invalid
from publisher import queries, snapshots
from publisher.actions.access import etag
from publisher.actions.apis import update_api
from publisher.actions.definitions import merge_operations
from publisher.actions.streaming import (
    asyncapi_text,
    import_asyncapi,
    replace_asyncapi,
    require_streaming,
    validate_asyncapi,
)
from publisher.api.base import Resource, api_response, body_of, definition_of, described, document_response
from publisher.api.negotiation import Whatever
from publisher.api.places import contract_places
from publisher.api.shapes import streaming
from publisher.fetching import fetch

_PARSERS = [MultiPartParser, FormParser, JSONParser]


class ValidateAsyncApi(Resource):
    """POST /apis/validate-asyncapi."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """The report on a definition; 200 for a broken one as well."""
        queries.apis(request.user)
        report = validate_asyncapi(asyncapi_of(request))
        errors = [
            {"code": 900754, "message": mistake.message, "description": mistake.place} for mistake in report.mistakes
        ]
        if not report.valid:
            return Response({"isValid": False, "errors": errors})
        found = report.suggestion
        info = {name: found[name] for name in ("name", "version", "context", "description")}
        info |= {
            "asyncAPIVersion": report.openapi.split()[-1],
            "protocol": found["kind"],
            "endpoints": report.addresses,
        }
        content = {"content": report.text} if self.switch("returnContent") else {}
        return Response({"isValid": True, "info": info, "errors": [], **content})


class ImportAsyncApi(Resource):
    """POST /apis/import-asyncapi."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """An API from a definition; `additionalProperties` is a contract's API that overrides what it suggests."""
        body_of(request)
        text, (body, fields) = asyncapi_of(request), described(request)
        fields |= streaming.options(body, {})
        with contract_places():
            api = import_asyncapi(by=request.user, text=text, kind=streaming.kind_of_definition(body), **fields)
        return api_response(request, queries.api(request.user, api.pk), 201)


class AsyncApi(Resource):
    """GET and PUT /apis/{apiId}/asyncapi."""

    parser_classes = _PARSERS
    content_negotiation_class = Whatever

    def get(self, request: Request, api_id: str) -> HttpResponse:
        """The definition."""
        api = self.api(api_id)
        return document_response(request, asyncapi_text(api), etag(api))

    def put(self, request: Request, api_id: str) -> HttpResponse:
        """Replace it, and with it the topics."""
        body_of(request)
        api, text = self.api(api_id), asyncapi_of(request, "apiDefinition")
        with contract_places():
            replace_asyncapi(by=request.user, api=api, text=text, expected=self.if_match())
        return self.get(request, api_id)


class Topics(Resource):
    """PUT /apis/{apiId}/topics."""

    def put(self, request: Request, api_id: str) -> Response:
        """Set the topics, all at once; rights and limits stay where a topic stays."""
        api, given = self.api(api_id), body_of(request).get("list")
        require_streaming(api)
        if not isinstance(given, list) or not given:
            raise Invalid("list: must be a list of topics.", [FieldError("list", "Must be a list with a topic.")])
        operations = merge_operations(snapshots.operations(api), [streaming.topic_in(one) for one in given])
        with contract_places():
            update_api(by=request.user, api=api, expected=self.if_match(), operations=operations)
        return api_response(request, self.api(api_id))


def asyncapi_of(request: Request, inline: str = "inlineAPIDefinition") -> str:
    """The definition sent as `file` or inline, or fetched from `url`. Raises Invalid when there is none or it is not UTF-8."""
    url: Any = request.data.get("url")
    if isinstance(url, str) and url.strip() and not request.data.get("file") and not request.data.get(inline):
        try:
            return fetch(url).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Invalid("url: what it answers is not UTF-8 text.", [FieldError("url", "Not UTF-8 text.")]) from error
    return definition_of(request, inline)
