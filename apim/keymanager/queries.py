"""Which key managers there are for whom."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from apim.accounts.models import Organisation, User
from apim.keymanager.models import KeyManager

EVERYONE = "Internal/everyone"


def key_managers(user: User | AnonymousUser, organisation: Organisation) -> list[KeyManager]:
    """The key managers of `organisation` that are switched on and that the roles of `user` open, the resident one first."""
    rows = KeyManager.objects.filter(organisation=organisation, enabled=True).select_related("organisation")
    return sorted((row for row in rows if may_use(user, row)), key=lambda row: (not row.resident, row.label.lower()))


def may_use(user: User | AnonymousUser, manager: KeyManager) -> bool:
    """Whether somebody's roles allow keys at a key manager. `Internal/everyone` is everybody's."""
    if manager.permission == "PUBLIC":
        return True
    roles = {EVERYONE, *(user.role_names if user.is_authenticated else ())}
    return roles.isdisjoint(manager.roles) == (manager.permission == "DENY")
