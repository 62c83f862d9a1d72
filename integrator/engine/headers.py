"""Transport headers of a message: case-insensitive names, repeated values kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Headers:
    """A small multi-map. Reading gives the first value; writing replaces all of them.

    `received` holds what came with a request, so that an answer made from it does not echo the caller's headers.
    """

    __slots__ = ("_items", "received")

    def __init__(self, items: Iterable[tuple[str, str]] = ()):
        self._items: dict[str, list[tuple[str, str]]] = {}
        self.received: frozenset[tuple[str, str]] | None = None
        for name, value in items:
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Append one more value under the name."""
        self._items.setdefault(name.lower(), []).append((name, value))

    def get(self, name: str) -> str | None:
        """First value of the name, None when absent."""
        found = self._items.get(name.lower())
        return found[0][1] if found else None

    def set(self, name: str, value: str) -> None:
        """Replace all values of the name."""
        self._items[name.lower()] = [(name, value)]

    def remove(self, name: str) -> None:
        """Drop all values of the name; absent is fine."""
        self._items.pop(name.lower(), None)

    def clear(self) -> None:
        """Drop everything."""
        self._items.clear()

    def copy(self) -> Headers:
        """An independent copy."""
        result = Headers()
        result._items = {name: list(values) for name, values in self._items.items()}
        result.received = self.received
        return result

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """All (name, value) pairs in order of first appearance."""
        for values in self._items.values():
            yield from values

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._items
