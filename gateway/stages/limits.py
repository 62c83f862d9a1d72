"""Rate limits: every counter of a call is looked at, and only when all have room are all of them raised."""

from __future__ import annotations

from gateway import faults
from gateway.call import Call
from gateway.counters import Counter, Counters
from gateway.plan import Plan
from gateway.schema import Policy
from gateway.stages import Step

UNAUTHENTICATED = "Unauthenticated"
"""Name of the subscription policy for operations that anybody may call."""


def stage(plan: Plan) -> Step | None:
    """The stage of an operation."""
    own = _own(plan)
    if plan.operation.auth != "none":
        return compile(own, subscribed=True) if own else plan.once("limits", lambda: compile((), subscribed=True))
    record = plan.record
    return compile_anonymous(
        plan.services.counters,
        plan.policies.get(f"{record.organisation}:subscription:{UNAUTHENTICATED}"),
        own,
        record.id,
    )


def _own(plan: Plan) -> tuple[Counter, ...]:
    """The counters of the API's policy or, when it has none, of the operation's."""
    record, operation = plan.record, plan.operation
    if record.policy:
        name, key, code = record.policy, f"api:{record.id}", "900800"
    else:
        name, key, code = operation.policy, f"operation:{record.id}:{operation.verb}:{operation.target}", "900802"
    policy = plan.policy("api", name)
    if policy is None or policy.quota is None:
        return ()
    return (plan.services.counters.get(key, policy.quota, code),)


def compile(own: tuple[Counter, ...], subscribed: bool) -> Step | None:
    """The stage of an operation with its `own` counters (API or operation policy); `subscribed` adds the decision's."""
    if not own and not subscribed:
        return None

    def limits(call: Call) -> bool | None:
        decision = call.decision
        return take(call, own + decision.limits if decision is not None else own)

    return limits


def compile_anonymous(counters: Counters, policy: Policy | None, own: tuple[Counter, ...], api: str) -> Step | None:
    """The stage of an operation that anybody may call: its own limits, and the Unauthenticated plan for each address."""
    quota = policy.quota if policy is not None else None
    if quota is None:
        return compile(own, subscribed=False)

    def anonymous(call: Call) -> bool | None:
        return take(call, (*own, counters.get(f"anonymous:{api}:{call.exchange.client[0]}", quota, "900804")))

    return anonymous


def take(call: Call, counters: tuple[Counter, ...]) -> bool | None:
    """Counts the call, or refuses it without counting anything.

    Deciding and counting happen in one go of the event loop, so a worker never lets more than a limit pass. Limits in bytes are
    looked at here and raised when the answer is through.
    """
    now = call.now
    for counter in counters:
        if now >= counter.ends:
            counter.roll(now)
        if counter.used >= counter.amount:
            return call.refuse(faults.throttled(counter.code, counter.ends), counter.key)
    for counter in counters:
        if counter.bytes:
            call.byte_counters += (counter,)
            continue
        counter.used += 1
        if counter.clean:
            counter.clean = False
            counter.registry.dirty.append(counter)
    return None
