"""Dates in the patterns of Java's SimpleDateFormat, which artifacts use."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


def java_format(moment: datetime, pattern: str) -> str:
    """Format a moment, e.g. `yyyy-MM-dd'T'HH:mm:ss.SSSZ`. Unknown letters stay as they are."""
    return "".join(_piece(moment, found) for found in _TOKEN.finditer(pattern))


def _piece(moment: datetime, found: re.Match[str]) -> str:
    if found.group(1) is not None:
        return found.group(1).replace("''", "'") or "'"
    if found.group(2) is None:
        return found.group()
    letter, width = found.group(2), len(found.group())
    maker = _LETTERS.get(letter)
    return maker(moment, width) if maker else found.group()


def _month(moment: datetime, width: int) -> str:
    return moment.strftime("%B" if width > 3 else "%b") if width > 2 else f"{moment.month:0{width}d}"


def _iso_offset(moment: datetime, width: int) -> str:
    text = moment.strftime("%z") or "+0000"
    if text == "+0000":
        return "Z"
    return {1: text[:3], 2: text}.get(width, f"{text[:3]}:{text[3:]}")


_LETTERS: dict[str, Callable[[datetime, int], str]] = {
    "y": lambda moment, width: f"{moment.year % 100:02d}" if width == 2 else f"{moment.year:0{width}d}",
    "M": _month,
    "d": lambda moment, width: f"{moment.day:0{width}d}",
    "D": lambda moment, width: f"{moment.timetuple().tm_yday:0{width}d}",
    "H": lambda moment, width: f"{moment.hour:0{width}d}",
    "k": lambda moment, width: f"{moment.hour or 24:0{width}d}",
    "h": lambda moment, width: f"{moment.hour % 12 or 12:0{width}d}",
    "K": lambda moment, width: f"{moment.hour % 12:0{width}d}",
    "m": lambda moment, width: f"{moment.minute:0{width}d}",
    "s": lambda moment, width: f"{moment.second:0{width}d}",
    "S": lambda moment, width: f"{moment.microsecond // 1000:0{width}d}",
    "E": lambda moment, width: moment.strftime("%A" if width > 3 else "%a"),
    "u": lambda moment, width: f"{moment.isoweekday():0{width}d}",
    "a": lambda moment, width: "AM" if moment.hour < 12 else "PM",
    "z": lambda moment, width: moment.tzname() or "UTC",
    "Z": lambda moment, width: moment.strftime("%z") or "+0000",
    "X": _iso_offset,
}
