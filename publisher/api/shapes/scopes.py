"""The scopes of an API in the contract: names, with the roles they are bound to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from publisher.models import Api, Operation


def shown(api: Api, operations: Iterable[Operation]) -> list[dict[str, Any]]:
    """Every scope that an operation asks for, or that is bound to roles."""
    names = {scope for operation in operations for scope in operation.scopes} | api.scope_roles.keys()
    return [_scope(name, api.scope_roles.get(name, [])) for name in sorted(names)]


def bindings(listed: list[Any]) -> dict[str, Any]:
    """Scope → roles, from the contract's list; those without roles stay away. What has another form is left to the check."""
    found = {}
    for item in listed:
        scope = item.get("scope") if isinstance(item, dict) else None
        if isinstance(scope, dict) and scope.get("bindings"):
            found[scope.get("name")] = scope["bindings"]
    return found


def _scope(name: str, roles: list[str]) -> dict[str, Any]:
    return {"scope": {"name": name, "displayName": name, "description": "", "bindings": roles}, "shared": False}
