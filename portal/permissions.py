"""Who may touch which application: its owner, those it is shared with, administrators; for others it does not exist."""

from __future__ import annotations

from apim.accounts.models import BuiltinRole, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import NotFound
from portal.errors import NotApproved
from portal.models import Application, ApplicationStatus, Subscription

DEVELOPER = BuiltinRole.SUBSCRIBER
PUBLISHER = BuiltinRole.PUBLISHER


def require_owner(by: User, application: Application) -> None:
    """Let the owner pass, or an administrator of the organisation. Raises NotFound for everybody else."""
    require_same_organisation(by, application.organisation)
    if application.owner_id != by.pk and not by.has_role(BuiltinRole.ADMIN):
        raise NotFound(f"There is no application {application.pk}.")
    require(by, DEVELOPER)


def require_use(by: User, application: Application) -> None:
    """Let the owner pass, a member of a group it is shared with, or an administrator of the organisation.

    Raises NotFound for everybody else.
    """
    require_same_organisation(by, application.organisation)
    if application.owner_id != by.pk and not by.has_role(BuiltinRole.ADMIN) and not _shared(by, application):
        raise NotFound(f"There is no application {application.pk}.")
    require(by, DEVELOPER)


def _shared(by: User, application: Application) -> bool:
    return application.groups.filter(members=by).exists()


def require_approved(application: Application) -> None:
    """Refuse work on an application that waits for approval, was rejected or waits to be deleted. Raises NotApproved."""
    if application.status != ApplicationStatus.APPROVED:
        raise NotApproved(application, application.get_status_display())


def require_publisher(by: User, subscription: Subscription) -> None:
    """Let a publisher of the API's organisation pass. Raises NotFound for strangers, Forbidden for other roles."""
    require_same_organisation(by, subscription.api.organisation)
    require(by, PUBLISHER)
