"""Hands an application over to another developer."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, User
from apim.accounts.names import full_name
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, FieldError, Invalid
from apim.traffic.actions.denials import update_deny_policy
from apim.traffic.models import DenyKind, DenyPolicy
from portal.actions.locks import locked_application
from portal.models import Application
from portal.permissions import DEVELOPER
from portal.records import publish_application


@transaction.atomic
def change_owner(*, by: User, application: Application, owner: str) -> Application:
    """Let the user named `owner` own the application: with its keys, whose tokens are in that name from now on.

    Raises Forbidden unless `by` administers the organisation, NotFound for another one's application, Invalid for somebody who
    cannot own applications, Conflict when the new owner has one of that name. Deny policies follow the application.
    """
    require(by, BuiltinRole.ADMIN)
    require_same_organisation(by, application.organisation)
    application = locked_application(application)
    before, application.owner = application.owner, _developer(application, owner)
    if application.owner_id == before.pk:
        return application
    try:
        with transaction.atomic():
            application.save(update_fields=["owner", "updated"])
    except IntegrityError as error:
        raise Conflict(f"{application.owner} has an application named {application.name!r} already.") from error
    for key in application.keys.exclude(client=None).select_related("client"):
        key.client.user = application.owner
        key.client.save(update_fields=["user"])
    _move_denials(by, application, before)
    publish_application(application)
    after = {"owner": application.owner.get_username()}
    audit.record(by, "application.change_owner", application, before={"owner": before.get_username()}, after=after)
    return application


def _developer(application: Application, name: str) -> User:
    people = User.objects.filter(organisation=application.organisation, is_active=True)
    found = people.filter(username__in=[name, full_name(name, application.organisation)]).first()
    if found is None:
        raise Invalid(f"There is no user {name[:100]!r}.", [FieldError("owner", "is no active user here")])
    if not found.has_role(DEVELOPER):
        raise Invalid(f"{found} cannot own applications.", [FieldError("owner", f"needs the role {DEVELOPER}")])
    return found


def _move_denials(by: User, application: Application, before: User) -> None:
    """Deny policies name an application by its owner: without this, a new owner would lift them."""
    value = f"{before.get_username()}:{application.name}"
    rows = DenyPolicy.objects.filter(organisation=application.organisation, kind=DenyKind.APPLICATION, value=value)
    for row in rows:
        update_deny_policy(by=by, policy=row, value=f"{application.owner.get_username()}:{application.name}")
