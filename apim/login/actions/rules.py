"""Rules of log-in of an organisation."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid
from apim.login.models import LoginRules

NAMES = tuple(field.name for field in LoginRules._meta.get_fields() if field.name not in ("id", "organisation"))


@transaction.atomic
def set_rules(*, by: User, organisation: Organisation, **values: Any) -> LoginRules:
    """Change those that are given. Raises Invalid naming the field and what is allowed."""
    require(by)
    may_manage(by, organisation)
    row = LoginRules.objects.select_for_update().filter(organisation=organisation).first()
    row = row or LoginRules(organisation=organisation)
    before = {name: getattr(row, name) for name in NAMES}
    for name, value in values.items():
        if name not in NAMES:
            raise Invalid(fields=[FieldError(name, f"There is no such rule; there are {', '.join(NAMES)}.")])
        setattr(row, name, value)
    try:
        row.clean_fields()
    except ValidationError as error:
        wrong = [FieldError(name, text) for name, texts in error.message_dict.items() for text in texts]
        raise Invalid("The log-in rules are not valid.", wrong) from error
    _check_roles(row)
    row.save()
    audit.record(by, "login_rules.update", row, before=before, after={name: getattr(row, name) for name in NAMES})
    return row


@transaction.atomic
def delete_rules(*, by: User, row: LoginRules) -> None:
    """Back to the defaults."""
    require(by)
    may_manage(by, row.organisation)
    audit.record(by, "login_rules.delete", row, before={name: getattr(row, name) for name in NAMES})
    row.delete()


def _check_roles(row: LoginRules) -> None:
    named = row.second_factor_roles
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise Invalid(fields=[FieldError("second_factor_roles", "Give a list of names of roles.")])
    unknown = set(named) - set(row.organisation.roles.values_list("name", flat=True))
    if unknown:
        raise Invalid(fields=[FieldError("second_factor_roles", f"There is no role {', '.join(sorted(unknown))}.")])
