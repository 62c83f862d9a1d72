"""Writes on subscriptions: by developers (subscribe, change plan, leave) and by the API's publishers (block, unblock)."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from portal import queries
from portal.actions.locks import locked_application, locked_subscription
from portal.errors import AlreadySubscribed, NotSubscribable, UnknownPolicy
from portal.models import Application, Subscription, SubscriptionState
from portal.permissions import PUBLISHER, require_publisher, require_use
from portal.records import publish_subscription
from publisher.models import Api

SETTABLE = (SubscriptionState.UNBLOCKED, SubscriptionState.BLOCKED, SubscriptionState.PROD_ONLY_BLOCKED)
"""States a publisher may choose; the others belong to approvals."""


@transaction.atomic
def subscribe(*, by: User, application: Application, api: Api, plan: str) -> Subscription:
    """Subscribe `application` to `api` under the business plan named `plan`.

    Raises NotFound when `by` may not see the API or the application, NotSubscribable in a state that takes none,
    UnknownPolicy when the API does not offer the plan, AlreadySubscribed.
    """
    application = locked_application(application)
    require_use(by, application)
    api = queries.api(by, application.organisation, api.pk)
    if api.state not in queries.SUBSCRIBABLE:
        raise NotSubscribable(api, api.get_state_display())
    _check_plan(api, plan, by)
    row = Subscription(organisation=application.organisation, application=application, api=api, plan=plan)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise AlreadySubscribed(application, api) from error
    audit.record(by, "subscription.create", row, after={"plan": plan, "state": row.state})
    publish_subscription(row)
    return row


@transaction.atomic
def unsubscribe(*, by: User, subscription: Subscription) -> None:
    """End a subscription: calls of its application are refused from then on. Raises NotFound."""
    subscription = locked_subscription(subscription)
    require_use(by, subscription.application)
    before = {"plan": subscription.plan, "state": subscription.state}
    audit.record(by, "subscription.delete", subscription, before=before)
    publish_subscription(subscription, deleted=True)
    subscription.delete()


@transaction.atomic
def change_plan(*, by: User, subscription: Subscription, plan: str) -> Subscription:
    """Move a subscription to another plan of its API; the owner or a publisher of the API may.

    Raises NotFound, UnknownPolicy.
    """
    subscription = locked_subscription(subscription)
    _require_either(by, subscription)
    _check_plan(subscription.api, plan, by if by == subscription.application.owner else None)
    before, subscription.plan = {"plan": subscription.plan}, plan
    return _changed(by, "subscription.change_plan", subscription, before, {"plan": plan})


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
    before, subscription.state = {"state": subscription.state}, SubscriptionState(state)
    return _changed(by, "subscription.set_state", subscription, before, {"state": state})


def _require_either(by: User, subscription: Subscription) -> None:
    same = by.organisation_id == subscription.api.organisation_id
    if same and by.is_active and by.has_role(PUBLISHER):
        return
    require_use(by, subscription.application)


def _check_plan(api: Api, plan: str, by: User | None) -> None:
    """Publishers (`by` None) may give a plan to somebody whose roles do not allow choosing it."""
    offered = [policy.name for policy in queries.plans(api, by)]
    if plan not in offered:
        raise UnknownPolicy("throttlingPolicy", plan, offered)


def _changed(by: User, action: str, row: Subscription, before: dict[str, str], after: dict[str, str]) -> Subscription:
    row.save(update_fields=["plan", "state", "updated"])
    audit.record(by, action, row, before=before, after=after)
    publish_subscription(row)
    return row
