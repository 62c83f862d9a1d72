"""Writes of the configuration: the whole document, the scopes of roles, aliases of roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require
from apim.configuration import document, scopes
from apim.configuration.models import TenantConfiguration
from apim.errors import FieldError, Invalid

Mapping = dict[str, tuple[str, ...]]


def write_configuration(*, by: User, organisation: Organisation, content: Any) -> dict[str, Any]:
    """Replace the configuration. Raises Forbidden unless `by` administers it, Invalid naming each wrong field."""
    return _change(by, organisation, "configuration.write", lambda before: document.check(content))


def set_scope_roles(*, by: User, organisation: Organisation, roles: Mapping) -> dict[str, Any]:
    """Give the named scopes to exactly these roles; the others stay. Raises Invalid for an unknown scope or role."""

    def changed(before: dict[str, Any]) -> dict[str, Any]:
        present = scopes.mapping(before)
        _check_scopes(organisation, roles, present)
        return scopes.write_mapping(before, present | roles)

    return _change(by, organisation, "configuration.scopes", changed)


def set_role_aliases(*, by: User, organisation: Organisation, aliases: Mapping) -> dict[str, Any]:
    """Let exactly these roles count as others where scopes are given. Raises Invalid for a role that does not exist."""

    def changed(before: dict[str, Any]) -> dict[str, Any]:
        _known_roles(
            organisation, {name: (name, *others) for name, others in aliases.items()}, "list", scopes.aliases(before)
        )
        return scopes.write_aliases(before, aliases)

    return _change(by, organisation, "configuration.aliases", changed)


@transaction.atomic
def _change(
    by: User, organisation: Organisation, action: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    require(by, BuiltinRole.ADMIN)
    may_manage(by, organisation)
    # The lock on the organisation puts two first writes in order as well.
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    row, _ = TenantConfiguration.objects.get_or_create(organisation=organisation)
    before = row.content or document.defaults()
    row.content = document.check(change(before))
    row.save(update_fields=["content", "updated"])
    changed = [name for name in {**before, **row.content} if before.get(name) != row.content.get(name)]
    if changed:
        audit.record(
            by,
            action,
            row,
            before={name: before.get(name) for name in changed},
            after={name: row.content.get(name) for name in changed},
        )
    return row.content


def _check_scopes(organisation: Organisation, roles: Mapping, present: Mapping) -> None:
    wrong = [
        FieldError("list.name", f"there is no scope {name!r}")
        for name in roles
        if name not in present and name not in scopes.system_scopes()
    ]
    if wrong:
        raise Invalid(wrong[0].message, wrong)
    _known_roles(organisation, roles, "list.roles", present)


def _known_roles(organisation: Organisation, wanted: Mapping, place: str, present: Mapping) -> None:
    """A role that is there already may stay, known or not: the document may have been brought from elsewhere."""
    new = {
        role
        for name, roles in wanted.items()
        for role in roles
        if role not in present.get(name, ()) and role not in present
    }
    unknown = sorted(new - set(organisation.roles.filter(name__in=new).values_list("name", flat=True)))
    if unknown:
        known = ", ".join(organisation.roles.values_list("name", flat=True)[:50])
        raise Invalid(
            f"There is no role {unknown[0]!r}.", [FieldError(place, f"{', '.join(unknown)}: not one of {known}")]
        )
