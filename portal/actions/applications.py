"""Writes on applications: create, change, delete with everything that hangs on them."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, FieldError, Invalid
from apim.traffic.models import UNLIMITED
from apim.workflows.actions.tasks import withdraw
from apim.workflows.queries import refuse_pending
from portal import approvals, queries
from portal.actions.api_keys import revoke_api_key
from portal.actions.keys import delete_keys
from portal.actions.locks import locked_application
from portal.actions.subscriptions import end
from portal.attributes import problems
from portal.errors import UnknownPolicy
from portal.models import Application, ApplicationStatus
from portal.permissions import DEVELOPER, require_owner, require_use
from portal.records import publish_application

TOKEN_TYPES = ("JWT", "OAUTH")
"""OAUTH is accepted for old clients; tokens are JWTs either way (reference A7)."""


@transaction.atomic
def create_application(
    *,
    by: User,
    name: str,
    policy: str = UNLIMITED,
    description: str = "",
    token_type: str = "JWT",  # noqa: S107 - a kind, not a secret
    attributes: dict[str, str] | None = None,
    owner: User | None = None,
) -> Application:
    """Make an application that `by` owns, or `owner` where `by` is an administrator.

    Where somebody must approve it, its status is CREATED until then. Raises Invalid naming the field, Conflict when the owner has
    one of this name, Forbidden without the developer role.
    """
    require(by, DEVELOPER)
    if owner is not None and owner != by:
        require(by, BuiltinRole.ADMIN)
        require_same_organisation(by, owner.organisation)
    application = Application(owner=owner or by, organisation=by.organisation)
    attributes = attributes or {}
    _fill(application, name, policy, description, token_type, attributes, asked=True)
    _save(application)
    audit.record(by, "application.create", application, after=_values(application))
    if approvals.creation(by, application) is not None:
        application.status = ApplicationStatus.CREATED
        application.save(update_fields=["status"])
    publish_application(application)
    return application


@transaction.atomic
def update_application(
    *,
    by: User,
    application: Application,
    name: str,
    policy: str,
    description: str = "",
    token_type: str | None = None,
    attributes: dict[str, str] | None = None,
) -> Application:
    """Change an application; `token_type` and `attributes` None keep what is. Raises as `create_application`, and NotFound."""
    application = locked_application(application)
    require_use(by, application)
    before, asked = _values(application), attributes is not None
    kept = application.attributes if attributes is None else attributes
    _fill(application, name, policy, description, token_type or application.token_type, kept, asked=asked)
    _save(application)
    audit.record(by, "application.update", application, before=before, after=_values(application))
    publish_application(application)
    return application


@transaction.atomic
def delete_application(*, by: User, application: Application) -> Application | None:
    """Remove an application with its keys (OAuth clients and API keys stop working) and subscriptions. Raises NotFound.

    None: it is gone. Else somebody must approve it first, and it goes on until then. Raises Pending when that is so already.
    """
    application = locked_application(application)
    require_owner(by, application)
    if application.status == ApplicationStatus.DELETE_PENDING:
        refuse_pending(application)
    if application.status in (ApplicationStatus.CREATED, ApplicationStatus.REJECTED):
        remove(by, application)
        return None
    if approvals.deletion(by, application) is None:
        remove(by, application)
        return None
    application.status = ApplicationStatus.DELETE_PENDING
    application.save(update_fields=["status", "updated"])
    return application


def remove(by: User, application: Application) -> None:
    """Remove it with all that hangs on it, whatever waits; for actions that have locked it and asked who may."""
    withdraw(by=by, subject=application)
    for key in queries.keys(application):
        delete_keys(by=by, key=key)
    for api_key in application.api_keys.select_related("application__organisation"):
        revoke_api_key(by=by, key=api_key)
    for subscription in application.subscriptions.select_related("organisation", "api", "application__organisation"):
        end(by, subscription)
    audit.record(by, "application.delete", application, before=_values(application))
    publish_application(application, deleted=True)
    application.delete()


def _fill(
    application: Application,
    name: str,
    policy: str,
    description: str,
    token_type: str,
    attributes: dict[str, str],
    *,
    asked: bool,
) -> None:
    """`asked`: the attributes were given, so the required ones must be among them."""
    name = name.strip()
    wrong = [FieldError("name", "give one of 1 to 100 characters")] if not 1 <= len(name) <= 100 else []
    if len(description) > 512:
        wrong.append(FieldError("description", "512 characters at most"))
    if token_type not in TOKEN_TYPES:
        wrong.append(FieldError("tokenType", f"{token_type!r} is not one of: {', '.join(TOKEN_TYPES)}"))
    if asked:
        wrong += problems(application.organisation, attributes)
    if wrong:
        raise Invalid("The application is not valid.", wrong)
    _check_policy(application.organisation, policy)
    application.name, application.policy, application.description = name, policy, description
    application.token_type, application.attributes = token_type, attributes


def _check_policy(organisation: Organisation, policy: str) -> None:
    offered = list(queries.limits(organisation).values_list("name", flat=True))
    if policy not in offered:
        raise UnknownPolicy("throttlingPolicy", policy, offered)


def _save(application: Application) -> None:
    try:
        with transaction.atomic():
            application.save()
    except IntegrityError as error:
        raise Conflict(f"You have an application named {application.name!r} already.") from error


def _values(application: Application) -> dict[str, Any]:
    shown = ("name", "policy", "description", "attributes")
    return {name: getattr(application, name) for name in shown}
