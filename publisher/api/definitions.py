"""/apis/validate-openapi, /apis/import-openapi and /apis/{apiId}/swagger."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_parsers import JSONParser
from publisher import queries
from publisher.actions.access import etag
from publisher.actions.definitions import definition_text, import_openapi, replace_definition, validate_openapi
from publisher.api.base import Resource, api_response, body_of, definition_of, described, document_response
from publisher.api.negotiation import Whatever
from publisher.api.places import contract_places
from publisher.archive.tree import BadArchive
from publisher.errors import BadDefinition
from publisher.openapi import archives
from publisher.openapi.report import Mistake, Report

_PARSERS = [MultiPartParser, FormParser, JSONParser]


class ValidateOpenApi(Resource):
    """POST /apis/validate-openapi."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """The report on a definition; 200 for a broken one as well."""
        queries.apis(request.user)
        body_of(request)
        try:
            report = validate_openapi(openapi_of(request))
        except BadArchive as error:
            problems = [Mistake("/", 0, field.message) for field in error.fields]
            report = Report(text="", mistakes=problems)
        return Response(_report(report, self.switch("returnContent")))


class ImportOpenApi(Resource):
    """POST /apis/import-openapi."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """An API from a definition; `additionalProperties` is a contract's API that overrides what it suggests."""
        body_of(request)
        text, (_, fields) = openapi_of(request), described(request)
        fields = {name: value for name, value in fields.items() if value or name != "operations"}
        with contract_places():
            api = import_openapi(by=request.user, text=text, **fields)
        return api_response(request, queries.api(request.user, api.pk), 201)


class Swagger(Resource):
    """GET and PUT /apis/{apiId}/swagger."""

    parser_classes = _PARSERS
    content_negotiation_class = Whatever

    def get(self, request: Request, api_id: str) -> HttpResponse:
        """The definition: JSON, or with `Accept: application/yaml` byte for byte as it was given."""
        api = self.api(api_id)
        return document_response(request, definition_text(api), etag(api))

    def put(self, request: Request, api_id: str) -> HttpResponse:
        """Replace the definition and with it the operations."""
        body_of(request)
        api, text = self.api(api_id), definition_of(request, "apiDefinition")
        with contract_places():
            replace_definition(by=request.user, api=api, text=text, expected=self.if_match())
        return self.get(request, api_id)


def openapi_of(request: Request) -> str:
    """The definition sent as `file`, also as an archive of several, in the form, or behind `url`. Raises Invalid, BadArchive."""
    upload = request.data.get("file")
    if upload is not None and hasattr(upload, "read"):
        content = upload.read()
        upload.seek(0)
        if archives.is_archive(content):
            return archives.text_of(content)
    return definition_of(request, "inlineAPIDefinition")


def _report(report: Report, with_content: bool) -> dict[str, Any]:
    suggestion = report.suggestion
    body: dict[str, Any] = {"isValid": report.valid, "errors": [_error(mistake) for mistake in report.mistakes]}
    if with_content:
        body["content"] = report.text
    if report.valid:
        info = {name: suggestion[name] for name in ("name", "version", "context", "description")}
        body["info"] = {**info, "openAPIVersion": report.openapi, "endpoints": report.addresses}
    return body


def _error(mistake: Any) -> dict[str, str]:
    return {
        "code": str(BadDefinition.code),
        "message": mistake.message,
        "description": f"{mistake.place}: {mistake.message}",
    }
