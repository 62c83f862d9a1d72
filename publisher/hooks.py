"""What the floors above (the portal) tell the publisher, without the publisher knowing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apim.accounts.models import User
from publisher.models import Api

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
