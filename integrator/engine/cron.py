"""Quartz cron expressions: seconds minutes hours day-of-month month day-of-week [year]."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("seconds", 0, 59, {}),
    ("minutes", 0, 59, {}),
    ("hours", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _DAYS),
    ("year", 1970, 2199, {}),
)
MAX_DAYS = 366 * 8


class Cron:
    """A parsed expression. `L` (last day of month), ranges, lists and steps are understood."""

    def __init__(self, text: str):
        """Raises ValueError naming the field that is wrong."""
        self.text = text
        parts = text.upper().split()
        if len(parts) == 5:  # a Unix expression: at second 0; its days of week start at 0 = Sunday
            parts = ["0", *parts[:4], _unix_days(parts[4])]
        if not 6 <= len(parts) <= 7:
            raise ValueError(f"cron {text!r}: 6 or 7 fields are expected, not {len(parts)}")
        parts += ["*"] * (7 - len(parts))
        self.last_day = parts[3] == "L"
        parts[3] = "*" if self.last_day else parts[3]
        sets = [_values(part, *field) for part, field in zip(parts, _FIELDS, strict=True)]
        self.seconds, self.minutes, self.hours, self.days, self.months, self.weekdays, self.years = sets

    def next(self, after: datetime) -> datetime | None:
        """The next moment after the given one; None when there is none within eight years."""
        moment = after.replace(microsecond=0) + timedelta(seconds=1)
        day = moment.date()
        for _ in range(MAX_DAYS):
            if self._day(day.year, day.month, day.day):
                start = (
                    moment
                    if moment.date() == day
                    else moment.replace(year=day.year, month=day.month, day=day.day, hour=0, minute=0, second=0)
                )
                found = self._within(start)
                if found is not None:
                    return found
            day += timedelta(days=1)
        return None

    def _day(self, year: int, month: int, day: int) -> bool:
        if year not in self.years or month not in self.months or day not in self.days:
            return False
        if self.last_day and day != calendar.monthrange(year, month)[1]:
            return False
        return (calendar.weekday(year, month, day) + 1) % 7 + 1 in self.weekdays

    def _within(self, start: datetime) -> datetime | None:
        for hour in sorted(self.hours):
            if hour < start.hour:
                continue
            for minute in sorted(self.minutes):
                if hour == start.hour and minute < start.minute:
                    continue
                for second in sorted(self.seconds):
                    candidate = start.replace(hour=hour, minute=minute, second=second)
                    if candidate >= start:
                        return candidate
        return None


def _unix_days(text: str) -> str:
    return "".join(str(int(char) % 7 + 1) if char.isdigit() else char for char in text) if "/" not in text else text


def _values(text: str, name: str, low: int, high: int, words: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        spec, _, step_text = part.partition("/")
        first, _, last = spec.partition("-")
        try:
            step = int(step_text) if step_text else 1
            if first in ("*", "?", ""):
                start, end = low, high
            else:
                start = words.get(first) or int(first)
                end = (words.get(last) or int(last)) if last else high if step_text else start
        except ValueError as error:
            raise ValueError(
                f"cron field {name} {text!r}: numbers {low}-{high}, *, ?, lists, ranges and steps are allowed"
            ) from error
        if not low <= start <= high or not low <= end <= high or step < 1:
            raise ValueError(f"cron field {name} {text!r}: allowed are {low} to {high}")
        found.update(
            range(start, end + 1, step) if start <= end else [*range(start, high + 1, step), *range(low, end + 1, step)]
        )
    return frozenset(found)
