"""Writes on subscriptions: by developers (subscribe, change plan, leave) and by the API's publishers (block, unblock)."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Conflict, FieldError, Invalid
from apim.workflows.actions.tasks import withdraw
from apim.workflows.queries import refuse_pending
from portal import approvals, queries
from portal.actions.locks import locked_application, locked_subscription
from portal.errors import AlreadySubscribed, NotAvailable, NotSubscribable, UnknownPolicy
from portal.models import Application, Subscription, SubscriptionState
from portal.permissions import PUBLISHER, require_approved, require_publisher, require_use
from portal.records import publish_subscription
from publisher.availability import takes
from publisher.models import Api

SETTABLE = (SubscriptionState.UNBLOCKED, SubscriptionState.BLOCKED, SubscriptionState.PROD_ONLY_BLOCKED)
"""States a publisher may choose; the others belong to approvals."""

UNDECIDED = (SubscriptionState.ON_HOLD, SubscriptionState.REJECTED)
"""Subscriptions that nobody has approved."""

WAITING = (SubscriptionState.TIER_UPDATE_PENDING, SubscriptionState.DELETE_PENDING)
"""Approved ones with a change that waits."""


@transaction.atomic
def subscribe(*, by: User, application: Application, api: Api, plan: str) -> Subscription:
    """Subscribe `application` to `api` under the business plan named `plan`.

    Raises NotFound when `by` may not see the API or the application, NotAvailable for an application of an organisation that
    the API is not open to, NotSubscribable in a state that takes none,
    UnknownPolicy when the API does not offer the plan, AlreadySubscribed, NotApproved for an application that waits.
    Where somebody must approve it, its state is ON_HOLD until then.
    """
    application = locked_application(application)
    require_use(by, application)
    require_approved(application)
    api = queries.api(by, api.organisation, api.pk)
    if not takes(api, application.organisation):
        raise NotAvailable(api, application.organisation.domain)
    if api.state not in queries.SUBSCRIBABLE:
        raise NotSubscribable(api, api.get_state_display())
    _check_plan(api, plan, by)
    row = Subscription(organisation=application.organisation, application=application, api=api, plan=plan)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise AlreadySubscribed(application, api) from error
    if approvals.subscribing(by, row) is not None:
        row.state = SubscriptionState.ON_HOLD
        row.save(update_fields=["state"])
    audit.record(by, "subscription.create", row, after={"plan": plan, "state": row.state})
    publish_subscription(row)
    return row


@transaction.atomic
def unsubscribe(*, by: User, subscription: Subscription) -> Subscription | None:
    """End a subscription: calls of its application are refused from then on. Raises NotFound.

    None: it has ended. Else somebody must approve it first, and it goes on until then. Raises Pending when that is so already.
    """
    row = locked_subscription(subscription)
    require_use(by, row.application)
    if row.state == SubscriptionState.DELETE_PENDING:
        refuse_pending(row)
    if row.state == SubscriptionState.TIER_UPDATE_PENDING:
        withdraw(by=by, subject=row)
        settle(by, row)
    if row.state in UNDECIDED or approvals.leaving(by, row) is None:
        end(by, row)
        return None
    return _waits(by, row, SubscriptionState.DELETE_PENDING)


def end(by: User, row: Subscription) -> None:
    """End it, whatever it waits for; for actions that have asked who may."""
    withdraw(by=by, subject=row)
    audit.record(by, "subscription.delete", row, before={"plan": row.plan, "state": row.state})
    publish_subscription(row, deleted=True)
    row.delete()


@transaction.atomic
def change_plan(*, by: User, subscription: Subscription, plan: str) -> Subscription:
    """Move a subscription to another plan of its API; the owner or a publisher of the API may.

    Where somebody must approve what developers ask for, the state is TIER_UPDATE_PENDING until then; publishers need nobody.
    Raises NotFound, UnknownPolicy, Pending while it waits for something.
    """
    row = locked_subscription(subscription)
    publishes = _require_either(by, row)
    _check_plan(row.api, plan, None if publishes else by)
    refuse_pending(row)
    if not publishes and plan != row.plan and approvals.plan_change(by, row, plan) is not None:
        row.requested_plan = plan
        return _waits(by, row, SubscriptionState.TIER_UPDATE_PENDING)
    before, row.plan = {"plan": row.plan}, plan
    return _changed(by, "subscription.change_plan", row, before, {"plan": plan})


def settle(by: User, row: Subscription, plan: str = "") -> None:
    """End the waiting of a plan change or a deletion: with `plan`, or with what was."""
    before = {"plan": row.plan, "state": row.state}
    row.plan, row.requested_plan = plan or row.plan, ""
    row.state, row.state_before = row.state_before or SubscriptionState.UNBLOCKED, ""
    _changed(by, "subscription.settle", row, before, {"plan": row.plan, "state": row.state})


@transaction.atomic
def set_state(*, by: User, subscription: Subscription, state: str) -> Subscription:
    """Block (all calls, or production only) or unblock a subscription; for publishers of the API.

    Raises Invalid for a state that is not SETTABLE, NotFound, Forbidden.
    """
    subscription = locked_subscription(subscription)
    require_publisher(by, subscription)
    if state not in SETTABLE:
        allowed = ", ".join(SETTABLE)
        raise Invalid("That state cannot be chosen.", [FieldError("state", f"{state!r} is not one of: {allowed}")])
    if subscription.state in UNDECIDED:
        raise Conflict(f"{subscription} is {subscription.get_state_display().lower()}: an administrator decides on it.")
    if subscription.state in WAITING:
        # What waits goes on waiting; gateways and its end go by this state.
        before, subscription.state_before = {"state": subscription.state_before}, SubscriptionState(state)
    else:
        before, subscription.state = {"state": subscription.state}, SubscriptionState(state)
    return _changed(by, "subscription.set_state", subscription, before, {"state": state})


def _require_either(by: User, subscription: Subscription) -> bool:
    """Whether `by` acts as a publisher of the API; else they must be allowed to use the application."""
    same = by.organisation_id == subscription.api.organisation_id
    if same and by.is_active and by.has_role(PUBLISHER) and by.pk != subscription.application.owner_id:
        return True
    require_use(by, subscription.application)
    return False


def _waits(by: User, row: Subscription, state: SubscriptionState) -> Subscription:
    before = {"state": row.state}
    row.state_before, row.state = row.state, state
    after = {"state": str(state)} | ({"requested_plan": row.requested_plan} if row.requested_plan else {})
    return _changed(by, "subscription.wait", row, before, after)


def _check_plan(api: Api, plan: str, by: User | None) -> None:
    """Publishers (`by` None) may give a plan to somebody whose roles do not allow choosing it.

    The roles of another organisation's people say nothing here: they choose among what is open to everybody.
    """
    stranger = by is not None and by.organisation_id != api.organisation_id
    offered = [policy.name for policy in queries.plans(api, AnonymousUser() if stranger else by)]
    if plan not in offered:
        raise UnknownPolicy("throttlingPolicy", plan, offered)


def _changed(by: User, action: str, row: Subscription, before: dict[str, str], after: dict[str, str]) -> Subscription:
    row.save(update_fields=["plan", "requested_plan", "state", "state_before", "updated"])
    audit.record(by, action, row, before=before, after=after)
    publish_subscription(row)
    return row
