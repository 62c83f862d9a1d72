"""/system-scopes and /system-scopes/role-aliases."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import User
from apim.accounts.names import full_name
from apim.accounts.rest_admin import Resource, as_list, as_object, strings, text, wrong
from apim.configuration import document, scopes
from apim.configuration.actions.document import set_role_aliases, set_scope_roles
from apim.errors import NotFound

MANAGE = ("apim:admin", "apim:scope_manage")
MOST = 1000


class SystemScopes(Resource):
    """GET and PUT of the roles of every scope."""

    see = manage = MANAGE

    def get(self, request: Request) -> Response:
        """Every scope with its section and its roles."""
        return Response(_shown(scopes.mapping(document.current(request.user.organisation))))

    def put(self, request: Request) -> Response:
        """Give the listed scopes to exactly the roles listed with them."""
        roles = {text(row, "name", place): tuple(strings(row, "roles", place)) for place, row in _rows(self.body())}
        content = set_scope_roles(by=request.user, organisation=request.user.organisation, roles=roles)
        return Response(_shown(scopes.mapping(content)))


class OneScope(Resource):
    """GET: whether a user has a scope."""

    see = MANAGE

    def get(self, request: Request, scope_name: str) -> Response:
        """The scope when `username` (the caller when absent) may have it; 404 when there is none or the user has it not."""
        mapped = scopes.mapping(document.current(request.user.organisation))
        if scope_name not in mapped:
            raise NotFound(f"There is no scope {scope_name[:100]!r}.")
        user = self.user()
        if not scopes.may_have(user, scope_name):
            raise NotFound(f"{user.get_username()} has no role with the scope {scope_name}.")
        found = scopes.system_scopes().get(scope_name)
        return Response({"name": scope_name, "description": found.description if found else ""})

    def user(self) -> User:
        """The user asked for, of the caller's organisation. Raises NotFound."""
        name = self.word("username")
        organisation = self.request.user.organisation
        if not name:
            return self.request.user
        rows = User.objects.filter(organisation=organisation, username__in=[name, full_name(name, organisation)])
        found = rows.first()
        if found is None:
            raise NotFound(f"There is no user {name[:100]!r}.")
        return found


class RoleAliases(Resource):
    """GET and PUT of the roles that count as others."""

    see = manage = MANAGE

    def get(self, request: Request) -> Response:
        """Each role with its aliases."""
        return Response(_aliases(scopes.aliases(document.current(request.user.organisation))))

    def put(self, request: Request) -> Response:
        """Replace all of them."""
        given = {text(row, "role", place): tuple(strings(row, "aliases", place)) for place, row in _rows(self.body())}
        content = set_role_aliases(by=request.user, organisation=request.user.organisation, aliases=given)
        return Response(_aliases(scopes.aliases(content)))


def _rows(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if "list" not in body:
        raise wrong("list", "is required")
    found = as_list(body["list"], "list")
    if len(found) > MOST:
        raise wrong("list", f"has more than {MOST} entries")
    return [(f"list[{place}]", as_object(row, f"list[{place}]")) for place, row in enumerate(found)]


def _shown(mapped: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    known = scopes.system_scopes()
    rows = [
        {
            "tag": known[name].section if name in known else "other",
            "name": name,
            "description": known[name].description if name in known else "",
            "roles": list(roles),
        }
        for name, roles in mapped.items()
    ]
    return {"count": len(rows), "list": rows}


def _aliases(found: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    rows = [{"role": role, "aliases": list(names)} for role, names in found.items()]
    return {"count": len(rows), "list": rows}
