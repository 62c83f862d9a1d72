"""Integrators are registered, changed and removed by administrators of the platform."""

from __future__ import annotations

import ssl
from typing import Any

from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Forbidden, Invalid
from apim.keymanager.vault import seal
from integrator.dashboard.client import NodeDown, checked
from integrator.models import Integrator

LONGEST_PASSWORD = 200


def require_platform(by: User) -> None:
    """Let pass administrators of the platform. Raises Forbidden."""
    require(by)
    if not by.organisation.is_super:
        raise Forbidden("Integrators are looked after by the platform's own organisation.")


@sensitive_variables("password")
@transaction.atomic
def save_integrator(*, by: User, row: Integrator, password: str | None = None) -> Integrator:
    """Add or change one; `password` None keeps the present one. Raises Invalid with the fields, Conflict for a name in use.

    Another address asks for the password anew: the present one must not be told to a server it was not given for.
    """
    require_platform(by)
    stored = Integrator.objects.select_for_update().filter(pk=row.pk).first() if row.pk else None
    _check(row, stored, password)
    row.url = row.url.rstrip("/")
    if password:
        row.sealed_password = seal(password)
    row.state, row.reason = Integrator.State.UNKNOWN, ""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(f"There is another integrator named {row.name!r}.") from error
    before = None if stored is None else _shown(stored)
    action = f"integrator.{'update' if stored else 'create'}"
    audit.record(by, action, row, before=before, after=_shown(row), organisation=by.organisation)
    return row


@transaction.atomic
def remove_integrator(*, by: User, row: Integrator) -> None:
    """It is looked at no more; it goes on running."""
    require_platform(by)
    audit.record(by, "integrator.delete", row, before=_shown(row), organisation=by.organisation)
    row.delete()


def _check(row: Integrator, stored: Integrator | None, password: str | None) -> None:
    wrong = []
    try:
        checked(row.url)
    except NodeDown as error:
        wrong.append(FieldError("url", error.description))
    if password is not None and len(password) > LONGEST_PASSWORD:
        wrong.append(FieldError("password", f"At most {LONGEST_PASSWORD} characters."))
    if not password and not row.local and (stored is None or not stored.sealed_password):
        wrong.append(FieldError("password", "The password of its administrator is needed."))
    if stored is not None and stored.sealed_password and not password and stored.url != row.url.rstrip("/"):
        wrong.append(FieldError("password", "Give the password again with another address."))
    if row.certificate:
        try:
            ssl.create_default_context(cadata=row.certificate)
        except (ssl.SSLError, ValueError) as error:
            wrong.append(FieldError("certificate", f"That is no certificate in PEM form: {str(error)[:100]}."))
    if wrong:
        raise Invalid(fields=wrong)


def _shown(row: Integrator) -> dict[str, Any]:
    return {"name": row.name, "url": row.url, "username": row.username, "certificate": bool(row.certificate)}
