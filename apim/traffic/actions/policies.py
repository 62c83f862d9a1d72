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
from apim.traffic.actions.groups import Groups, described, replace_groups
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
    "sliding",
    "stop_on_quota_reach",
    "subscriber_count",
    "graphql_max_depth",
    "graphql_max_complexity",
    "billing_plan",
    "permission",
    "roles",
    "custom_attributes",
    "monetization",
)
"""Fields that may be set. The level and the name are the policy's identity and stay."""

NEEDED = (UNLIMITED, UNAUTHENTICATED)
"""Policies without which the platform's own rows would point nowhere."""


@transaction.atomic
def create_policy(
    *, by: User, organisation: Organisation, level: str, name: str, groups: Groups | None = None, **fields: Any
) -> Policy:
    """Add a policy; `fields` as in CHANGEABLE, `amount` None or absent means unlimited, `groups` as in groups.replace.

    Raises Forbidden unless `by` is an administrator, Invalid naming the field, PolicyExists.
    """
    admit(by, organisation)
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
    replace_groups(policy, groups or [])
    audit.record(by, "policy.create", policy, after=values(policy))
    publish_all([change(policy)])
    return policy


@transaction.atomic
def update_policy(*, by: User, policy: Policy, groups: Groups | None = None, **fields: Any) -> Policy:
    """Change a policy; `groups` None keeps its groups.

    Raises Forbidden, Invalid naming the field, NotFound, PolicyProtected for `Unlimited`.
    """
    locked = _locked(by, policy)
    _known(fields)
    if locked.name == UNLIMITED and locked.built_in:
        raise PolicyProtected(locked)
    before = values(locked)
    for field, value in fields.items():
        setattr(locked, field, value)
    _check(locked)
    locked.save()
    if groups is not None:
        replace_groups(locked, groups)
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
    kept = {field: getattr(policy, field) for field in CHANGEABLE}
    found = [] if policy._state.adding else described(policy)
    return {"level": policy.level, "name": policy.name, **kept, **({"groups": found} if found else {})}


def _locked(by: User, policy: Policy) -> Policy:
    require(by)
    take_turn()
    found = Policy.objects.select_for_update(of=("self",)).select_related("organisation").filter(pk=policy.pk).first()
    if found is None:
        raise NotFound("There is no such policy any more.")
    admit(by, found.organisation)
    return found


def admit(by: User, organisation: Organisation) -> None:
    """Lets administrators of the organisation, and of the platform, pass. Raises Forbidden, NotFound."""
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
