"""Rate-limit counters of one worker: plain objects, no I/O. `gateway.merge` joins the workers.

What a call needs is one number, `left`: how much this worker may still let pass without asking. Alone it is all that is left
of the limit. Among several workers it is a share that Redis has set aside for this one (`reserve`), and a little credit
besides, so that together they never let more pass than the limit and the sum of their credits (docs/traffic.md).
"""

from __future__ import annotations

import math
from asyncio import Future
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from weakref import WeakValueDictionary, ref

from gateway.schema import Limit
from gateway.windows import bounds

CREDIT = 100
"""A worker lets this fraction of what is left, divided by the number of workers, pass before it asks: 1 % all together."""

PLENTY = 1 << 50
"""`left` of a limit that only counts."""

ASK_AGAIN = 0.25
"""Seconds until a worker asks again about a limit that was used up: others may have given back what they did not use."""

CLOCK_STEP = 1.0
"""Seconds that a call may lie before its window; more means that the clock was put back."""


class Counter:
    """One limit in its running window.

    `left`: what may pass before this worker must ask; `base`: what `left` was at the last settlement, so that `base - left` was
    used since; `known`: the total of all workers as last told, with everything set aside; `full`: nothing was left then.
    """

    __slots__ = (
        "__weakref__",
        "amount",
        "asked",
        "base",
        "bytes",
        "clean",
        "code",
        "ends",
        "events",
        "full",
        "generation",
        "key",
        "known",
        "left",
        "lenient",
        "limit",
        "name",
        "owed",
        "previous",
        "recent",
        "registry",
        "reserve",
        "room",
        "starts",
        "tell",
        "wanted",
    )

    def __init__(self, registry: Counters, key: str, limit: Limit, code: str, lenient: bool = False) -> None:
        self.registry = registry
        self.key = key
        self.code = code
        self.limit = limit
        self.amount = limit.amount
        self.bytes = limit.unit == "bytes"
        self.events = limit.unit == "events"
        self.lenient = lenient
        self.name = ""
        self.generation = ""
        self.tell = b""
        self.starts = self.ends = 0.0
        self.left = self.base = self.room = 0
        self.known = self.reserve = self.owed = self.previous = 0
        self.recent = self.wanted = 0
        self.asked = 0.0
        self.full = False
        self.clean = True
        self.rename()

    # -- windows

    def roll(self, now: float) -> None:
        """Starts the window that holds `now` (Unix seconds)."""
        starts, ends = bounds(now, self.limit.seconds, self.limit.months)
        self.previous = self._total() if self.limit.sliding and starts == self.ends else 0
        self.starts, self.ends = starts, ends
        self.restart(now)
        self.registry.running.add(self)

    def restart(self, now: float) -> None:
        """Forgets what was used."""
        self.known = self.reserve = self.owed = self.recent = self.wanted = 0
        self.left = self.base = 0
        self.full = False
        self.rebound(now)

    def capacity(self, now: float) -> int:
        """What the window holds at `now`. A sliding one holds less by the part of the window before that still counts."""
        if not self.previous:
            return self.amount
        return max(0, self.amount - math.ceil(self.previous * self.weight(now)))

    def weight(self, now: float) -> float:
        """The part of the window before that a sliding window still counts, 1 at its start, 0 at its end."""
        if not self.limit.sliding:
            return 0.0
        return min(1.0, max(0.0, (self.ends - now) / (self.ends - self.starts)))

    def opens(self, now: float) -> float:
        """When (Unix seconds) a full limit has room again, if nobody uses it until then."""
        if not self.limit.sliding:
            return self.ends
        total, span = self._total(), self.ends - self.starts
        if total < self.amount and self.previous:
            return min(self.ends, self.ends - span * (self.amount - 1 - total) / self.previous)
        return self.ends + span * max(0.0, 1 - (self.amount - 1) / max(total, 1))

    # -- using

    def add(self, amount: int, now: float) -> None:
        """Counts `amount` more, whether or not there is room."""
        if now >= self.ends:
            self.roll(now)
        self.left -= amount
        self.touch()
        registry = self.registry
        if self.left < 0 and not (self.bytes or registry.alone or registry.ask is None):
            registry.ask((self,))

    def touch(self) -> None:
        """Has the next settlement look at this counter."""
        if self.clean:
            self.clean = False
            self.registry.dirty.append(self)

    def exhausted(self, now: float) -> bool:
        """Whether the limit is used up, as far as this worker knows; False as well when it has to ask. Counts nothing."""
        if now >= self.ends or now < self.starts - CLOCK_STEP:
            self.roll(now)
        if self.left <= 0 and self.limit.sliding:
            self.rebound(now)
        if self.left > 0:
            return False
        if self.registry.alone or self.bytes:
            return True
        if self.full and now - self.asked > ASK_AGAIN:
            self.wanted = 1
            self.touch()
        return self.full

    @property
    def remaining(self) -> int:
        """What all callers together may still use in this window, as far as this worker knows."""
        return max(0, self.left + self.room)

    # -- settling (gateway.merge)

    def settle(self) -> tuple[int, int]:
        """What the others must be told (used, or given back when negative) and how much this worker wants to be set aside."""
        used = self.base - self.left
        credit = max(0, self.left if used > self.reserve else self.left - self.reserve + used)
        change, self.owed = self.owed + max(0, used - self.reserve), 0
        self.reserve = max(0, self.reserve - used)
        self.recent = max(used, self.recent // 2)
        target = 0 if self.registry.alone or self.lenient or self.bytes else max(2 * self.recent, self.wanted)
        if self.reserve > target:
            change -= self.reserve - target
            self.reserve = target
        wanted, self.wanted = target - self.reserve, 0
        self.left = self.base = self.reserve + credit
        return change, wanted

    def settled(self, total: int, granted: int, now: float) -> None:
        """Takes in the total of all workers and what was set aside for this one."""
        used = self.base - self.left
        if self.lenient and total > self.amount:
            self.registry.passed_over += min(total - self.known, total - self.amount)
        self.known = total
        self.reserve += granted
        self.asked = now
        self.base = self.left = 0
        self._allow(now, used)
        if self.reserve:
            self.touch()

    def unsettled(self, change: int) -> None:
        """The others could not be told: it is owed."""
        self.owed += change
        self.touch()

    def rebound(self, now: float) -> None:
        """Works out anew what may pass: another amount, or another number of workers."""
        self._allow(now, self.base - self.left)

    def _allow(self, now: float, used: int) -> None:
        free = PLENTY
        left = self.capacity(now) - self.known - self.owed
        if not self.lenient:
            free = self.registry.credit(max(0, left), self.bytes)
        self.base = self.reserve + free
        self.left = self.base - used
        self.room = left - free
        self.full = left <= 0 and self.left <= 0

    def _total(self) -> int:
        """What was used in this window, as far as known."""
        return max(0, self.known - self.reserve + self.owed + self.base - self.left)

    def rename(self) -> None:
        """Puts the name under which Redis keeps the total together, but for the window's end, and the line for callers."""
        limit = self.limit
        kind = f"{limit.unit}{'~' if limit.sliding else ''}"
        self.name = f"apim:limit:{self.key}:{limit.months or ''}{'m' if limit.months else limit.seconds}:{kind}{self.generation}"
        self.tell = b"ratelimit-limit: %d\r\n" % self.amount


class Counters:
    """All counters of a worker by key. One lives while a compiled call uses it or its window runs."""

    def __init__(self) -> None:
        self.running: set[Counter] = set()
        self.dirty: list[Counter] = []
        self.alone = True
        self.joined = False
        """Whether totals are exchanged with the other workers; without Redis they are not."""

        self.workers = 1
        self.passed_over = 0
        """Calls let pass beyond a quota that does not stop, those of other workers included."""

        self.generations: dict[str, str] = {}
        self.ask: Callable[[Sequence[Counter]], Future[None]] | None = None
        """Has shares set aside at once (gateway.merge); None where nobody joins the workers."""

        self._amended: dict[int, tuple[ref[Limit], Limit]] = {}
        """Limits that chains still hold, by identity → what they are now."""

        self._all: WeakValueDictionary[tuple[str, int, int, str, bool], Counter] = WeakValueDictionary()

    def get(self, key: str, limit: Limit, code: str, lenient: bool = False) -> Counter:
        """The counter of `key`; a changed amount takes effect at once and keeps what was used."""
        if id(limit) in self._amended:
            limit = self._amended[id(limit)][1]
        identity = (key, limit.seconds, limit.months, limit.unit, limit.sliding)
        counter = self._all.get(identity)
        if counter is None:
            counter = self._all[identity] = Counter(self, key, limit, code, lenient)
        if counter.amount != limit.amount or counter.lenient != lenient or counter.generation != self._generation(key):
            counter.limit = limit
            self._adjust(counter, limit.amount, lenient)
        return counter

    def amend(self, changes: Sequence[tuple[Limit, Limit]]) -> None:
        """Gives limits that chains hold other amounts, and their counters with them, those to come included."""
        now_is = {id(old): new for old, new in changes}
        for key, (held, new) in list(self._amended.items()):
            self._amended[key] = held, now_is.get(id(new), new)
        for old, new in changes:
            self._amended[id(old)] = ref(old, partial(self._released, id(old))), new
        for counter in list(self._all.values()):
            limit = now_is.get(id(counter.limit))
            if limit is not None:
                counter.limit = limit
                self._adjust(counter, limit.amount, counter.lenient)

    def _released(self, key: int, _: ref[Limit]) -> None:
        """No chain holds this limit any more."""
        self._amended.pop(key, None)

    def _adjust(self, counter: Counter, amount: int, lenient: bool) -> None:
        counter.amount, counter.lenient, counter.generation = amount, lenient, self._generation(counter.key)
        counter.rename()
        if counter.ends:
            counter.rebound(counter.starts)

    def credit(self, left: int, unasked: bool) -> int:
        """How much of what is `left` a worker may let pass before it asks: everything when it is alone or must not ask."""
        return left if self.alone or unasked else left // (CREDIT * self.workers)

    def among(self, workers: int, joined: bool, now: float) -> None:
        """How many workers share the limits now; not `joined`: each counts alone."""
        alone = workers <= 1 or not joined
        self.joined = joined
        if (alone, workers) != (self.alone, self.workers):
            self.alone, self.workers = alone, workers
            for counter in self.running:
                counter.rebound(now)

    def reset(self, at: dict[str, float], now: float) -> None:
        """Forgets what was used of the keys of `at` (key → Unix seconds of the order). Each order counts once."""
        wanted = {key: f"@{moment}" for key, moment in at.items()}
        changed = {key for key, mark in wanted.items() if self.generations.get(key, "") != mark}
        self.generations = wanted
        for counter in list(self._all.values()):
            if counter.key in changed:
                counter.generation = self.generations[counter.key]
                counter.rename()
                counter.restart(now)

    def prometheus(self, worker: int) -> Iterator[str]:
        """Lines in Prometheus' text format."""
        yield "# TYPE gateway_limits_shared gauge"
        yield f'gateway_limits_shared{{worker="{worker}"}} {int(self.joined)}'
        yield "# TYPE gateway_limit_workers gauge"
        yield f'gateway_limit_workers{{worker="{worker}"}} {self.workers if self.joined else 1}'
        yield "# TYPE gateway_limit_counters gauge"
        yield f'gateway_limit_counters{{worker="{worker}"}} {len(self.running)}'
        yield "# TYPE gateway_quota_passed_over_total counter"
        yield f'gateway_quota_passed_over_total{{worker="{worker}"}} {self.passed_over}'

    def sweep(self, now: float) -> None:
        """Lets go of counters whose window is over, or lies ahead because the clock was put back."""
        self.running = {one for one in self.running if one.ends > now and one.starts <= now + CLOCK_STEP}

    def _generation(self, key: str) -> str:
        return self.generations.get(key, "") if self.generations else ""


class Keyed:
    """Counters of one limit, one for each value (an address, a user) seen; of too many the oldest goes."""

    def __init__(self, make: Callable[[str], Counter], most: int = 100_000) -> None:
        self._make = make
        self._most = most
        self._known: dict[str, Counter] = {}

    def get(self, value: str) -> Counter:
        """The counter of `value`."""
        counter = self._known.get(value)
        if counter is None:
            if len(self._known) >= self._most:
                oldest = self._known.pop(next(iter(self._known)))
                oldest.registry.running.discard(oldest)
            counter = self._known[value] = self._make(value)
        return counter
