"""Create, change and delete the scopes that an organisation's APIs share."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, Organisation, Role, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, FieldError, Invalid, NotFound
from apim.eventhub.publish import take_turn
from apim.keymanager.scopes import DEFAULT, OPENID, is_management
from publisher import records
from publisher.actions.access import locked_organisation
from publisher.checks import Problems
from publisher.checks.basics import matching, names, text
from publisher.errors import InUse
from publisher.models import SharedScope
from publisher.scopes import operations_asking

MANAGERS = (BuiltinRole.CREATOR,)
MOST_SCOPES = 2000
NAME = re.compile(r"^[\x21\x23-\x5b\x5d-\x7e]{1,255}$")
"""What RFC 6749 allows in the name of a scope."""


@transaction.atomic
def create_scope(*, by: User, name: Any, display_name: Any = "", description: Any = "", roles: Any = ()) -> SharedScope:
    """A new shared scope; without `roles` everybody gets it.

    Raises Invalid naming every wrong field, Conflict when the name is taken by a shared scope or by one of a single API.
    """
    require(by, *MANAGERS)
    organisation = locked_organisation(by)
    problems = Problems()
    name = matching(
        problems, "name", name, NAME, "Use printable characters without spaces, quotes, backslashes.", most=255
    )
    if name in (DEFAULT, *OPENID) or is_management(name):
        problems.add("name", f"{name} belongs to the platform.")
    clean = _checked(problems, organisation, display_name, description, roles)
    _refuse_taken(organisation, name)
    scope = SharedScope.objects.create(organisation=organisation, name=name, **clean)
    audit.record(by, "scope.create", scope, after={"name": name, **clean})
    return scope


@transaction.atomic
def update_scope(
    *, by: User, scope: SharedScope, display_name: Any = None, description: Any = None, roles: Any = None
) -> SharedScope:
    """Change what is given; the name stays. Gateways and new tokens follow at once."""
    scope = _locked(by, scope)
    before = _values(scope)
    given = {"display_name": display_name, "description": description, "roles": roles}
    wanted = before | {name: value for name, value in given.items() if value is not None}
    for name, value in _checked(Problems(), scope.organisation, **wanted).items():
        setattr(scope, name, value)
    scope.save()
    if scope.roles != before["roles"]:
        for api in scope.apis.filter(deployments__isnull=False).select_related("organisation", "provider").distinct():
            records.announce_all(api)
    audit.record(by, "scope.update", scope, before=before, after=_values(scope))
    return scope


@transaction.atomic
def delete_scope(*, by: User, scope: SharedScope) -> None:
    """Delete `scope`. Raises InUse while APIs ask for it."""
    scope = _locked(by, scope)
    users = [str(api) for api in scope.apis.only("name", "version")[:6]]
    if users:
        more = " and others" if len(users) > 5 else ""
        raise InUse(f"Operations of {', '.join(users[:5])}{more} ask for the scope {scope}; take it from them first.")
    audit.record(by, "scope.delete", scope, before={"name": scope.name, **_values(scope)})
    scope.delete()


def _locked(by: User, scope: SharedScope) -> SharedScope:
    require_same_organisation(by, scope.organisation)
    require(by, *MANAGERS)
    take_turn()
    fresh = SharedScope.objects.select_for_update().select_related("organisation").filter(pk=scope.pk).first()
    if fresh is None:
        raise NotFound(f"There is no shared scope {scope} any more.")
    return fresh


def _checked(
    problems: Problems, organisation: Organisation, display_name: Any, description: Any, roles: Any
) -> dict[str, Any]:
    known = set(Role.objects.filter(organisation=organisation).values_list("name", flat=True)) if roles else set()
    clean = {
        "display_name": text(problems, "display_name", display_name, most=255).strip(),
        "description": text(problems, "description", description, most=512).strip(),
        "roles": names(problems, "roles", roles, allowed=known),
    }
    problems.raise_any()
    return clean


def _refuse_taken(organisation: Organisation, name: str) -> None:
    rows = SharedScope.objects.filter(organisation=organisation)
    if rows.filter(name=name).exists():
        raise Conflict(f"There is a shared scope {name} already.", [FieldError("name", "Choose another name.")])
    if rows.count() >= MOST_SCOPES:
        raise Invalid(f"There are {MOST_SCOPES} shared scopes, which is the most.", [FieldError("name", "Full.")])
    first = operations_asking(organisation, name).first()
    if first is not None:
        message = f"{name} is a scope of {first.api} alone; take it from its operations, then add it again as shared."
        raise Conflict(message, [FieldError("name", message)])


def _values(scope: SharedScope) -> dict[str, Any]:
    return {"display_name": scope.display_name, "description": scope.description, "roles": scope.roles}
