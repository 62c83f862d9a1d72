"""The six-state life cycle (reference A2): its table, its conditions, and what a step brings about."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid, NotFound
from apim.workflows.actions.tasks import withdraw
from apim.workflows.queries import refuse_pending
from publisher import approvals, hooks, records
from publisher.actions.access import PUBLISHERS, locked
from publisher.errors import BadTransition, NoPlan, NotDeployed
from publisher.models import Api, LifecycleEvent, State

PUBLISH, PROTOTYPE, DEMOTE = "Publish", "Deploy as a Prototype", "Demote to Created"
BLOCK, DEPRECATE, REPUBLISH, RETIRE = "Block", "Deprecate", "Re-Publish", "Retire"
ACTIONS = (PUBLISH, PROTOTYPE, DEMOTE, BLOCK, DEPRECATE, REPUBLISH, RETIRE)

TRANSITIONS: dict[str, dict[str, str]] = {
    State.CREATED: {PUBLISH: State.PUBLISHED, PROTOTYPE: State.PROTOTYPED},
    State.PROTOTYPED: {PUBLISH: State.PUBLISHED, DEMOTE: State.CREATED, PROTOTYPE: State.PROTOTYPED},
    State.PUBLISHED: {
        BLOCK: State.BLOCKED,
        PROTOTYPE: State.PROTOTYPED,
        DEMOTE: State.CREATED,
        DEPRECATE: State.DEPRECATED,
        PUBLISH: State.PUBLISHED,
    },
    State.BLOCKED: {DEPRECATE: State.DEPRECATED, REPUBLISH: State.PUBLISHED},
    State.DEPRECATED: {RETIRE: State.RETIRED},
    State.RETIRED: {},
}
DEPRECATE_OLD = "Deprecate old versions after publishing the API"
RESUBSCRIBE = "Requires re-subscription when publishing the API"
CHECKLIST = (DEPRECATE_OLD, RESUBSCRIBE)
_CHECKLIST_STATES = (State.CREATED, State.PROTOTYPED)


def available_actions(api: Api) -> dict[str, str]:
    """Action → state it leads to, from the API's present state."""
    return {action: str(state) for action, state in TRANSITIONS[api.state].items()}


def checklist_of(api: Api) -> tuple[str, ...]:
    """The items one may tick when publishing from the API's present state."""
    return CHECKLIST if api.state in _CHECKLIST_STATES else ()


def is_advertised(api: Api) -> bool:
    """Whether `api` is served elsewhere and only shown here: then it needs neither plan nor deployment."""
    return api.advertise.get("advertised") is True


def needs_plan(api: Api) -> bool:
    """Whether callers of `api` need a subscription: with Basic or client certificates alone they do not."""
    return not is_advertised(api) and bool({"oauth2", "api_key"} & set(api.security or ["oauth2"]))


def obstacles(api: Api) -> list[str]:
    """What has to be done before `api` can be published, in words for people."""
    found = []
    if needs_plan(api) and not api.plans.exists():
        found.append("Offer at least one business plan.")
    if not is_advertised(api) and not api.deployments.exists():
        found.append("Deploy a revision to a gateway environment.")
    return found


@transaction.atomic
def change_state(*, by: User, api: Api, action: str, checklist: Iterable[str] = (), expected: str = "") -> Api:
    """Carry out `action` and tell gateways and listeners. `checklist` holds the ticked items of `CHECKLIST`.

    Where somebody must approve the step, the state stays until then (`queries.pending(api)` is the request).
    Raises BadTransition for an action the state does not have, NoPlan (903224) and NotDeployed when publishing, Pending
    while an earlier step waits.
    """
    api = locked(by, api, *PUBLISHERS, expected=expected)
    ticked = _ticked(checklist)
    refuse_pending(api)
    target = _target(api, action)
    _require_ready(api, target)
    if approvals.step(by, api, action, target, ticked) is None:
        carry_out(by, api, action, ticked)
    return api


@transaction.atomic
def withdraw_step(*, by: User, api: Api) -> None:
    """Take back the step that waits for approval. Raises NotFound when none does."""
    api = locked(by, api, *PUBLISHERS)
    if withdraw(by=by, subject=api) is None:
        raise NotFound(f"No step of {api} waits for approval.")


def carry_out(by: User, api: Api, action: str, ticked: frozenset[str]) -> None:
    """Take a step whose API is locked. Raises as `change_state`: what held when it was asked for may hold no more."""
    before, after = api.state, _target(api, action)
    _require_ready(api, after)
    _enter(by, api, after)
    if after == State.PUBLISHED and DEPRECATE_OLD in ticked:
        _deprecate_older(by, api)
    hooks.state_changed(by, api, before, after, ticked)


def _ticked(checklist: Iterable[str]) -> frozenset[str]:
    ticked = frozenset(checklist)
    for item in ticked - set(CHECKLIST):
        raise Invalid(
            f"{item!r} is no checklist item.", [FieldError("lifecycleChecklist", f"One of: {', '.join(CHECKLIST)}.")]
        )
    return ticked


def _target(api: Api, action: str) -> str:
    available = available_actions(api)
    if action not in available:
        allowed = ", ".join(available) or "none, this is the end of its life"
        message = f"{action!r} is not possible in state {api.state}. Possible: {allowed}."
        raise BadTransition(message, [FieldError("action", message)])
    return available[action]


def _require_ready(api: Api, after: str) -> None:
    if after not in (State.PUBLISHED, State.PROTOTYPED):
        return
    if after == State.PUBLISHED and needs_plan(api) and not api.plans.exists():
        raise NoPlan(
            f"{api} offers no business plan. Choose at least one before publishing.",
            [FieldError("policies", "Must not be empty.")],
        )
    if not is_advertised(api) and not api.deployments.exists():
        raise NotDeployed(f"{api} is not deployed. Create a revision and deploy it to a gateway environment first.")


def _enter(by: User, api: Api, after: str) -> None:
    before = api.state
    withdraw(by=by, subject=api)
    api.state = after
    if after == State.PUBLISHED and api.published is None:
        api.published = timezone.now()
    api.save(update_fields=["state", "published", "updated"])
    if after == State.RETIRED:
        _leave_gateways(api)
    else:
        records.announce_all(api)
    LifecycleEvent.objects.create(api=api, before=before, after=after, user=by.get_username())
    audit.record(by, f"api.{after.lower()}", api, before={"state": before}, after={"state": after})


def _leave_gateways(api: Api) -> None:
    for deployment in api.deployments.select_related("environment"):
        records.withdraw(api, deployment.environment)
    api.deployments.all().delete()


def _deprecate_older(by: User, api: Api) -> None:
    older = (
        Api.objects.select_for_update(of=("self",))
        .select_related("organisation")
        .filter(organisation=api.organisation, name__iexact=api.name, state=State.PUBLISHED, created__lt=api.created)
    )
    for other in older:
        _enter(by, other, State.DEPRECATED)
        hooks.state_changed(by, other, State.PUBLISHED, State.DEPRECATED, ())
