"""What the floors above (the portal) tell the publisher, without the publisher knowing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from apim.accounts.models import User
from publisher.models import Api

if TYPE_CHECKING:
    from datetime import datetime

    from apim.accounts.models import Organisation

UsageCounter = Callable[[Api], int]
StateListener = Callable[[User, Api, str, str, frozenset[str]], None]
_usage: list[UsageCounter] = []
_listeners: list[StateListener] = []


def counts_usage(counter: UsageCounter) -> UsageCounter:
    """Register (in `AppConfig.ready`) a count of live subscriptions; an API that has some is not deleted."""
    if counter not in _usage:
        _usage.append(counter)
    return counter


def on_state_change(listener: StateListener) -> StateListener:
    """Register `listener(by, api, before, after, checklist)`; it runs inside the transaction of the step."""
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def usage(api: Api) -> int:
    """How many subscriptions depend on `api`."""
    return sum(counter(api) for counter in _usage)


def state_changed(by: User, api: Api, before: str, after: str, checklist: Iterable[str]) -> None:
    """Tell every listener that `api` went from `before` to `after`."""
    for listener in _listeners:
        listener(by, api, before, after, frozenset(checklist))


UsagePublisher = Callable[["Organisation", "datetime | None"], int]
_billing: list[UsagePublisher] = []


def bills_usage(publisher: UsagePublisher) -> UsagePublisher:
    """Register `publisher(organisation, since)`: gives usage from `since` (None: from the beginning) to a billing engine and
    returns how many records that were."""
    if publisher not in _billing:
        _billing.append(publisher)
    return publisher


def has_billing() -> bool:
    """Whether any billing engine is registered."""
    return bool(_billing)


def publish_usage(organisation: Organisation, since: datetime | None) -> int:
    """Let every billing engine take the usage; how many records they took."""
    return sum(publisher(organisation, since) for publisher in _billing)


PlanCounter = Callable[[Api], dict[str, int]]
_plan_counters: list[PlanCounter] = []


def counts_plans(counter: PlanCounter) -> PlanCounter:
    """Register (in `AppConfig.ready`) a count of the live subscriptions to an API by the name of their plan."""
    if counter not in _plan_counters:
        _plan_counters.append(counter)
    return counter


def plan_counts(api: Api) -> dict[str, int]:
    """How many subscriptions `api` has under each plan."""
    return {name: number for counter in _plan_counters for name, number in counter(api).items()}
