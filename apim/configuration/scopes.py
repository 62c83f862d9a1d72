"""Which roles have which scope of the management REST APIs: `RESTAPIScopes` and `RoleMappings` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from apim.accounts.models import BuiltinRole, Organisation, User

TABLE = Path(__file__).with_name("scopes.tsv")
KEPT = ("apim:admin", "apim:scope_manage")
"""Scopes that administrators cannot take from themselves: nobody could give them back by REST."""


@dataclass(frozen=True)
class SystemScope:
    """A scope of the contracts: the section it opens, what it is for, and the roles that have it from the start."""

    section: str
    name: str
    description: str
    roles: tuple[str, ...]


@cache
def system_scopes() -> dict[str, SystemScope]:
    """Every scope of the contracts by name."""
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {name: SystemScope(tag, name, text, tuple(roles.split(","))) for tag, name, text, roles in rows}


def default_mapping() -> dict[str, tuple[str, ...]]:
    """Scope → roles that have it from the start."""
    return {scope.name: scope.roles for scope in system_scopes().values()}


def mapping(content: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Scope → roles, as the configuration says; a scope it does not name is as it was from the start."""
    given = _section(_section(content, "RESTAPIScopes"), "Scope")
    rows = [row for row in (given if isinstance(given, list) else []) if isinstance(row, dict)]
    found = {str(row["Name"]): _names(row.get("Roles")) for row in rows if row.get("Name")}
    return default_mapping() | found


def aliases(content: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Role → roles that count as it, as the configuration says."""
    given = _section(content, "RoleMappings")
    return {role: _names(others) for role, others in given.items()} if isinstance(given, dict) else {}


def write_mapping(content: dict[str, Any], roles: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """`content` with this mapping of scopes."""
    rows = [{"Name": name, "Roles": ",".join(names)} for name, names in roles.items()]
    return content | {"RESTAPIScopes": {"Scope": rows}}


def write_aliases(content: dict[str, Any], given: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """`content` with these aliases of roles."""
    return content | {"RoleMappings": {role: ",".join(names) for role, names in given.items()}}


def roles_of(user: User, content: dict[str, Any]) -> set[str]:
    """The user's roles, and those that they are an alias of."""
    own = set(user.role_names) | ({str(BuiltinRole.ADMIN)} if user.is_superuser else set())
    return own | {role for role, others in aliases(content).items() if own & set(others)}


def stored(organisation: Organisation | int) -> dict[str, Any]:
    """What administrators wrote, empty when they wrote nothing."""
    from apim.configuration.models import TenantConfiguration  # noqa: PLC0415 - token code imports this before models are loaded

    rows = TenantConfiguration.objects.filter(organisation=organisation).values_list("content", flat=True)
    return rows.first() or {}


def may_have(user: User, scope: str) -> bool:
    """Whether a token in the user's name may carry `scope`. One that nobody mapped is the administrators'."""
    return scope in granted(user, [scope])


def granted(user: User, wanted: list[str]) -> list[str]:
    """Those of `wanted` that the user's roles have; one query."""
    content = stored(user.organisation_id)
    roles, found = roles_of(user, content), mapping(content)
    return [scope for scope in wanted if roles.intersection(found.get(scope, (str(BuiltinRole.ADMIN),)))]


def _section(content: Any, name: str) -> Any:
    return (content.get(name) if isinstance(content, dict) else None) or {}


def _names(text: Any) -> tuple[str, ...]:
    parts = text if isinstance(text, list) else str(text or "").split(",")
    return tuple(dict.fromkeys(name for part in parts if (name := str(part).strip())))
