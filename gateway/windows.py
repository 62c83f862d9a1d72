"""Where the windows of limits begin and end: they follow the calendar (UTC), so all workers agree without talking."""

from __future__ import annotations

from datetime import UTC, datetime

WEEK = 604_800
MONDAY = 345_600
"""The first Monday of Unix time; weekly windows start on Mondays, days, hours and minutes divide Unix time."""


def bounds(now: float, seconds: int, months: int = 0) -> tuple[float, float]:
    """Start and end (Unix seconds) of the window that holds `now`: of `months` whole months when given, else of `seconds`."""
    if months:
        return _months(now, months)
    shift = MONDAY if seconds % WEEK == 0 else 0
    start = (now - shift) // seconds * seconds + shift
    return start, start + seconds


def _months(now: float, months: int) -> tuple[float, float]:
    today = datetime.fromtimestamp(now, UTC)
    first = (today.year * 12 + today.month - 1) // months * months
    return _first_of(first), _first_of(first + months)


def _first_of(month: int) -> float:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()
