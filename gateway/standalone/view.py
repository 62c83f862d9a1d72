"""One object of a file, read field by field: a wrong type becomes a mistake with its line, unknown fields are let be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.standalone.source import Place, Source


class View:
    """The object at `place` of `source`; empty where there is none."""

    def __init__(self, source: Source, place: Place, data: Any) -> None:
        self.source = source
        self.place = place
        if data is not None and not isinstance(data, dict):
            source.wrong(place, f"{_short(data)} is not an object")
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}

    def wrong(self, name: str, message: str) -> None:
        """Notes a mistake in the field `name`."""
        self.source.wrong((*self.place, name), message)

    def text(self, name: str, default: str = "") -> str:
        """A text; numbers and switches count as the text they were written as."""
        value = self.data.get(name)
        if value is None:
            return default
        if isinstance(value, dict | list):
            self.wrong(name, f"{_short(value)} is not text")
            return default
        return str(value)

    def required(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if not value:
            self.wrong(name, "is missing")
        return value

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of `allowed`."""
        value = self.text(name, default)
        if value not in allowed:
            self.wrong(name, f"{value!r} is not allowed; allowed: {', '.join(filter(None, allowed))}")
            return default
        return value

    def number(self, name: str, default: int) -> int:
        """A whole number from 0 on, also written as text."""
        value = self.data.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 12:
            self.wrong(name, f"{_short(value)} is not a whole number")
            return default
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false, also written as text."""
        value = self.data.get(name)
        if value is None:
            return default
        if str(value).lower() not in ("true", "false"):
            self.wrong(name, f"{_short(value)} is neither true nor false")
            return default
        return str(value).lower() == "true"

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.data.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or any(isinstance(item, dict | list) for item in value):
            self.wrong(name, f"{_short(value)} is not a list of texts")
            return ()
        return tuple(str(item) for item in value)

    def view(self, name: str) -> View:
        """The object in a field."""
        return View(self.source, (*self.place, name), self.data.get(name))

    def views(self, name: str) -> list[View]:
        """The objects of a list in a field; a single object counts as a list of one."""
        value = self.data.get(name)
        if value is None:
            return []
        if isinstance(value, dict):
            return [self.view(name)]
        if not isinstance(value, list):
            self.wrong(name, f"{_short(value)} is not a list")
            return []
        return [View(self.source, (*self.place, name, number), item) for number, item in enumerate(value)]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
