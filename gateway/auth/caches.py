"""Two small bounded maps that credentials are remembered in."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(dict[K, V], Generic[K, V]):
    """A dict of at most `capacity` entries; `keep` drops the oldest to make room. Reading costs what a dict costs."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity

    def keep(self, key: K, value: V) -> None:
        """Remembers `value`."""
        if key not in self and len(self) >= self.capacity:
            del self[next(iter(self))]
        self[key] = value


class Refused:
    """What was refused a moment ago, so that a caller who insists does not make us ask again. Entries end after `seconds`."""

    def __init__(self, capacity: int, seconds: float) -> None:
        self._until: Bounded[bytes, tuple[float, str]] = Bounded(capacity)
        self._seconds = seconds

    def add(self, key: bytes, cause: str, now: float) -> None:
        """Remembers a refusal and why."""
        self._until.keep(key, (now + self._seconds, cause))

    def why(self, key: bytes, now: float) -> str | None:
        """Why `key` was refused, or None when it was not, or too long ago."""
        found = self._until.get(key)
        if found is None:
            return None
        if found[0] <= now:
            del self._until[key]
            return None
        return found[1]

    def clear(self) -> None:
        """Forgets everything."""
        self._until.clear()
