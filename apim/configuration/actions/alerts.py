"""Who is mailed which alert."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require, require_same_organisation
from apim.configuration.alerts import BY_NAME
from apim.configuration.models import AlertSubscription, BotAlertSubscription
from apim.errors import Conflict, FieldError, Invalid, NotFound

MOST = 50
"""Addresses of one subscription, and addresses of one organisation told of bots."""


@transaction.atomic
def subscribe(*, by: User, alerts: Sequence[str], emails: Sequence[str]) -> AlertSubscription:
    """Mail these alerts to these addresses, instead of what `by` had asked for before. Raises Invalid naming the field."""
    require(by, BuiltinRole.ADMIN)
    wrong = [
        FieldError("alerts", f"{name[:60]!r} is not one of {', '.join(BY_NAME)}")
        for name in alerts
        if name not in BY_NAME
    ]
    wrong += [
        FieldError("emailList", f"{email[:100]!r} is not a mail address") for email in emails if not _is_mail(email)
    ]
    if not alerts:
        wrong.append(FieldError("alerts", "name at least one"))
    if not emails or len(emails) > MOST:
        wrong.append(FieldError("emailList", f"name 1 to {MOST} addresses"))
    if wrong:
        raise Invalid(f"{wrong[0].field}: {wrong[0].message}.", wrong)
    row, _ = AlertSubscription.objects.update_or_create(
        user=by,
        defaults={
            "organisation": by.organisation,
            "alerts": list(dict.fromkeys(alerts)),
            "emails": list(dict.fromkeys(emails)),
        },
    )
    audit.record(by, "alert.subscribe", row, after={"alerts": row.alerts, "emails": row.emails})
    return row


@transaction.atomic
def unsubscribe(*, by: User, subscription: AlertSubscription | None = None) -> None:
    """Mail `by` (or for administrators: the owner of `subscription`) no more alerts. Nothing happens when there are none."""
    require(by, BuiltinRole.ADMIN)
    row = subscription or AlertSubscription.objects.filter(user=by).first()
    if row is not None:
        may_manage(by, row.organisation)
        audit.record(by, "alert.unsubscribe", row, before={"alerts": row.alerts, "emails": row.emails})
        row.delete()


@transaction.atomic
def subscribe_to_bots(*, by: User, organisation: Organisation, email: str) -> BotAlertSubscription:
    """Mail `email` about possible bots. Raises Invalid, Conflict when it is told already."""
    require(by, BuiltinRole.ADMIN)
    may_manage(by, organisation)
    email = email.strip()
    if not _is_mail(email):
        raise Invalid("The address is wrong.", [FieldError("email", f"{email[:100]!r} is not a mail address")])
    if BotAlertSubscription.objects.filter(organisation=organisation).count() >= MOST:
        raise Conflict(f"{MOST} addresses are told already; take one away first.")
    try:
        with transaction.atomic():
            row = BotAlertSubscription.objects.create(organisation=organisation, email=email)
    except IntegrityError as error:
        raise Conflict(f"{email} is told already.") from error
    audit.record(by, "bot_alert.subscribe", row, after={"email": email})
    return row


@transaction.atomic
def unsubscribe_from_bots(*, by: User, subscription: BotAlertSubscription) -> None:
    """Mail the address no more. Raises NotFound for another organisation's."""
    require(by, BuiltinRole.ADMIN)
    may_manage(by, subscription.organisation)
    audit.record(by, "bot_alert.unsubscribe", subscription, before={"email": subscription.email})
    subscription.delete()


def own_bot_alert(by: User, identifier: object) -> BotAlertSubscription:
    """The subscription of the organisation of `by`. Raises NotFound."""
    row = BotAlertSubscription.objects.filter(organisation=by.organisation, pk=identifier).first()
    if row is None:
        raise NotFound(f"There is no subscription {identifier}.")
    require_same_organisation(by, row.organisation)
    return row


def _is_mail(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254
