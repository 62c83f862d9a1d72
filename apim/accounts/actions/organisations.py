"""Organisations (tenants): creation with everything a tenant needs, and changes."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from apim.accounts import audit, hooks
from apim.accounts.actions.users import create_user
from apim.accounts.models import SUPER_TENANT, BuiltinRole, Organisation, Role, User
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Forbidden, Invalid


@transaction.atomic
def create_organisation(
    *,
    by: User | None,
    domain: str,
    display_name: str,
    admin_username: str,
    admin_password: str,
    admin_email: str = "",
    self_signup: bool = True,
) -> Organisation:
    """A new tenant with its built-in roles, what the rooms seed, and its first administrator.

    `by` None is the platform itself. Raises Invalid for a wrong domain or password, Conflict for a domain in use.
    """
    _require_platform_admin(by)
    if Organisation.objects.filter(domain=domain).exists():
        raise Conflict(f"The domain {domain} is in use.", [FieldError("domain", f"{domain} is in use.")])
    organisation = Organisation(domain=domain, display_name=display_name, self_signup=self_signup)
    _check(organisation)
    organisation.save()
    Role.objects.bulk_create(Role(organisation=organisation, name=r.value, description=r.label) for r in BuiltinRole)
    audit.record(by, "organisation.create", organisation, after={"domain": domain}, organisation=organisation)
    create_user(
        by=by, organisation=organisation, username=admin_username, password=admin_password, email=admin_email,
        roles=[role.value for role in BuiltinRole],
    )  # fmt: skip
    hooks.seed(organisation)
    return organisation


@transaction.atomic
def update_organisation(
    *, by: User, organisation: Organisation, display_name: str, self_signup: bool, active: bool = True
) -> Organisation:
    """Change a tenant. Its own administrators may; only the platform's may switch it on and off.

    The APIs of a tenant that is switched off leave the gateways, and come back with it.
    """
    require(by)
    if by.organisation_id != organisation.pk or organisation.active != active:
        _require_platform_admin(by)
    if organisation.domain == SUPER_TENANT and not active:
        raise Conflict(f"{SUPER_TENANT} cannot be switched off: the platform's administrators are in it.")
    before = {name: getattr(organisation, name) for name in ("display_name", "self_signup", "active")}
    after = {"display_name": display_name, "self_signup": self_signup, "active": active}
    for name, value in after.items():
        setattr(organisation, name, value)
    _check(organisation)
    organisation.save()
    audit.record(by, "organisation.update", organisation, before=before, after=after, organisation=organisation)
    if before["active"] != active:
        hooks.switched(organisation)
    return organisation


def _require_platform_admin(by: User | None) -> None:
    if by is None:
        return
    require(by)
    if not by.organisation.is_super:
        raise Forbidden(f"Only administrators of {SUPER_TENANT} manage organisations.")


def _check(organisation: Organisation) -> None:
    try:
        organisation.clean_fields()
    except ValidationError as error:
        wrong = [FieldError(name, text) for name, texts in error.message_dict.items() for text in texts]
        raise Invalid("The organisation is not valid.", wrong) from error
