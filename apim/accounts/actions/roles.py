"""Who has which role."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, Organisation, Role, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, FieldError, Invalid


@transaction.atomic
def set_roles(*, by: User | None, user: User, roles: Iterable[str]) -> User:
    """Give `user` exactly these roles. Raises Invalid for a role its organisation does not have.

    Nobody takes the administrator role from themselves, so that an organisation cannot lock itself out.
    """
    if by is not None:
        require(by)
        may_manage(by, user.organisation)
    names = set(map(str, roles))
    if by == user and BuiltinRole.ADMIN in user.role_names and BuiltinRole.ADMIN not in names:
        raise Conflict("You cannot take the administrator role from yourself; ask another administrator.")
    before = sorted(user.role_names)
    _assign(user, names)
    audit.record(by, "user.set_roles", user, before={"roles": before}, after={"roles": sorted(names)})
    return user


@transaction.atomic
def create_role(*, by: User, organisation: Organisation, name: str, description: str = "") -> Role:
    """Add a role to `organisation`. Raises Conflict when it has one of that name."""
    require(by)
    may_manage(by, organisation)
    if not name.strip():
        raise Invalid(fields=[FieldError("name", "Give the role a name.")])
    if organisation.roles.filter(name=name).exists():
        raise Conflict(f"{organisation.domain} has a role named {name!r} already.")
    role = Role.objects.create(organisation=organisation, name=name, description=description)
    audit.record(by, "role.create", role, after={"name": name})
    return role


@transaction.atomic
def describe_role(*, by: User, role: Role, description: str) -> Role:
    """Change what is said about a role."""
    require(by)
    may_manage(by, role.organisation)
    before, role.description = role.description, description
    role.save(update_fields=["description"])
    audit.record(by, "role.update", role, before={"description": before}, after={"description": description})
    return role


@transaction.atomic
def delete_role(*, by: User, role: Role) -> None:
    """Delete a role that nobody has. Raises Conflict for a built-in one or one in use."""
    require(by)
    may_manage(by, role.organisation)
    if role.name in BuiltinRole.values:
        raise Conflict(f"{role.name} is built in.")
    holders = role.users.count()
    if holders:
        raise Conflict(f"{role.name} is the role of {holders} users; take it from them first.")
    audit.record(by, "role.delete", role, before={"name": role.name})
    role.delete()


def may_manage(by: User, organisation: Organisation) -> None:
    """Administrators manage their own organisation; those of the first one manage all. Raises NotFound."""
    if not by.organisation.is_super:
        require_same_organisation(by, organisation)


def _assign(user: User, names: set[str]) -> None:
    found = list(user.organisation.roles.filter(name__in=names))
    unknown = names - {role.name for role in found}
    if unknown:
        known = ", ".join(user.organisation.roles.values_list("name", flat=True))
        raise Invalid(fields=[FieldError("roles", f"{', '.join(sorted(unknown))} does not exist; there are {known}.")])
    user.roles.set(found)
    user.__dict__.pop("_role_names", None)
    is_admin = BuiltinRole.ADMIN in names
    # Administrators enter Django's admin; those of the first organisation administer the platform itself.
    user.is_staff, user.is_superuser = is_admin, is_admin and user.organisation.is_super
    user.save(update_fields=["is_staff", "is_superuser"])
