"""What other rooms ask about policies; always within one organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apim.errors import NotFound
from apim.traffic.models import UNAUTHENTICATED, Level, LimitKind, Permission, Policy

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet

    from apim.accounts.models import Organisation, User

EVERYONE = "Internal/everyone"
"""The role that everybody has, whether or not anybody gave it."""


def plans(organisation: Organisation, *, streaming: bool = False) -> QuerySet[Policy]:
    """Business plans that an API may offer: subscription policies that count requests or bytes (events if `streaming`)."""
    found = policies(organisation, Level.SUBSCRIPTION).exclude(name=UNAUTHENTICATED)
    events = {"kind": LimitKind.EVENTS}
    return found.filter(**events) if streaming else found.exclude(**events)


def policies(organisation: Organisation, level: str) -> QuerySet[Policy]:
    """Every policy of one level (`Level`), by name."""
    return Policy.objects.filter(organisation=organisation, level=level).select_related("organisation").order_by("name")


def get_policy(organisation: Organisation, level: str, name: str) -> Policy:
    """The policy of that level and name. Raises NotFound."""
    found = policies(organisation, level).filter(name=name).first()
    if found is None:
        raise NotFound(f"There is no {level} policy {name!r}.")
    return found


def may_choose(user: User | AnonymousUser, plan: Policy) -> bool:
    """Whether somebody's roles allow choosing a business plan. `Internal/everyone` is everybody's."""
    if not plan.permission:
        return True
    roles = {EVERYONE, *(user.role_names if user.is_authenticated else ())}
    return roles.isdisjoint(plan.roles) == (plan.permission == Permission.DENY)
