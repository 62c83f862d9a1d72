"""Writes on deny policies. Gateways follow with the commit; one that is switched off is gone for them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Invalid, NotFound
from apim.eventhub.publish import publish_all, take_turn
from apim.traffic import hooks
from apim.traffic.actions.policies import admit
from apim.traffic.errors import from_validation
from apim.traffic.models import DenyKind, DenyPolicy
from apim.traffic.records import deny_change


@transaction.atomic
def create_deny_policy(
    *, by: User, organisation: Organisation, kind: str, value: str, invert: bool = False, active: bool = True
) -> DenyPolicy:
    """Refuse the calls of `value` from now on (unless not `active`).

    Raises Forbidden unless `by` is an administrator, Invalid naming the field (also for an API or application that does not
    exist), Conflict when there is such a policy.
    """
    admit(by, organisation)
    policy = DenyPolicy(organisation=organisation, kind=kind, value=value.strip(), invert=invert, active=active)
    _check(policy)
    _save(policy)
    audit.record(by, "deny_policy.create", policy, after=_values(policy))
    publish_all([deny_change(policy)])
    return policy


@transaction.atomic
def switch_deny_policy(*, by: User, policy: DenyPolicy, active: bool) -> DenyPolicy:
    """Switch a deny policy on or off. Raises Forbidden, NotFound."""
    locked = _locked(by, policy)
    if locked.active != active:
        before = _values(locked)
        locked.active = active
        locked.save(update_fields=["active"])
        audit.record(
            by, "deny_policy.on" if active else "deny_policy.off", locked, before=before, after=_values(locked)
        )
        publish_all([deny_change(locked)])
    return locked


@transaction.atomic
def update_deny_policy(*, by: User, policy: DenyPolicy, **fields: Any) -> DenyPolicy:
    """Change kind, value, inversion or switch. Raises as `create_deny_policy`, and NotFound."""
    locked = _locked(by, policy)
    before = _values(locked)
    for name, value in fields.items():
        if name not in ("kind", "value", "invert", "active"):
            raise Invalid("The deny policy has no such field.", [FieldError(name, "cannot be set")])
        setattr(locked, name, value)
    _check(locked)
    _save(locked)
    audit.record(by, "deny_policy.update", locked, before=before, after=_values(locked))
    publish_all([deny_change(locked)])
    return locked


@transaction.atomic
def delete_deny_policy(*, by: User, policy: DenyPolicy) -> None:
    """Let the calls in again. Raises Forbidden, NotFound."""
    locked = _locked(by, policy)
    audit.record(by, "deny_policy.delete", locked, before=_values(locked))
    publish_all([deny_change(locked, deleted=True)])
    locked.delete()


def _check(policy: DenyPolicy) -> None:
    try:
        policy.full_clean(exclude=["organisation"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise from_validation(error) from error
    if not hooks.has_target(policy.organisation, policy.kind, policy.value):
        what = {DenyKind.API: "API with the context", DenyKind.APPLICATION: "application"}[DenyKind(policy.kind)]
        raise Invalid("The deny policy is not valid.", [FieldError("value", f"There is no {what} {policy.value!r}.")])


def _save(policy: DenyPolicy) -> None:
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise Conflict(f"There is such a deny policy already: {policy}.") from error


def _locked(by: User, policy: DenyPolicy) -> DenyPolicy:
    require(by)
    take_turn()
    rows = DenyPolicy.objects.select_for_update(of=("self",)).select_related("organisation")
    found = rows.filter(pk=policy.pk).first()
    if found is None:
        raise NotFound("There is no such deny policy any more.")
    admit(by, found.organisation)
    return found


def _values(policy: DenyPolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in ("kind", "value", "invert", "active")}
