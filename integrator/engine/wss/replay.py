"""Nonces that were used already: bounded, and forgotten when the message could not be fresh any more."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from itertools import islice

MAX_ENTRIES = 100_000


class Nonces:
    """One for each process. What is full refuses: only callers with a right password can fill it."""

    def __init__(self, limit: int = MAX_ENTRIES):
        self._limit = limit
        self._held: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def use(self, nonce: bytes, until: float, now: float | None = None) -> bool:
        """Remember a nonce until a time (seconds since 1970); False when it was used before or there is no room."""
        now = time.time() if now is None else now
        with self._lock:
            for key in [key for key, end in islice(self._held.items(), 64) if end < now]:
                del self._held[key]
            if self._held.get(nonce, 0.0) >= now:
                return False
            if len(self._held) >= self._limit and not self._make_room(now):
                return False
            self._held[nonce] = until
            return True

    def _make_room(self, now: float) -> bool:
        for key in [key for key, end in self._held.items() if end < now]:
            del self._held[key]
        return len(self._held) < self._limit

    def __len__(self) -> int:
        return len(self._held)
