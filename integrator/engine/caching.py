"""Responses kept by cache mediators: each mediator has its own entries, all together are bounded in bytes (reference 3.6)."""

from __future__ import annotations

import threading
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
    """The bytes that all caches of a process share. A cache may end on the thread that builds a deployment, hence the lock."""

    def __init__(self, max_bytes: int = MAX_BYTES):
        self.max_bytes = max_bytes
        self.used = 0
        self._lock = threading.RLock()
        self._order: OrderedDict[tuple[int, bytes], tuple[Callable[[], ResponseCache | None], int]] = OrderedDict()

    def added(self, cache: ResponseCache, key: bytes, size: int) -> None:
        """An entry was put: the entries used longest ago leave until all fit."""
        with self._lock:
            self._order[(id(cache), key)] = (weakref.ref(cache), size)
            self.used += size
            while self.used > self.max_bytes and self._order:
                (owner, oldest), (cache_of, _) = next(iter(self._order.items()))
                self.removed(owner, oldest)
                held = cache_of()
                if held is not None:
                    held.remove(oldest)

    def touched(self, cache: ResponseCache, key: bytes) -> None:
        """An entry was used."""
        with self._lock:
            if (id(cache), key) in self._order:
                self._order.move_to_end((id(cache), key))

    def removed(self, owner: int, key: bytes) -> None:
        """An entry left; one that left already is fine."""
        with self._lock:
            found = self._order.pop((owner, key), None)
            if found is not None:
                self.used -= found[1]


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
        if self._held.pop(key, None) is not None:
            self.budget.removed(id(self), key)

    def __len__(self) -> int:
        return len(self._held)


def _forget(budget: Budget, owner: int, held: OrderedDict[bytes, CachedResponse]) -> None:
    for key in held:
        budget.removed(owner, key)


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
