"""/apis/validate-graphql-schema, /apis/import-graphql-schema, /apis/{apiId}/graphql-schema and …/graphql-policies/complexity."""

from __future__ import annotations

from typing import Any

from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_parsers import JSONParser
from apim.errors import FieldError, Invalid
from publisher import queries
from publisher.actions.access import etag
from publisher.actions.graphql import (
    import_graphql,
    replace_schema,
    require_graphql,
    set_complexities,
    validate_graphql,
)
from publisher.api import dto
from publisher.api.base import Resource, api_response, body_of, definition_of, described, tagged
from publisher.api.places import contract_places
from publisher.fetching import fetch
from publisher.graphql.schema import types
from publisher.models import Api

_PARSERS = [MultiPartParser, FormParser, JSONParser]


class ValidateGraphql(Resource):
    """POST /apis/validate-graphql-schema."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """The report on a schema; 200 for a broken one as well."""
        queries.apis(request.user)
        report = validate_graphql(schema_of(request))
        if not report.valid:
            return Response({"isValid": False, "errorMessage": "; ".join(_told(one) for one in report.mistakes)})
        operations = [
            {"target": one["target"], "verb": one["verb"], "authType": dto.AUTH["any"], "throttlingPolicy": "Unlimited"}
            for one in report.suggestion["operations"]
        ]
        schema = {"name": "schema.graphql", "schemaDefinition": report.text}
        return Response(
            {"isValid": True, "errorMessage": "", "graphQLInfo": {"operations": operations, "graphQLSchema": schema}}
        )


class ImportGraphql(Resource):
    """POST /apis/import-graphql-schema."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """An API from a schema; `additionalProperties` is a contract's API with name, context, version and the rest."""
        body_of(request)
        text, (_, fields) = schema_of(request), described(request)
        with contract_places():
            api = import_graphql(by=request.user, text=text, **fields)
        return api_response(request, queries.api(request.user, api.pk), 201)


class GraphqlSchema(Resource):
    """GET and PUT /apis/{apiId}/graphql-schema."""

    parser_classes = _PARSERS

    def get(self, request: Request, api_id: str) -> Response:
        """The schema as it was given."""
        api = self.graphql(api_id)
        body = {
            "name": f"{api.provider.get_username()}-{api.name}{api.version}.graphql",
            "schemaDefinition": api.definition,
        }
        return tagged(request, body, etag(api))

    def put(self, request: Request, api_id: str) -> Response:
        """Replace it, and with it the operations."""
        body_of(request)
        api, text = self.graphql(api_id), definition_of(request, "schemaDefinition")
        with contract_places():
            replace_schema(by=request.user, api=api, text=text, expected=self.if_match())
        return self.get(request, api_id)

    def graphql(self, api_id: str) -> Api:
        """The API asked for, which must be one of GraphQL."""
        api = self.api(api_id)
        require_graphql(api)
        return api


class Complexity(GraphqlSchema):
    """GET and PUT /apis/{apiId}/graphql-policies/complexity."""

    def get(self, request: Request, api_id: str) -> Response:
        """The costs that were set."""
        costs = self.graphql(api_id).complexities
        shown = [{"type": one["type"], "field": one["field"], "complexityValue": one["value"]} for one in costs]
        return Response({"list": shown})

    def put(self, request: Request, api_id: str) -> Response:
        """Set them, all at once."""
        given = body_of(request).get("list")
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise Invalid("list: must be a list of objects.", [FieldError("list", "Must be a list of objects.")])
        costs = [
            {"type": one.get("type"), "field": one.get("field"), "value": one.get("complexityValue")} for one in given
        ]
        set_complexities(by=request.user, api=self.graphql(api_id), costs=costs, expected=self.if_match())
        return self.get(request, api_id)


class ComplexityTypes(GraphqlSchema):
    """GET /apis/{apiId}/graphql-policies/complexity/types."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, api_id: str) -> Response:
        """The types of the schema with their fields."""
        found = types(self.graphql(api_id).definition)
        return Response({"typeList": [{"type": one["type"], "fieldList": one["fields"]} for one in found]})


def schema_of(request: Request) -> str:
    """The schema sent as `file` or `schema`, or fetched from `url`. Raises Invalid when there is none or it is not UTF-8."""
    url: Any = request.data.get("url")
    if isinstance(url, str) and url.strip() and not request.data.get("file"):
        try:
            return fetch(url).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Invalid("url: what it answers is not UTF-8 text.", [FieldError("url", "Not UTF-8 text.")]) from error
    return definition_of(request, "schema")


def _told(mistake: Any) -> str:
    return f"{mistake.place}: {mistake.message}" if mistake.line else str(mistake.message)
