"""What a client may do with an API: worked out from the records at its first call, then remembered until one of them changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import faults
from gateway.counters import Counter, Counters
from gateway.principal import Decision
from gateway.schema import Api, Application, Key, Policy, Subscription

if TYPE_CHECKING:
    from gateway.state import State


def decide(state: State, api: Api, consumer: str, counters: Counters) -> Decision:
    """What the client with key record `consumer` may do with `api`."""
    key: Key | None = state.records["key"].get(consumer)
    application: Application | None = state.records["application"].get(key.application) if key else None
    if key is None or application is None:
        return Decision(faults.FORBIDDEN, f"no application has the client {consumer}")
    subscription = state.pairs.get((api.id, application.id))
    decision = Decision(None, application=application, subscription=subscription, key_type=key.key_type)
    if subscription is None:
        decision.fault = faults.FORBIDDEN
        decision.cause = "not subscribed"
        return decision
    decision.fault = _state_fault(subscription.state, key.key_type)
    decision.cause = f"subscription is {subscription.state}"
    decision.limits = limits(state.records["policy"], api, application, subscription, counters)
    return decision


def limits(
    policies: dict[str, Policy], api: Api, application: Application, subscription: Subscription, counters: Counters
) -> tuple[Counter, ...]:
    """The counters of a subscription: burst, quota, application."""
    found = []
    plan = policies.get(f"{api.organisation}:subscription:{subscription.plan}")
    if plan is not None and plan.burst is not None:
        found.append(counters.get(f"burst:{subscription.id}", plan.burst, "900807"))
    if plan is not None and plan.quota is not None and plan.stop_on_quota_reach:
        found.append(counters.get(f"subscription:{subscription.id}", plan.quota, "900804"))
    own = policies.get(f"{application.organisation}:application:{application.policy}")
    if own is not None and own.quota is not None:
        found.append(counters.get(f"application:{application.id}", own.quota, "900803"))
    if own is not None and own.burst is not None:
        found.append(counters.get(f"application-burst:{application.id}", own.burst, "900809"))
    return tuple(found)


def _state_fault(state: str, key_type: str) -> faults.Fault | None:
    if state == "BLOCKED" or (state == "PROD_ONLY_BLOCKED" and key_type == "PRODUCTION"):
        return faults.SUBSCRIPTION_BLOCKED
    return faults.SUBSCRIPTION_INACTIVE if state in ("ON_HOLD", "REJECTED") else None
