"""Responses kept by cache mediators: each mediator has its own entries, all together are bounded in bytes (reference 3.6)."""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 32 * 1024 * 1024
"""Bytes that all responses kept by one process may take together; what was used longest ago goes first."""
OVERHEAD = 1024
"""Bytes counted for an entry beside its body and headers."""


@dataclass
class CachedResponse:
    """An answer as it was when it passed the collector. `fetched` is wall-clock seconds, `ends` monotonic seconds."""

    body: bytes
    content_type: str
    headers: list[tuple[str, str]]
    status: int
    reason: str
    pox: bool = True
    fetched: float = 0.0
    ends: float = 0.0
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = OVERHEAD + len(self.body) + sum(len(name) + len(value) for name, value in self.headers)

    def header(self, name: str) -> str:
        """First value of a header, empty when absent."""
        return next((value for known, value in self.headers if known.lower() == name), "")

    @property
    def age(self) -> int:
        """Whole seconds since it was fetched."""
        return max(0, int(time.time() - self.fetched))


class Budget:
    """The bytes that all caches of a process share."""

    def __init__(self, max_bytes: int = MAX_BYTES):
        self.max_bytes = max_bytes
        self.used = 0
        self._order: OrderedDict[tuple[int, bytes], Callable[[], ResponseCache | None]] = OrderedDict()

    def added(self, cache: ResponseCache, key: bytes, size: int) -> None:
        """An entry was put: the entries used longest ago leave until all fit."""
        self._order[(id(cache), key)] = weakref.ref(cache)
        self.used += size
        while self.used > self.max_bytes and self._order:
            (_, oldest), owner = next(iter(self._order.items()))
            held = owner()
            if held is not None:
                held.remove(oldest)

    def touched(self, cache: ResponseCache, key: bytes) -> None:
        """An entry was used."""
        self._order.move_to_end((id(cache), key))

    def removed(self, owner: int, key: bytes, size: int) -> None:
        """An entry left."""
        if self._order.pop((owner, key), None) is not None:
            self.used -= size


class ResponseCache:
    """Entries of one cache mediator: at most `entries` (0: no limit of its own), used longest ago leaves first."""

    def __init__(self, entries: int, budget: Budget):
        self.entries = entries
        self.budget = budget
        self._held: OrderedDict[bytes, CachedResponse] = OrderedDict()
        weakref.finalize(self, _forget, budget, id(self), self._held)

    def get(self, key: bytes) -> CachedResponse | None:
        """The entry of a hash; None when there is none or its time is over."""
        found = self._held.get(key)
        if found is None:
            return None
        if found.ends < time.monotonic():
            self.remove(key)
            return None
        self._held.move_to_end(key)
        self.budget.touched(self, key)
        return found

    def put(self, key: bytes, response: CachedResponse, seconds: float) -> None:
        """Keep a response for so many seconds. One that is larger than the whole budget is not kept."""
        if response.size > self.budget.max_bytes:
            return
        self.remove(key)
        response.ends = time.monotonic() + seconds
        self._held[key] = response
        self.budget.added(self, key, response.size)
        while self.entries and len(self._held) > self.entries:
            self.remove(next(iter(self._held)))

    def remove(self, key: bytes) -> None:
        """Drop an entry; absent is fine."""
        found = self._held.pop(key, None)
        if found is not None:
            self.budget.removed(id(self), key, found.size)

    def __len__(self) -> int:
        return len(self._held)


def _forget(budget: Budget, owner: int, held: OrderedDict[bytes, CachedResponse]) -> None:
    for key, response in held.items():
        budget.removed(owner, key, response.size)


class SharedCaches:
    """Caches that mediators with one id and scope="per-host" share, as long as one of them is deployed."""

    def __init__(self) -> None:
        self._known: weakref.WeakValueDictionary[Any, ResponseCache] = weakref.WeakValueDictionary()

    def cache(self, name: str, entries: int, budget: Budget) -> ResponseCache:
        """The cache of an id."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = ResponseCache(entries, budget)
        return found


budget = Budget()
shared = SharedCaches()
