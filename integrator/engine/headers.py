"""Transport headers of a message: case-insensitive names, repeated values kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

Pair = tuple[bytes, bytes]
Written = dict[bytes, tuple[str, str] | None]
"""What was set since the headers came, by wire name; None for what was removed."""
_NO_NAME = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")


class Headers:
    """A small multi-map. Reading gives the first value; writing replaces all of them.

    What came from the wire stays bytes until it is looked at by more than a name: most messages pass on as they came.
    `received` holds what came with a request, so that an answer made from it does not echo the caller's headers.
    """

    __slots__ = ("_came", "_first", "_items", "_wire", "_written")

    def __init__(self, items: Iterable[tuple[str, str]] = ()):
        self._wire: list[Pair] | None = None
        self._written: Written | None = None
        self._first: dict[bytes, bytes] = {}
        self._came: list[Pair] | frozenset[tuple[str, str]] | None = None
        self._items: dict[str, list[tuple[str, str]]] = {}
        for name, value in items:
            self._items.setdefault(name.lower(), []).append((name, value))

    @classmethod
    def of_wire(cls, pairs: list[Pair], *, request: bool = False, fields: dict[bytes, bytes] | None = None) -> Headers:
        """Headers as the wire gave them, names in lower case. Those of a request are remembered as `received`.

        `fields` are the same by name, where the wire has them: without a repeated header nothing is made anew.
        """
        made = cls.__new__(cls)
        made._wire = pairs
        made._written = None
        made._first = fields if fields is not None and len(fields) == len(pairs) else dict(reversed(pairs))
        made._came = pairs if request else None
        return made

    @property
    def received(self) -> frozenset[tuple[str, str]] | None:
        """What came with a request; None for headers of another origin."""
        if isinstance(self._came, list):
            self._came = frozenset(_texts(self._came))
        return self._came

    @received.setter
    def received(self, pairs: frozenset[tuple[str, str]] | None) -> None:
        self._came = pairs

    @property
    def _known(self) -> frozenset[tuple[str, str]]:
        return self.received or frozenset()

    @property
    def of_request(self) -> bool:
        """Whether some of them may have come with a request."""
        return self._came is not None

    def _all(self) -> dict[str, list[tuple[str, str]]]:
        if self._wire is not None:
            items: dict[str, list[tuple[str, str]]] = {}
            for name, value in _texts(self._wire):
                items.setdefault(name, []).append((name, value))
            for raw, pair in (self._written or {}).items():
                if pair is None:
                    items.pop(raw.decode("latin-1"), None)
                else:
                    items[raw.decode("latin-1")] = [pair]
            self._items, self._wire, self._written = items, None, None
        return self._items

    def add(self, name: str, value: str) -> None:
        """Append one more value under the name."""
        self._all().setdefault(name.lower(), []).append((name, value))

    def get(self, name: str) -> str | None:
        """First value of the name, None when absent."""
        if self._wire is not None:
            raw = _wire_name(name)
            if self._written is not None and raw in self._written:
                pair = self._written[raw]
                return None if pair is None else pair[1]
            value = self._first.get(raw)
            return None if value is None else value.decode("latin-1")
        found = self._items.get(name.lower())
        return found[0][1] if found else None

    def first(self, name: bytes) -> bytes | None:
        """First value as the wire gave it, by the lower-case name; for headers that nothing was written to."""
        return self._first.get(name)

    def set(self, name: str, value: str) -> None:
        """Replace all values of the name."""
        if self._wire is not None and name.isascii():
            self._write(_wire_name(name), (name, value))
            return
        self._all()[name.lower()] = [(name, value)]

    def remove(self, name: str) -> None:
        """Drop all values of the name; absent is fine."""
        if self._wire is not None and name.isascii():
            if name in self:
                self._write(_wire_name(name), None)
            return
        self._all().pop(name.lower(), None)

    def _write(self, raw: bytes, pair: tuple[str, str] | None) -> None:
        """Note what was set, or removed, beside what came; that stays as it is."""
        if self._written is None:
            self._written = {}
        self._written[raw] = pair

    def clear(self) -> None:
        """Drop everything."""
        self._items, self._wire, self._written = {}, None, None

    def copy(self) -> Headers:
        """An independent copy."""
        result = Headers()
        result._came = self._came
        result._wire, result._first = self._wire, self._first  # never changed in place
        result._written = None if self._written is None else dict(self._written)
        if self._wire is None:
            result._items = {name: list(values) for name, values in self._items.items()}
        return result

    def wire(self) -> list[Pair]:
        """All pairs for the wire: names in lower case, values in UTF-8 where they were written here."""
        if self._wire is not None:
            if self._written is None:
                return self._wire
            written = self._written
            kept = [pair for pair in self._wire if pair[0] not in written]
            return kept + [(_sent_name(raw.decode()), _one_line(pair[1])) for raw, pair in written.items() if pair]
        return [(_sent_name(name), _one_line(value)) for name, values in self._items.items() for _, value in values]

    def wire_added(self) -> list[Pair]:
        """As `wire`, without what came with a request."""
        if self._came is None:
            return self.wire()
        if self._wire is not None:
            if self._written is None:
                return []  # nothing was written since the request came
            given = [(raw, pair) for raw, pair in self._written.items() if pair]
            return [(_sent_name(raw.decode()), _one_line(pair[1])) for raw, pair in given if pair not in self._known]
        came = self._known
        return [
            (_sent_name(name), _one_line(value))
            for name, values in self._items.items()
            for pair in values
            if pair not in came
            for value in pair[1:]
        ]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """All (name, value) pairs in order of first appearance."""
        for values in self._all().values():
            yield from values

    def __contains__(self, name: str) -> bool:
        if self._wire is not None:
            raw = _wire_name(name)
            if self._written is not None and raw in self._written:
                return self._written[raw] is not None
            return raw in self._first
        return name.lower() in self._items


@lru_cache(maxsize=1024)
def _wire_name(name: str) -> bytes:
    return name.lower().encode("latin-1", "replace")


@lru_cache(maxsize=1024)
def _sent_name(name: str) -> bytes:
    """A name without what could end it: colons, blanks, line breaks."""
    return _NO_NAME.sub(b"-", name.encode("latin-1", "replace"))


def _one_line(value: str) -> bytes:
    if value.isascii() and value.isprintable():
        return value.strip().encode()
    return b" ".join(value.strip().encode("utf-8", "replace").replace(b"\0", b"").splitlines())


def _texts(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
