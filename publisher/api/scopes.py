"""/scopes: scopes that an organisation's APIs share, and who uses them."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from publisher import queries
from publisher import scopes as reads
from publisher.actions.scopes import create_scope, delete_scope, update_scope
from publisher.api.base import Resource, base64_name, body_of, renamed, tagged
from publisher.api.shapes.scopes import of_organisation
from publisher.models import Api, SharedScope

VIEW, MANAGE = ("apim:api_view", "apim:shared_scope_manage"), ("apim:shared_scope_manage",)
FIELDS = {"name": "name", "displayName": "display_name", "description": "description", "bindings": "roles"}
"""Contract → action."""


class Scopes(Resource):
    """GET and POST /scopes."""

    scopes = {"GET": VIEW, "POST": MANAGE}

    def get(self, request: Request) -> Response:
        """The shared scopes with the number of their APIs."""
        return self.page(reads.shared_scopes(request.user), _counted)

    def post(self, request: Request) -> Response:
        """A new one."""
        body = body_of(request)
        with renamed(FIELDS):
            made = create_scope(by=request.user, **{"name": None, **_given(body)})
        return tagged(request, of_organisation(made, 0), status=201, headers={"Location": f"/scopes/{made.pk}"})


class OneScope(Resource):
    """GET, PUT, DELETE and HEAD /scopes/{scopeId}; HEAD takes the name, base64url-encoded."""

    scopes = {
        "GET": VIEW,
        "PUT": MANAGE,
        "DELETE": MANAGE,
        "HEAD": ("apim:api_create", "apim:api_publish", "apim:api_manage", *MANAGE),
    }

    def get(self, request: Request, scope_id: str) -> Response:
        """One shared scope."""
        return tagged(request, _counted(reads.shared_scope(request.user, scope_id)))

    def put(self, request: Request, scope_id: str) -> Response:
        """Change texts and roles; the name stays."""
        scope, body = reads.shared_scope(request.user, scope_id), body_of(request)
        given = _given(body)
        if given.pop("name", scope.name) != scope.name:
            message = f"The name stays {scope.name}: tokens and operations have it."
            raise Invalid(message, [FieldError("name", message)])
        with renamed(FIELDS):
            update_scope(by=request.user, scope=scope, **given)
        return tagged(request, _counted(reads.shared_scope(request.user, scope_id)))

    def delete(self, request: Request, scope_id: str) -> Response:
        """Delete it, unless APIs ask for it."""
        delete_scope(by=request.user, scope=reads.shared_scope(request.user, scope_id))
        return Response(status=200)

    def head(self, request: Request, scope_id: str) -> Response:
        """200 when there is a scope of that name, shared or an API's own."""
        queries.apis(request.user)
        known = any(reads.exists(request.user.organisation, name) for name in {base64_name(scope_id), scope_id})
        return Response(status=200 if known else 404)


class ScopeUsage(Resource):
    """GET /scopes/{scopeId}/usage."""

    scopes = {"GET": (*VIEW, "apim:api_manage")}

    def get(self, request: Request, scope_id: str) -> Response:
        """APIs whose operations ask for it."""
        scope = reads.shared_scope(request.user, scope_id)
        seen = queries.listed(request.user).filter(shared_scopes=scope).prefetch_related("operations")
        used = [_usage(api, scope.name) for api in seen]
        return tagged(request, {"id": str(scope.pk), "name": scope.name, "usedApiList": used})


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {ours: body[theirs] for theirs, ours in FIELDS.items() if body.get(theirs) is not None}


def _counted(scope: SharedScope) -> dict[str, Any]:
    return of_organisation(scope, scope.uses)


def _usage(api: Api, name: str) -> dict[str, Any]:
    resources = [{"target": one.target, "verb": one.verb} for one in api.operations.all() if name in one.scopes]
    shown = {"name": api.name, "version": api.version, "provider": api.provider.get_username()}
    return shown | {
        "context": api.organisation.prefix + api.context,
        "usedResourceList": resources,
    }
