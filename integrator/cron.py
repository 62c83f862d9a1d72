"""Quartz cron expressions in the words of Celery's crontab, which counts weekdays from 0 and knows no seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

MONTHS = {
    name: str(n)
    for n, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
WEEKDAYS = {name: str(n) for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
_ALLOWED = re.compile(r"[0-9*,/-]+")


class CronError(ValueError):
    """The expression cannot be scheduled; the message says which field and why."""


@dataclass(frozen=True)
class Crontab:
    """A Celery crontab, and the seconds of each matching minute at which to run."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    seconds: tuple[int, ...] = (0,)


def from_quartz(expression: str) -> Crontab:
    """Translate `seconds minutes hours day-of-month month day-of-week [year]`, or Unix's five fields. Raises CronError."""
    fields = expression.upper().split()
    if len(fields) == 5:
        return _from_unix(fields)
    if len(fields) not in (6, 7):
        raise CronError(f"cron {expression!r} has {len(fields)} fields; Quartz uses 6 or 7")
    if len(fields) == 7 and fields[6] not in ("*", "?"):
        raise CronError(f"cron {expression!r}: years are not supported, only *")
    second, minute, hour, day, month, weekday = fields[:6]
    return Crontab(
        minute=_field("minutes", minute, 0, 59),
        hour=_field("hours", hour, 0, 23),
        day_of_month=_field("day of month", day, 1, 31),
        month_of_year=_field("month", _named(month, MONTHS), 1, 12),
        day_of_week=_weekdays(_named(weekday, WEEKDAYS)),
        seconds=tuple(sorted(_expand("seconds", _field("seconds", second, 0, 59), 0, 59))),
    )


def _from_unix(fields: list[str]) -> Crontab:
    minute, hour, day, month, weekday = fields
    unix = {name: str(int(number) - 1) for name, number in WEEKDAYS.items()}
    days = _field("day of week", _named(weekday, unix), 0, 7)
    return Crontab(
        minute=_field("minutes", minute, 0, 59),
        hour=_field("hours", hour, 0, 23),
        day_of_month=_field("day of month", day, 1, 31),
        month_of_year=_field("month", _named(month, MONTHS), 1, 12),
        day_of_week="*"
        if days == "*"
        else ",".join(str(day) for day in sorted({d % 7 for d in _expand("day of week", days, 0, 7)})),
    )


def _named(text: str, names: dict[str, str]) -> str:
    return re.sub(r"[A-Z]{3}", lambda found: names.get(found.group(), found.group()), text)


def _field(name: str, text: str, low: int, high: int) -> str:
    """The field with `?` as `*` and Quartz's `start/step` as a range, checked."""
    if text == "?":
        return "*"
    if not _ALLOWED.fullmatch(text):
        raise CronError(f"cron field {name} {text!r}: allowed are numbers, names, * , - / and ?")
    parts = [re.sub(r"^(\d+)/", rf"\1-{high}/", part) for part in text.split(",")]
    _expand(name, ",".join(parts), low, high)
    return ",".join(parts)


def _weekdays(text: str) -> str:
    """Quartz counts Sunday as 1, Celery as 0; a range that passes Saturday is written out."""
    days = _field("day of week", text, 1, 7)
    return "*" if days == "*" else ",".join(str(day - 1) for day in sorted(_expand("day of week", days, 1, 7)))


def _expand(name: str, text: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
        if not match:
            raise CronError(f"cron field {name}: {part!r} is not a number, range or step")
        start = int(match[1]) if match[1] else low
        end = int(match[2]) if match[2] else (start if match[1] else high)
        step = int(match[3] or 1)
        if not (low <= start <= high and low <= end <= high) or step < 1:
            raise CronError(f"cron field {name}: {part!r} is outside {low} to {high}")
        found |= set(
            range(start, end + 1, step) if start <= end else [*range(start, high + 1, step), *range(low, end + 1, step)]
        )
    return found
