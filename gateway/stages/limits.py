"""Rate limits: every counter of a call is looked at, and only when all have room are all of them raised.

The order is that of the original: API or operation, then burst, quota, application and backend (`Decision.limits`), then custom
rules. Deny policies come before (gateway.stages.deny).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway import faults
from gateway.call import Call
from gateway.conditions import group, where
from gateway.counters import Counter, Keyed
from gateway.merge import PATIENCE
from gateway.plan import Plan
from gateway.schema import Operation, Policy
from gateway.shares import backend
from gateway.stages import Step

UNAUTHENTICATED = "Unauthenticated"
"""Name of the subscription policy for operations that anybody may call."""

Own = Callable[[Call], tuple[Counter, ...]]
"""The counters of a call that come from the API's or operation's policy."""

Take = Callable[[Call, tuple[Counter, ...]], bool | Awaitable[bool | None] | None]


def stage(plan: Plan) -> Step | None:
    """The stage of an operation."""
    services = plan.services
    taking = take_and_tell if services.settings.rate_limit_headers else take
    own = own_counters(plan, plan.operation)
    anonymous = _anonymous(plan) if plan.operation.auth == "none" else None
    if services.rules:
        return _with_rules(plan, own, anonymous, taking)
    if anonymous is not None:
        return compile_anonymous(own, anonymous, taking)
    if plan.operation.auth == "none":
        return compile(own, subscribed=False, take=taking)
    if own == ():
        return plan.once("limits", lambda: compile((), subscribed=True, take=taking))
    return compile(own, subscribed=True, take=taking)


def own_counters(plan: Plan, operation: Operation) -> Own | tuple[Counter, ...]:
    """The counters of the API's policy or, when it has none, of the operation's: the same for all calls, or chosen by conditions.

    Raises ValueError naming the value of a condition that cannot be compared.
    """
    record = plan.record
    if record.policy:
        name, key, code = record.policy, f"api:{record.id}", "900800"
    else:
        name, key, code = operation.policy, f"operation:{record.id}:{operation.verb}:{operation.target}", "900802"
    policy = plan.policy("api", name)
    if policy is None:
        return ()
    counters = plan.services.counters
    default = (counters.get(key, policy.quota, code),) if policy.quota is not None else ()
    if not policy.groups:
        return default
    return _conditional(plan, policy, key, code, default)


def own_of(own: Own | tuple[Counter, ...], call: Call) -> tuple[Counter, ...]:
    """The own counters of a call."""
    return own if isinstance(own, tuple) else own(call)


def _conditional(plan: Plan, policy: Policy, key: str, code: str, default: tuple[Counter, ...]) -> Own:
    """Every group that a call meets counts it; the default limit counts those that meet none."""
    caller = where(plan.services.proxies)
    groups = tuple(
        (group(one, caller), plan.services.counters.get(f"{key}:group{number}", one.limit, code))
        for number, one in enumerate(policy.groups)
    )

    def choose(call: Call) -> tuple[Counter, ...]:
        return tuple(counter for meets, counter in groups if meets(call)) or default

    return choose


def _anonymous(plan: Plan) -> Own | None:
    """The Unauthenticated plan for each address, of an operation that anybody may call; and the backend's limit."""
    record, counters = plan.record, plan.services.counters
    policy = plan.policies.get(f"{record.organisation}:subscription:{UNAUTHENTICATED}")
    behind = backend(record, record.production is None, counters)
    quota = policy.quota if policy is not None else None
    if quota is None:
        return (lambda call: behind) if behind else None
    caller = where(plan.services.proxies)
    known = plan.once(
        "anonymous",
        lambda: Keyed(lambda address: counters.get(f"anonymous:{record.id}:{address}", quota, "900804")),
    )
    return lambda call: (known.get(caller(call)), *behind)


def compile(own: Own | tuple[Counter, ...], subscribed: bool, take: Take) -> Step | None:
    """The stage of an operation with its `own` counters (API or operation policy); `subscribed` adds the decision's."""
    if not isinstance(own, tuple):
        choose = own

        def conditional(call: Call) -> bool | Awaitable[bool | None] | None:
            decision = call.decision
            return take(call, choose(call) + decision.limits if decision is not None else choose(call))

        return conditional
    if not own and not subscribed:
        return None

    def limits(call: Call) -> bool | Awaitable[bool | None] | None:
        decision = call.decision
        return take(call, own + decision.limits if decision is not None else own)

    return limits


def compile_anonymous(own: Own | tuple[Counter, ...], anonymous: Own, take: Take) -> Step:
    """The stage of an operation that anybody may call: its own limits, and those of the caller's address."""
    return lambda call: take(call, own_of(own, call) + anonymous(call))


