"""Collects the mistakes of one request, so that the caller sees all of them at once; checks of plain values."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec

from apim.errors import FieldError, Invalid

MAX_ITEMS = 2000


class Problems:
    """The wrong fields found so far."""

    def __init__(self) -> None:
        self.found: list[FieldError] = []

    def add(self, field: str, message: str) -> None:
        """Note that `field` is wrong, and why."""
        self.found.append(FieldError(field, message))

    def raise_any(self) -> None:
        """Raise Invalid with everything found, if anything was."""
        if self.found:
            first = self.found[0]
            raise Invalid(f"{first.field}: {first.message}", self.found)


def shown(value: Any) -> str:
    """`value` for an error message, short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def storable(text: str) -> bool:
    """Whether a database takes it: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def refuse_unstorable(value: Any, field: str = "body", depth: int = 0) -> None:
    """Raise Invalid for a string inside `value` that no database stores, or for nesting beyond 60 levels."""
    if isinstance(value, str):
        if not storable(value):
            raise Invalid(
                f"{field}: holds a NUL or half a surrogate pair.", [FieldError(field, "Not valid Unicode text.")]
            )
    elif depth > 60:
        raise Invalid(f"{field}: nested too deeply.", [FieldError(field, "Nested deeper than 60 levels.")])
    elif isinstance(value, dict):
        for name, item in value.items():
            refuse_unstorable(name, field, depth + 1)
            refuse_unstorable(item, f"{field}.{name}", depth + 1)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            refuse_unstorable(item, f"{field}[{position}]", depth + 1)


def text(problems: Problems, field: str, value: Any, *, most: int, least: int = 0) -> str:
    """A string of `least` to `most` characters."""
    if value is None and not least:
        return ""
    if not isinstance(value, str) or not storable(value):
        problems.add(field, f"{shown(value)} is not text.")
        return ""
    if len(value.strip()) < least:
        problems.add(field, "Must not be empty.")
    elif len(value) > most:
        problems.add(field, f"Is {len(value)} characters long; {most} at most.")
    return value


def matching(problems: Problems, field: str, value: Any, pattern: re.Pattern[str], hint: str, *, most: int) -> str:
    """A non-empty string that `pattern` accepts; `hint` says what is allowed."""
    before = len(problems.found)
    value = text(problems, field, value, most=most, least=1)
    if len(problems.found) == before and not pattern.search(value):
        problems.add(field, f"{shown(value)} is not allowed. {hint}")
    return value


def choice(problems: Problems, field: str, value: Any, allowed: Collection[str]) -> str:
    """One of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        problems.add(field, f"{shown(value)} is not one of {', '.join(allowed)}.")
        return ""
    return value


def flag(problems: Problems, field: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        problems.add(field, f"{shown(value)} is neither true nor false.")
    return value is True


def number(problems: Problems, field: str, value: Any, *, most: int, least: int = 0) -> int:
    """A whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        problems.add(field, f"{shown(value)} is not a whole number from {least} to {most}.")
        return least
    return value


def structure(problems: Problems, field: str, value: Any, kind: Any) -> Any:
    """Data in the form of `kind` (a gateway record, or a list of one), as plain data; what does not fit is named."""
    try:
        return msgspec.to_builtins(msgspec.convert(value, kind))
    except msgspec.ValidationError as error:
        problems.add(field, f"{error}.")
        return value


def items(problems: Problems, field: str, value: Any, most: int = MAX_ITEMS) -> list[Any]:
    """A list of at most `most` elements; None counts as empty."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        problems.add(field, f"{shown(value)} is not a list.")
        return []
    if len(value) > most:
        problems.add(field, f"Has {len(value)} elements; {most} at most.")
        return []
    return list(value)


def names(
    problems: Problems, field: str, value: Any, *, allowed: Collection[str] | None = None, most: int = 200
) -> list[str]:
    """A list of distinct non-empty strings, all of them in `allowed` when that is given."""
    found: list[str] = []
    for position, item in enumerate(items(problems, field, value)):
        place = f"{field}[{position}]"
        name = text(problems, place, item, most=most, least=1).strip()
        if name and allowed is not None and name not in allowed:
            problems.add(
                place, f"{shown(name)} is not one of {', '.join(sorted(allowed)) or 'none: there are none yet'}."
            )
        elif name and name not in found:
            found.append(name)
    return found
