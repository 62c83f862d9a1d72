"""Reads of accounts, always inside one organisation."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apim.accounts.models import SUPER_TENANT, AuditRow, BuiltinRole, Organisation, Role, User


def first_organisation() -> Organisation | None:
    """The organisation that needs no tenant prefix; None before the platform is bootstrapped."""
    return Organisation.objects.filter(domain=SUPER_TENANT).first()


def organisation_by_domain(domain: str) -> Organisation | None:
    """The active organisation of this domain."""
    return Organisation.objects.filter(domain=domain, active=True).first()


def users(organisation: Organisation, search: str = "") -> QuerySet[User]:
    """Users of `organisation` whose name or mail address contains `search`."""
    found = User.objects.filter(organisation=organisation).prefetch_related("roles")
    return found.filter(Q(username__icontains=search) | Q(email__icontains=search)) if search else found


def roles(organisation: Organisation) -> QuerySet[Role]:
    """Roles of `organisation`."""
    return organisation.roles.all()


def audit_rows(organisation: Organisation, *, target_kind: str = "", target_id: str = "") -> QuerySet[AuditRow]:
    """What was done in `organisation`, newest first; to one thing when it is named."""
    found = AuditRow.objects.filter(organisation=organisation)
    if target_kind:
        found = found.filter(target_kind=target_kind)
    return found.filter(target_id=str(target_id)) if target_id else found


def sees_every_organisation(user: User) -> bool:
    """Whether `user` administers the platform: an administrator of the first organisation."""
    return user.is_authenticated and user.organisation.is_super and user.has_role(BuiltinRole.ADMIN)
