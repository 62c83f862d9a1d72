"""Sharing an application with groups of developers: every member may then work with it as its owner does."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, User
from apim.errors import FieldError, Invalid
from portal.actions.locks import locked_application
from portal.models import Application, SharingGroup
from portal.permissions import require_owner


@transaction.atomic
def share(*, by: User, application: Application, groups: Iterable[str]) -> Application:
    """Open `application` to the groups of these names and to no others. Only its owner decides, or an administrator.

    The owner chooses among groups he is a member of; a group the application is shared with already may stay.
    Raises Invalid naming the group, NotFound.
    """
    application = locked_application(application)
    require_owner(by, application)
    before = sorted(application.groups.values_list("name", flat=True))
    wanted = sorted(set(groups))
    if wanted == before:
        return application
    offered = SharingGroup.objects.filter(organisation=application.organisation)
    if not by.has_role(BuiltinRole.ADMIN):
        offered = offered.filter(pk__in=[*by.sharing_groups.values_list("pk", flat=True), *_now(application)])
    found = {group.name: group for group in offered}
    unknown = [name for name in wanted if name not in found]
    if unknown:
        known = ", ".join(sorted(found)[:50]) or "nothing"
        raise Invalid("There is no such group.", [FieldError("groups", f"{unknown[0][:100]!r} is not one of: {known}")])
    application.groups.set([found[name] for name in wanted])
    audit.record(by, "application.share", application, before={"groups": before}, after={"groups": wanted})
    return application


def _now(application: Application) -> list[int]:
    return list(application.groups.values_list("pk", flat=True))
