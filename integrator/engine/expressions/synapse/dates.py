"""Dates that are read by the patterns of Java's DateTimeFormatter: the other direction of `javadate`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from integrator.engine.expressions.javadate import java_format

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS = {
    "y": ("year", r"\d{4}"),
    "u": ("year", r"\d{4}"),
    "M": ("month", r"\d{1,2}"),
    "d": ("day", r"\d{1,2}"),
    "H": ("hour", r"\d{1,2}"),
    "h": ("hour12", r"\d{1,2}"),
    "m": ("minute", r"\d{1,2}"),
    "s": ("second", r"\d{1,2}"),
    "S": ("fraction", r"\d{1,9}"),
    "a": ("half", r"[AaPp][Mm]"),
    "E": ("weekday", r"[A-Za-z]+"),
    "Z": ("zone", r"[+-]\d{2}:?\d{2}|Z"),
    "X": ("zone", r"[+-]\d{2}(?::?\d{2})?|Z"),
    "x": ("zone", r"[+-]\d{2}(?::?\d{2})?|Z"),
}


@lru_cache(maxsize=256)
def _reader(pattern: str) -> re.Pattern[str]:
    pieces, seen = [], set()
    for found in _TOKEN.finditer(pattern):
        if found.group(2) is None:
            quoted = found.group(1)
            pieces.append(re.escape(found.group() if quoted is None else quoted.replace("''", "'") or "'"))
            continue
        letter, width = found.group(2), len(found.group())
        if letter not in _FIELDS:
            raise ValueError(f"letter {letter!r} of a date pattern cannot be read")
        name, digits = _FIELDS[letter]
        if letter == "M" and width > 2:
            name, digits = "named", r"[A-Za-z]{3,9}"
        elif letter == "y" and width == 2:
            name, digits = "short", r"\d{2}"
        pieces.append(digits if name in seen else f"(?P<{name}>{digits})")
        seen.add(name)
    return re.compile("".join(pieces))


def read_date(text: str, pattern: str) -> datetime:
    """The moment that a text names; what it does not name is zero, UTC. Raises ValueError."""
    found = _reader(pattern).fullmatch(text)
    if found is None:
        raise ValueError("a date does not fit its pattern")
    given = {name: value for name, value in found.groupdict().items() if value is not None}
    made = datetime(_year(given), _month(given), int(given.get("day", 1)), tzinfo=UTC)
    made = made.replace(hour=_hour(given), minute=int(given.get("minute", 0)), second=int(given.get("second", 0)))
    made = made.replace(microsecond=int(given.get("fraction", "0").ljust(6, "0")[:6]))
    zone = given.get("zone", "Z")
    return made if zone == "Z" else made.replace(tzinfo=datetime.strptime(zone.ljust(5, "0"), "%z").tzinfo)


def _year(given: dict[str, str]) -> int:
    return 2000 + int(given["short"]) if "short" in given else int(given.get("year", 1970))


def _month(given: dict[str, str]) -> int:
    return _MONTHS.index(given["named"][:3].lower()) + 1 if "named" in given else int(given.get("month", 1))


def _hour(given: dict[str, str]) -> int:
    if "hour12" not in given:
        return int(given.get("hour", 0))
    return int(given["hour12"]) % 12 + (12 if given.get("half", "am").lower() == "pm" else 0)


write_date: Callable[[datetime, str], str] = java_format
