"""What an organisation has besides its APIs: roles, tenants, categories, key managers, the rules of its linter."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import Organisation, Role
from apim.configuration.scopes import stored
from apim.errors import FieldError, Invalid
from apim.keymanager.models import KeyManager
from publisher import queries
from publisher.api.base import Resource, base64_name, tagged

VIEW = ("apim:api_view", "apim:api_manage")
LINTER_RULES = "LinterCustomRules"
"""Where the tenant configuration has them."""
STATES = {"active": True, "inactive": False}


class SystemRole(Resource):
    """HEAD /roles/{roleId}; the id is the name, base64url-encoded."""

    scopes = {"HEAD": ("apim:api_create", "apim:api_publish", "apim:api_manage")}

    def head(self, request: Request, role_id: str) -> Response:
        """200 when the organisation has that role, else 404."""
        queries.apis(request.user)
        found = Role.objects.filter(organisation=request.user.organisation, name=base64_name(role_id))
        return Response(status=200 if found.exists() else 404)


class OwnRole(Resource):
    """HEAD /me/roles/{roleId}."""

    scopes = {"HEAD": ("apim:api_create", "apim:api_manage")}

    def head(self, request: Request, role_id: str) -> Response:
        """200 when the caller has that role, else 404."""
        queries.apis(request.user)
        return Response(status=200 if base64_name(role_id) in request.user.role_names else 404)


class Tenants(Resource):
    """GET /tenants."""

    scopes = {"GET": VIEW}

    def get(self, request: Request) -> Response:
        """Domains of the organisations that are `state`: active (the default) or inactive."""
        queries.apis(request.user)
        state = self.word("state", "active").lower()
        if state not in STATES:
            raise Invalid("That state is not known.", [FieldError("state", "is active or inactive")])
        rows = Organisation.objects.filter(active=STATES[state])
        return self.page(rows, lambda row: {"domain": row.domain, "status": state})


class OneTenant(Resource):
    """HEAD /tenants/{tenantDomain}."""

    scopes = {"HEAD": VIEW}

    def head(self, request: Request, domain: str) -> Response:
        """200 when there is an organisation of that domain, else 404."""
        queries.apis(request.user)
        found = Organisation.objects.filter(domain=domain.replace("\0", "").lower())
        return Response(status=200 if found.exists() else 404)


class Categories(Resource):
    """GET /api-categories."""

    scopes = {"GET": VIEW}

    def get(self, request: Request) -> Response:
        """All of the organisation."""
        queries.apis(request.user)
        rows = request.user.organisation.api_categories.all()
        found = [{"id": str(row.pk), "name": row.name, "description": row.description} for row in rows]
        return tagged(request, {"count": len(found), "list": found})


class KeyManagers(Resource):
    """GET /key-managers."""

    scopes = {"GET": ("apim:api_view", "apim:api_create", "apim:api_manage")}

    def get(self, request: Request) -> Response:
        """All of the organisation: what an API may be restricted to."""
        queries.apis(request.user)
        found = [_key_manager(row) for row in KeyManager.objects.filter(organisation=request.user.organisation)]
        return tagged(request, {"count": len(found), "list": found})


class LinterRules(Resource):
    """GET /linter-custom-rules."""

    scopes = {"GET": ("apim:api_view",)}

    def get(self, request: Request) -> Response:
        """The organisation's own ruleset, as text; empty when it has none."""
        queries.apis(request.user)
        found = stored(request.user.organisation).get(LINTER_RULES)
        return tagged(request, found if isinstance(found, str) else json.dumps(found) if found else "")


def _key_manager(row: KeyManager) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "displayName": row.label,
        "type": row.kind,
        "description": getattr(row, "description", ""),
        "enabled": row.enabled,
        "additionalProperties": [],
    }
