"""Writes on custom rules, which count calls of all organisations: for administrators of the platform only."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.queries import sees_every_organisation
from apim.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from apim.eventhub.publish import publish_all, take_turn
from apim.traffic.errors import from_validation
from apim.traffic.models import CustomRule
from apim.traffic.records import rule_change

CHANGEABLE = ("description", "key_template", "query")


@transaction.atomic
def create_rule(*, by: User, name: str, key_template: str, query: str, description: str = "") -> CustomRule:
    """Put a rule in force. Raises Forbidden, Invalid naming field and line, Conflict when the name is taken."""
    require_platform(by)
    rule = CustomRule(name=name, key_template=key_template, query=query, description=description)
    _check(rule)
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"There is already a custom rule {name!r}.", [FieldError("name", "is taken")]) from error
    audit.record(by, "custom_rule.create", rule, after=_values(rule))
    publish_all([rule_change(rule)])
    return rule


@transaction.atomic
def update_rule(*, by: User, rule: CustomRule, **fields: Any) -> CustomRule:
    """Change a rule; its name stays. Raises Forbidden, Invalid, NotFound."""
    locked = _locked(by, rule)
    before = _values(locked)
    for name, value in fields.items():
        if name not in CHANGEABLE:
            raise Invalid("The rule has no such field.", [FieldError(name, f"allowed: {', '.join(CHANGEABLE)}")])
        setattr(locked, name, value)
    _check(locked)
    locked.save()
    audit.record(by, "custom_rule.update", locked, before=before, after=_values(locked))
    publish_all([rule_change(locked)])
    return locked


@transaction.atomic
def delete_rule(*, by: User, rule: CustomRule) -> None:
    """Let a rule end. Raises Forbidden, NotFound."""
    locked = _locked(by, rule)
    audit.record(by, "custom_rule.delete", locked, before=_values(locked))
    publish_all([rule_change(locked, deleted=True)])
    locked.delete()


def require_platform(by: User) -> None:
    """Lets administrators of the first organisation pass. Raises Forbidden."""
    if not by.is_active or not sees_every_organisation(by):
        raise Forbidden("Custom rules belong to the platform: only administrators of its first organisation see them.")


def _locked(by: User, rule: CustomRule) -> CustomRule:
    require_platform(by)
    take_turn()
    found = CustomRule.objects.select_for_update().filter(pk=rule.pk).first()
    if found is None:
        raise NotFound("There is no such custom rule any more.")
    return found


def _check(rule: CustomRule) -> None:
    try:
        rule.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise from_validation(error) from error


def _values(rule: CustomRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in ("name", *CHANGEABLE)}
