"""May this application call this API, where to and how much: worked out once per API and client, then looked up."""

from __future__ import annotations

from collections.abc import Callable

from gateway import faults
from gateway.call import Call
from gateway.decide import decide
from gateway.plan import Plan
from gateway.principal import Decision
from gateway.stages import Step

MOST = 100_000
"""Decisions remembered for one API; beyond it they are made anew."""

Decide = Callable[[str], Decision]
"""From a principal's `consumer` to what it may do."""


def stage(plan: Plan) -> Step | None:
    """The stage of an operation: nothing when anybody may call it."""
    if plan.operation.auth == "none":
        return None
    return plan.once("subscription", lambda: _for_api(plan))


def _for_api(plan: Plan) -> Step:
    record, services = plan.record, plan.services
    return compile(plan.api.decisions, lambda consumer: decide(services.current(), record, consumer, services.counters))


def compile(decisions: dict[str, Decision], find: Decide) -> Step:
    """The stage of an API. `decisions` is emptied by whoever changes keys, applications, subscriptions or policies."""

    def subscription(call: Call) -> bool | None:
        principal = call.principal
        if principal is None:
            return call.refuse(faults.UNCLASSIFIED, "no principal")
        consumer = principal.consumer
        decision = decisions.get(consumer)
        if decision is None:
            decision = find(consumer)
            if decision.fault is None or decision.application is not None:
                if len(decisions) >= MOST:
                    decisions.clear()
                decisions[consumer] = decision
        call.decision = decision
        if decision.fault is not None:
            return call.refuse(decision.fault, decision.cause)
        return None

    return subscription
