"""The scopes of an API in the contract: names, with the roles they are bound to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from publisher.models import Api, Operation, SharedScope


def shown(api: Api, operations: Iterable[Operation]) -> list[dict[str, Any]]:
    """Every scope that an operation asks for, or that is bound to roles; shared ones as the organisation has them."""
    shared = {row.name: row for row in api.shared_scopes.all()}
    names = {scope for operation in operations for scope in operation.scopes} | api.scope_roles.keys()
    return [
        {"scope": of_organisation(shared[name]), "shared": True} if name in shared else _local(api, name)
        for name in sorted(names)
    ]


def of_organisation(row: SharedScope, uses: int | None = None) -> dict[str, Any]:
    """The contract's Scope for a shared one; `uses`: how many APIs ask for it."""
    body = {
        "id": str(row.pk),
        "name": row.name,
        "displayName": row.display_name or row.name,
        "description": row.description,
        "bindings": row.roles,
    }
    return body if uses is None else body | {"usageCount": uses}


def bindings(listed: list[Any]) -> dict[str, Any]:
    """Scope → roles, from the contract's list; those without roles stay away. What has another form is left to the check."""
    return {scope.get("name"): scope["bindings"] for scope in _scopes(listed) if scope.get("bindings")}


def texts(listed: list[Any]) -> dict[str, Any]:
    """Scope → its texts, from the contract's list, where there are any."""
    return {
        scope["name"]: {"display_name": scope.get("displayName"), "description": scope.get("description")}
        for scope in _scopes(listed)
        if isinstance(scope.get("name"), str)
        and (scope.get("description") or scope.get("displayName") not in (None, "", scope["name"]))
    }


def _scopes(listed: list[Any]) -> list[dict[str, Any]]:
    found = [item.get("scope") for item in listed if isinstance(item, dict)]
    return [scope for scope in found if isinstance(scope, dict)]


def _local(api: Api, name: str) -> dict[str, Any]:
    said = api.scope_texts.get(name, {})
    scope = {
        "name": name,
        "displayName": said.get("display_name") or name,
        "description": said.get("description", ""),
        "bindings": api.scope_roles.get(name, []),
    }
    return {"scope": scope, "shared": False}
