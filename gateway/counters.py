"""Rate-limit counters of one worker: plain objects, calendar-aligned windows, no I/O. `gateway.merge` joins the workers."""

from __future__ import annotations

from weakref import WeakValueDictionary

from gateway.schema import Limit

WEEK = 604_800
MONDAY = 345_600
"""The first Monday of Unix time; weekly windows start on Mondays, all others divide Unix time."""


class Counter:
    """How much of one limit was used in the running window, by all workers as far as known.

    `used` is compared with `amount` before a call and raised by it; `merged` is how much of `used` the other workers know.
    """

    __slots__ = (
        "__weakref__",
        "amount",
        "bytes",
        "clean",
        "code",
        "ends",
        "key",
        "merged",
        "registry",
        "seconds",
        "used",
    )

    def __init__(self, registry: Counters, key: str, limit: Limit, code: str) -> None:
        self.registry = registry
        self.key = key
        self.code = code
        self.seconds = limit.seconds
        self.amount = limit.amount
        self.bytes = limit.unit == "bytes"
        self.ends = 0.0
        self.used = 0
        self.merged = 0
        self.clean = True

    def roll(self, now: float) -> None:
        """Starts the window that holds `now` (Unix seconds)."""
        shift = MONDAY if self.seconds % WEEK == 0 else 0
        self.ends = ((now - shift) // self.seconds + 1) * self.seconds + shift
        self.used = 0
        self.merged = 0
        self.registry.running.add(self)

    def add(self, amount: int, now: float) -> None:
        """Counts `amount` more, for limits in bytes, which are known only after the call."""
        if now >= self.ends:
            self.roll(now)
        self.used += amount
        if self.clean:
            self.clean = False
            self.registry.dirty.append(self)


class Counters:
    """All counters of a worker by key. One lives while a compiled call uses it or its window runs."""

    def __init__(self) -> None:
        self.running: set[Counter] = set()
        self.dirty: list[Counter] = []
        self._all: WeakValueDictionary[tuple[str, int, bool], Counter] = WeakValueDictionary()

    def get(self, key: str, limit: Limit, code: str) -> Counter:
        """The counter of `key`; a changed amount takes effect at once and keeps what was used."""
        identity = (key, limit.seconds, limit.unit == "bytes")
        counter = self._all.get(identity)
        if counter is None:
            counter = self._all[identity] = Counter(self, f"{key}:{limit.seconds}:{limit.unit}", limit, code)
        counter.amount = limit.amount
        return counter

    def sweep(self, now: float) -> None:
        """Lets go of counters whose window is over."""
        self.running = {counter for counter in self.running if counter.ends > now}
