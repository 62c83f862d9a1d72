"""/apis: list, create, read, change, delete, copy, search."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import User
from apim.errors import FieldError, Invalid, NotFound
from publisher import queries
from publisher.actions.apis import copy_api, create_api, delete_api, update_api
from publisher.actions.services import copy_to_service_version
from publisher.actions.streaming import create_streaming
from publisher.api import dto
from publisher.api.base import Resource, api_response, body_of
from publisher.api.places import contract_places
from publisher.api.services import service_by_key
from publisher.api.shapes import streaming
from publisher.checks.basics import shown
from publisher.models import Api
from publisher.products import PRODUCT
from publisher.search import matching

IDENTITY = ("name", "version", "context")


class Apis(Resource):
    """GET and POST /apis."""

    def get(self, request: Request) -> Response:
        """The organisation's APIs that match `query`, sorted and paged."""
        found = matching(queries.listed(request.user).exclude(kind=PRODUCT), self.word("query"))
        return self.wide_page(found.order_by(*self._order()), dto.summary)

    def _order(self) -> tuple[str, str]:
        by, order = self.word("sortBy", "createdTime"), self.word("sortOrder", "desc")
        if by not in queries.SORTS or order not in ("asc", "desc"):
            message = f"Sort by one of {', '.join(queries.SORTS)}, in the order asc or desc."
            raise Invalid(message, [FieldError("sortBy", message)])
        return ("-" if order == "desc" else "") + queries.SORTS[by], "pk"

    def post(self, request: Request) -> Response:
        """A new API from scratch."""
        body = body_of(request)
        kind = "SOAP" if body.get("type") == "SOAP" else streaming.kind(body)
        fields = {name: body.get(name) for name in IDENTITY} | dto.changes(body) | streaming.options(body, {})
        fields["provider"] = self.provider(body.get("provider"))
        with contract_places():
            if kind in (None, "SOAP"):
                api = create_api(by=request.user, kind=kind or "HTTP", **fields)
            else:
                api = create_streaming(by=request.user, kind=kind, **fields)
        return api_response(request, queries.api(request.user, api.pk), 201)

    def provider(self, name: Any) -> User | None:
        """Whose API it becomes: administrators may create one for somebody else. None: the caller's. Raises Invalid."""
        by = self.request.user
        if name in (None, "", by.get_username()):
            return None
        message = f"{shown(name)} is not you; only administrators create APIs for others."
        if by.has_role():
            message = f"There is nobody called {shown(name)} in {by.organisation}."
            if isinstance(name, str) and (
                found := User.objects.filter(organisation=by.organisation_id, username=name).first()
            ):
                return found
        raise Invalid(f"provider: {message}", [FieldError("provider", message)])


class OneApi(Resource):
    """GET, PUT and DELETE /apis/{apiId}."""

    def get(self, request: Request, api_id: str) -> Response:
        """The API, or 304."""
        return api_response(request, self.api(api_id))

    def put(self, request: Request, api_id: str) -> Response:
        """Change what the body names; name, version and context stay."""
        api, body = self.api(api_id), body_of(request)
        _require_same(api, body)
        fields = dto.changes(body, api) | (streaming.options(body, api.gateway_options) if api.kind == "WEBSUB" else {})
        with contract_places():
            update_api(by=request.user, api=api, expected=self.if_match(), **fields)
        return api_response(request, self.api(api_id))

    def delete(self, request: Request, api_id: str) -> Response:
        """Delete the API."""
        delete_api(by=request.user, api=self.api(api_id), expected=self.if_match())
        return Response(status=200)


class CopyApi(Resource):
    """POST /apis/copy-api."""

    def post(self, request: Request) -> Response:
        """A new version of the API `apiId`."""
        source = self.api(self.required("apiId"))
        version, default = self.required("newVersion"), self.switch("defaultVersion")
        copy = {"by": request.user, "api": source, "version": version, "default_version": default}
        with contract_places():
            if self.word("serviceVersion") and source.service is not None:
                service = service_by_key(request.user, name=source.service.name, version=self.word("serviceVersion"))
                api = copy_to_service_version(service=service, **copy)
            else:
                api = copy_api(**copy)
        return api_response(request, queries.api(request.user, api.pk), 201)


class ValidateName(Resource):
    """POST /apis/validate."""

    def post(self, request: Request) -> Response:
        """200 when an API of that name or context (`name:Pizza`, `context:/pizza`) exists, else 404."""
        field, _, value = self.required("query").partition(":")
        if not value:
            field, value = "name", field
        if field not in ("name", "context"):
            raise Invalid(
                f"query: {field!r} is not one of name, context.", [FieldError("query", "name:… or context:…")]
            )
        lookup = (
            {"name__iexact": value}
            if field == "name"
            else {"context": value.removeprefix(request.user.organisation.prefix)}
        )
        if not queries.apis(request.user).filter(**lookup).exists():
            raise NotFound(f"There is no API whose {field} is {value[:80]!r}.")
        return Response(status=200)


def _require_same(api: Api, body: dict[str, Any]) -> None:
    prefix = api.organisation.prefix
    for name, now in (
        ("name", {api.name}),
        ("version", {api.version}),
        ("context", {api.context, prefix + api.context}),
    ):
        if body.get(name) is not None and body[name] not in list(now):
            message = f"{name} cannot be changed; it is {getattr(api, name)!r}. Copy the API to a new version instead."
            raise Invalid(message, [FieldError(name, message)])
