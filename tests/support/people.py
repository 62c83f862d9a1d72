"""Organisations and users for tests: valid by default, with one field overridden."""

from __future__ import annotations

import itertools

from apim.accounts import hooks
from apim.accounts.models import BuiltinRole, Organisation, Role, User

PASSWORD = "correct horse 7"  # noqa: S105 - for tests
_numbers = itertools.count(1)


def make_organisation(domain: str) -> Organisation:
    """The organisation `domain` with the built-in roles and everything the rooms seed."""
    organisation, made = Organisation.objects.get_or_create(domain=domain, defaults={"display_name": domain})
    for role in BuiltinRole:
        Role.objects.get_or_create(organisation=organisation, name=role.value)
    if made:
        hooks.seed(organisation)
    return organisation


def make_user(organisation: Organisation, *roles: str, username: str = "", **fields: object) -> User:
    """A user with `roles` whose password is PASSWORD; the tenant's domain is added to the name as the platform does."""
    local = username or f"user{next(_numbers)}"
    full = local if organisation.is_super else f"{local}@{organisation.domain}"
    user = User(username=full, email=f"{local}@example.org", organisation=organisation, **fields)
    user.set_password(PASSWORD)
    user.save()
    for name in roles:
        role, _ = Role.objects.get_or_create(organisation=organisation, name=name)
        user.roles.add(role)
    return user
