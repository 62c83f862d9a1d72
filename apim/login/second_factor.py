"""Checks codes of authenticators and recovery codes: each once, and not many in a row."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from datetime import timedelta

import pyotp
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Forbidden, Invalid
from apim.keymanager.vault import unseal
from apim.login.models import RecoveryCode, SecondFactor

STEP = 30
"""Seconds of a code (RFC 6238); the one before and the one after are taken too, for clocks that differ."""
MOST_FAILURES = 5
WAIT = timedelta(minutes=5)
CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters that look like digits: 31 to the power of 12 codes."""


def factor_of(user: User) -> SecondFactor | None:
    """The confirmed second factor of `user`."""
    return SecondFactor.objects.filter(user=user, confirmed__isnull=False).first()


def check(user: User, code: str) -> None:
    """Take `code` – of the authenticator, or a recovery code – once. Raises Invalid, Forbidden after too many failures.

    Counted in the database, so that nobody can guess on while Redis is away.
    """
    refusal = _checked(user, re.sub(r"[\s-]", "", code).lower())
    if refusal is not None:
        raise refusal


@transaction.atomic
def _checked(user: User, code: str) -> Invalid | Forbidden | None:
    """None when the code is right. The refusal is returned, not raised: the count of failures must be kept."""
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None:
        return Invalid("There is no second factor.", [FieldError("code", "There is no second factor to check.")])
    now = timezone.now()
    if factor.failed is not None and now - factor.failed > WAIT:
        factor.failures = 0
    if factor.failures >= MOST_FAILURES:
        return Forbidden(f"Too many wrong codes. Wait {WAIT.seconds // 60} minutes, then try again.")
    if _by_authenticator(factor, code) or _by_recovery(user, factor, code):
        factor.failures = 0
        factor.save(update_fields=["failures", "last_step"])
        return None
    factor.failures, factor.failed = factor.failures + 1, now
    factor.save(update_fields=["failures", "failed"])
    audit.record(None, "second_factor.failed", user, after={"failures": factor.failures})
    return Invalid(
        "The code is not right.", [FieldError("code", "That is not the code of this moment, or it was used.")]
    )


def _by_authenticator(factor: SecondFactor, code: str) -> bool:
    """A code of a time later than the last one that was taken, so that nobody uses one twice."""
    if not re.fullmatch("[0-9]{6}", code):
        return False
    totp, present = pyotp.TOTP(unseal(factor.sealed_secret)), int(time.time()) // STEP
    for step in (present - 1, present, present + 1):
        if step > factor.last_step and hmac.compare_digest(totp.at(step * STEP), code):
            factor.last_step = step
            return True
    return False


def _by_recovery(user: User, factor: SecondFactor, code: str) -> bool:
    used, _ = RecoveryCode.objects.filter(factor=factor, checksum=checksum(code)).delete()
    if used:
        audit.record(user, "second_factor.recovery_used", user, after={"left": factor.recovery_codes.count()})
    return bool(used)


def checksum(code: str) -> str:
    """A recovery code as it is kept; the codes are long and random, so that a keyed hash is enough."""
    return salted_hmac("apim.login.recovery", code, algorithm="sha256").hexdigest()


def new_codes(factor: SecondFactor) -> list[str]:
    """Fresh recovery codes instead of the old ones, to be shown once."""
    factor.recovery_codes.all().delete()
    plain = ["".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(factor=factor, checksum=checksum(code)) for code in plain)
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in plain]
