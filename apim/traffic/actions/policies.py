"""Writes on policies. Gateways follow with the commit."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require, require_same_organisation
from apim.accounts.queries import sees_every_organisation
from apim.errors import FieldError, Invalid, NotFound
from apim.eventhub.publish import publish_all, take_turn
from apim.traffic import hooks
from apim.traffic.errors import PolicyExists, PolicyInUse, PolicyProtected, from_validation
from apim.traffic.models import UNAUTHENTICATED, UNLIMITED, Policy
from apim.traffic.records import change

CHANGEABLE = (
    "display_name",
    "description",
    "kind",
    "amount",
    "data_unit",
    "unit_time",
    "time_unit",
    "burst_amount",
    "burst_unit",
    "stop_on_quota_reach",
    "subscriber_count",
    "billing_plan",
)
"""Fields that may be set. The level and the name are the policy's identity and stay."""

NEEDED = (UNLIMITED, UNAUTHENTICATED)
"""Policies without which the platform's own rows would point nowhere."""


@transaction.atomic
def create_policy(*, by: User, organisation: Organisation, level: str, name: str, **fields: Any) -> Policy:
    """Add a policy; `fields` as in CHANGEABLE, `amount` None or absent means unlimited.

    Raises Forbidden unless `by` is an administrator, Invalid naming the field, PolicyExists.
    """
    _admit(by, organisation)
    _known(fields)
    policy = Policy(organisation=organisation, level=level, name=name, **fields)
    _check(policy)
    if Policy.objects.filter(organisation=organisation, level=level, name=name).exists():
        raise PolicyExists(level, name)
    try:
        with transaction.atomic():
            policy.save(force_insert=True)
    except IntegrityError as error:
        raise PolicyExists(level, name) from error
    audit.record(by, "policy.create", policy, after=values(policy))
    publish_all([change(policy)])
    return policy


@transaction.atomic
def update_policy(*, by: User, policy: Policy, **fields: Any) -> Policy:
    """Change a policy. Raises Forbidden, Invalid naming the field, NotFound, PolicyProtected for `Unlimited`."""
    locked = _locked(by, policy)
    _known(fields)
    if locked.name == UNLIMITED and locked.built_in:
        raise PolicyProtected(locked)
    before = values(locked)
    for field, value in fields.items():
        setattr(locked, field, value)
    _check(locked)
    locked.save()
    audit.record(by, "policy.update", locked, before=before, after=values(locked))
    publish_all([change(locked)])
    return locked


@transaction.atomic
def delete_policy(*, by: User, policy: Policy) -> None:
    """Remove a policy nobody uses. Raises Forbidden, NotFound, PolicyInUse, PolicyProtected."""
    locked = _locked(by, policy)
    if locked.name in NEEDED:
        raise PolicyProtected(locked)
    if uses := hooks.uses(locked):
        raise PolicyInUse(locked, uses)
    audit.record(by, "policy.delete", locked, before=values(locked))
    publish_all([change(locked, deleted=True)])
    locked.delete()


def values(policy: Policy) -> dict[str, Any]:
    """What the audit trail keeps of a policy."""
    return {"level": policy.level, "name": policy.name, **{field: getattr(policy, field) for field in CHANGEABLE}}


def _locked(by: User, policy: Policy) -> Policy:
    require(by)
    take_turn()
    found = Policy.objects.select_for_update(of=("self",)).select_related("organisation").filter(pk=policy.pk).first()
    if found is None:
        raise NotFound("There is no such policy any more.")
    _admit(by, found.organisation)
    return found


def _admit(by: User, organisation: Organisation) -> None:
    require(by)
    if not sees_every_organisation(by):
        require_same_organisation(by, organisation)


def _known(fields: dict[str, Any]) -> None:
    wrong = [
        FieldError(name, f"cannot be set; allowed: {', '.join(CHANGEABLE)}")
        for name in fields
        if name not in CHANGEABLE
    ]
    if wrong:
        raise Invalid("The policy has no such fields.", wrong)


def _check(policy: Policy) -> None:
    try:
        policy.full_clean(exclude=["organisation"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise from_validation(error) from error