def _with_rules(plan: Plan, own: Own | tuple[Counter, ...], anonymous: Own | None, take: Take) -> Step:
    """The stage where custom rules are in force: they come last."""
    rules = plan.services.rules

    def limits(call: Call) -> bool | Awaitable[bool | None] | None:
        decision = call.decision
        counters = own_of(own, call)
        if decision is not None:
            counters += decision.limits
        if anonymous is not None:
            counters += anonymous(call)
        return take(call, counters + rules.counters(call))

    return limits


def take(call: Call, counters: tuple[Counter, ...]) -> bool | Awaitable[bool | None] | None:
    """Counts the call, or refuses it without counting anything, or waits for a share of a limit.

    Deciding and counting happen in one go of the event loop. Limits in bytes are looked at here and raised when the answer is
    through; those in events are looked at only, events raise them.
    """
    now = call.now
    for counter in counters:
        if now >= counter.ends:
            counter.roll(now)
        if counter.left <= 0:
            return short(call, counters, take)
    for counter in counters:
        if counter.bytes:
            call.byte_counters += (counter,)
            continue
        if counter.events:
            continue
        counter.left -= 1
        if counter.clean:
            counter.clean = False
            counter.registry.dirty.append(counter)
    return None


def take_and_tell(call: Call, counters: tuple[Counter, ...]) -> bool | Awaitable[bool | None] | None:
    """The same, and tells the caller what it may still use: of the limit that has the least left."""
    answer = take(call, counters)
    if answer is None:
        if counters:
            tell(call, counters)
    elif answer is not True:
        return _tell_later(call, counters, answer)
    return answer


async def _tell_later(call: Call, counters: tuple[Counter, ...], waiting: bool | Awaitable[bool | None]) -> bool | None:
    answered = waiting if isinstance(waiting, bool) else await waiting
    if not answered:
        tell(call, counters)
    return answered


def tell(call: Call, counters: tuple[Counter, ...]) -> None:
    """Adds the lines about the limit that has the least left to the answer."""
    tightest = counters[0]
    least = tightest.left + tightest.room
    for counter in counters:
        if counter.left + counter.room < least:
            tightest, least = counter, counter.left + counter.room
    call.answer_lines += told(tightest, max(0, least), call.now)


def told(counter: Counter, remaining: int, now: float) -> bytes:
    """The header lines about a limit: what it allows, what is left, seconds until it opens anew."""
    return b"%bratelimit-remaining: %d\r\nratelimit-reset: %d\r\n" % (counter.tell, remaining, counter.ends - now + 1)


def short(call: Call, counters: tuple[Counter, ...], take: Take) -> bool | Awaitable[bool | None] | None:
    """What happens to a call that finds a counter without share: refused when the limit is used up, else a share is asked for."""
    now = call.now
    asking = []
    for counter in counters:
        if now >= counter.ends:
            counter.roll(now)
        if counter.left > 0:
            continue
        if counter.exhausted(now):
            return refuse(call, counter)
        if counter.left <= 0:
            asking.append(counter)
    if not asking:
        return take(call, counters)
    return _wait(call, counters, asking, take)


def refuse(call: Call, counter: Counter) -> bool:
    """The 429 of a limit that is used up (503 of a backend's)."""
    opens = counter.opens(call.now)
    return call.refuse(faults.throttled(counter.code, opens), counter.key, told(counter, 0, call.now))


async def _wait(call: Call, counters: tuple[Counter, ...], asking: list[Counter], take: Take) -> bool | None:
    """Waits for shares of `asking` and decides then; after a while by what this worker knows alone."""
    registry = counters[0].registry
    ends = time.monotonic() + PATIENCE
    while asking:
        left = ends - time.monotonic()
        if registry.ask is None or left <= 0 or registry.alone:
            return _unasked(call, counters, take)
        await asyncio.wait([registry.ask(asking)], timeout=left)
        if call.exchange.lost:
            return None
        for counter in counters:
            if counter.left <= 0 and counter.exhausted(call.now):
                return refuse(call, counter)
        asking = [counter for counter in counters if counter.left <= 0]
    outcome = take(call, counters)
    return outcome if outcome is None or isinstance(outcome, bool) else await outcome


def _unasked(call: Call, counters: tuple[Counter, ...], take: Take) -> bool | None:
    """Redis does not answer: what is left of each limit, as last known, decides."""
    for counter in counters:
        if counter.left + counter.room <= 0:
            return refuse(call, counter)
    for counter in counters:
        if counter.left <= 0:
            more = 1 - counter.left
            counter.left += more
            counter.base += more
            counter.room -= more
    outcome = take(call, counters)
    return outcome if outcome is None or isinstance(outcome, bool) else None
