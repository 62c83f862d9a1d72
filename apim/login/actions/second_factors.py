"""Second factors: set up, confirmed, removed by their owner, reset by an administrator."""

from __future__ import annotations

import pyotp
from django.db import transaction
from django.utils import timezone

from apim.accounts import audit, throttle
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import Conflict, Forbidden
from apim.keymanager.vault import seal, unseal
from apim.login import rules, second_factor
from apim.login.models import SecondFactor

ISSUER = "APIM"


@transaction.atomic
def begin(*, by: User) -> SecondFactor:
    """A new secret for oneself, unconfirmed. One that waits for its first code stays. Raises Conflict with one in use."""
    factor = SecondFactor.objects.filter(user=by).first()
    if factor is not None and factor.confirmed:
        raise Conflict("You have a second factor already; remove it first.")
    if factor is None:
        factor = SecondFactor.objects.create(user=by, sealed_secret=seal(pyotp.random_base32()))
        audit.record(by, "second_factor.begin", by)
    return factor


def confirm(*, by: User, code: str) -> list[str]:
    """The first code turns the second factor on; the recovery codes, shown this once. Raises Invalid for a wrong code."""
    if second_factor.factor_of(by) is not None:
        raise Conflict("You have a second factor already.")
    second_factor.check(by, code)
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().get(user=by)
        factor.confirmed = timezone.now()
        factor.save(update_fields=["confirmed"])
        audit.record(by, "second_factor.confirm", by)
        return second_factor.new_codes(factor)


def renew_codes(*, by: User, code: str) -> list[str]:
    """New recovery codes for a right code. Raises Invalid."""
    second_factor.check(by, code)
    with transaction.atomic():
        audit.record(by, "second_factor.new_codes", by)
        return second_factor.new_codes(SecondFactor.objects.get(user=by))


def remove(*, by: User, code: str) -> None:
    """Log in without one again. Raises Invalid for a wrong code, Forbidden where a role needs one."""
    if rules.needs_second_factor(by):
        raise Forbidden("Your organisation asks people with your roles for a second factor.")
    second_factor.check(by, code)
    with transaction.atomic():
        SecondFactor.objects.filter(user=by).delete()
        audit.record(by, "second_factor.remove", by)


@transaction.atomic
def reset(*, by: User, user: User) -> None:
    """As an administrator, take away the second factor of somebody who lost it."""
    require(by)
    may_manage(by, user.organisation)
    gone, _ = SecondFactor.objects.filter(user=user).delete()
    audit.record(by, "second_factor.reset", user, before={"present": bool(gone)})


def unlock(*, by: User, user: User) -> None:
    """As an administrator, let somebody try again who is locked out after failed log-ins."""
    require(by)
    may_manage(by, user.organisation)
    throttle.unlock(user.username)
    SecondFactor.objects.filter(user=user).update(failures=0)
    audit.record(by, "user.unlock", user)


def uri(factor: SecondFactor) -> str:
    """What an authenticator reads from the QR code."""
    return pyotp.TOTP(unseal(factor.sealed_secret)).provisioning_uri(name=factor.user.username, issuer_name=ISSUER)
