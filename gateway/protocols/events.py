"""Counting the events of a stream: every frame, message or server-sent event takes from the limits of its caller."""

from __future__ import annotations

import dataclasses

from gateway import faults
from gateway.call import Call
from gateway.counters import Counter
from gateway.faults import Fault
from gateway.plan import Plan
from gateway.schema import Operation
from gateway.stages import Step, limits
from gateway.stages.limits import Own

LOOK_SECONDS = 0.02
"""Between two looks of a resting stream at whether a share of its limits has come."""

REST_SECONDS = 1.0
"""How long a stream waits for a share at most; then it goes on by what this worker knows."""

QUOTA_CODES = frozenset({"900804", "900808"})


class Meter:
    """The limits of one stream. `counters` may be replaced while it runs, when policies or the subscription change.

    `short`: the share of a limit that this worker had is used up, and the others have to be asked for more. Whoever reads the
    stream stops then, sets it back and looks every LOOK_SECONDS whether the meter is still `asking`, for REST_SECONDS at most:
    so no more than what one read brought passes beyond the share.
    """

    __slots__ = ("counters", "short")

    def __init__(self, counters: tuple[Counter, ...]) -> None:
        self.counters = counters
        self.short = False

    def asking(self) -> bool:
        """Whether a share is still asked for."""
        return any(
            counter.left <= 0 and not (counter.full or counter.bytes or counter.registry.alone)
            for counter in self.counters
        )

    def full(self, now: float) -> Counter | None:
        """The first limit without room at `now` (Unix seconds); nothing is counted."""
        for counter in self.counters:
            if counter.exhausted(now):
                return counter
        return None

    def take(self, size: int, now: float) -> Counter | None:
        """Counts one event of `size` bytes, or returns the limit that has no room for it and counts nothing."""
        found = self.full(now)
        if found is None:
            for counter in self.counters:
                counter.add(size if counter.bytes else 1, now)
                if counter.left <= 0 and not (counter.registry.alone or counter.bytes):
                    counter.wanted = max(counter.wanted, 1)
                    self.short = True
        return found


def own_counters(plan: Plan, operation: Operation) -> Own:
    """The counters of a stream from the API's policy or, when it has none, this operation's, and from custom rules."""
    own, rules = limits.own_counters(plan, operation), plan.services.rules
    if rules:
        return lambda call: limits.own_of(own, call) + rules.counters(call)
    return lambda call: limits.own_of(own, call)


def of_caller(call: Call) -> tuple[Counter, ...]:
    """The limits of the caller's application and plan."""
    return call.decision.limits if call.decision is not None else ()


def admission(own: Own) -> Step:
    """The step that refuses a stream whose limits have no room left. It counts nothing: events do."""

    def admit(call: Call) -> bool | None:
        counter = Meter(own(call) + of_caller(call)).full(call.now)
        return call.refuse(exceeded(counter), counter.key) if counter is not None else None

    return admit


def exceeded(counter: Counter) -> Fault:
    """The refusal of a limit; the quota of a streaming plan has a code of its own."""
    fault = faults.throttled(counter.code, counter.ends)
    return dataclasses.replace(fault, code="900808") if counter.code in QUOTA_CODES else fault
