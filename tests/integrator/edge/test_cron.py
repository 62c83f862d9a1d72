"""Quartz expressions in Celery's words mean the same moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery.schedules import crontab
from hypothesis import given, settings
from hypothesis import strategies as st

from integrator.cron import CronError, Crontab, from_quartz
from integrator.engine.cron import Cron


@pytest.mark.parametrize(
    ("quartz", "expected"),
    [
        ("0 0 12 * * ?", Crontab("0", "12", "*", "*", "*")),
        ("0 15 10 ? * MON-FRI", Crontab("15", "10", "*", "*", "1,2,3,4,5")),
        ("0 0/5 14,18 * * ?", Crontab("0-59/5", "14,18", "*", "*", "*")),
        ("0/20 * * * * ?", Crontab("*", "*", "*", "*", "*", (0, 20, 40))),
        ("30 0 0 1 JAN ? *", Crontab("0", "0", "1", "1", "*", (30,))),
        ("0 0 0 ? * SAT-MON", Crontab("0", "0", "*", "*", "0,1,6")),
        ("0 0 0 ? * 1", Crontab("0", "0", "*", "*", "0")),
        ("*/5 * * * *", Crontab("*/5", "*", "*", "*", "*")),
        ("0 9 * * 1-5", Crontab("0", "9", "*", "*", "1,2,3,4,5")),
        ("0 9 * * 7", Crontab("0", "9", "*", "*", "0")),
    ],
)
def test_known_expressions(quartz: str, expected: Crontab) -> None:
    assert from_quartz(quartz) == expected


@pytest.mark.parametrize(
    ("quartz", "named"),
    [
        ("* * *", "3 fields"),
        ("0 0 0 L * ?", "day of month"),
        ("0 0 0 ? * 6#3", "day of week"),
        ("0 0 0 1 1 ? 2030", "years"),
        ("99 0 0 * * ?", "seconds"),
        ("0 60 0 * * ?", "minutes"),
        ("0 0 0 * FOO ?", "month"),
        ("0 0/0 0 * * ?", "minutes"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_by_field(quartz: str, named: str) -> None:
    with pytest.raises(CronError, match=named):
        from_quartz(quartz)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(sorted).map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.tuples(number, st.integers(1, 9)).map(lambda parts: f"{parts[0]}/{parts[1]}")
    part = st.one_of(number.map(str), span, step, st.just("*"), st.integers(1, 9).map("*/{}".format))
    return st.lists(part, min_size=1, max_size=3).map(",".join)


@settings(max_examples=200, deadline=None)
@given(_field(0, 59), _field(0, 59), _field(0, 23), _field(1, 12), st.one_of(st.just("?"), _field(1, 7)))
def test_the_engine_and_beat_agree(second: str, minute: str, hour: str, month: str, weekday: str) -> None:
    text = f"{second} {minute} {hour} ? {month} {weekday}"
    made = from_quartz(text)
    celery = crontab(made.minute, made.hour, made.day_of_week, made.day_of_month, made.month_of_year)
    moment: datetime | None = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(seconds=1)
    engine = Cron(text)
    for _ in range(5):
        moment = engine.next(moment)
        assert moment is not None
        assert moment.second in made.seconds and moment.minute in celery.minute and moment.hour in celery.hour
        assert moment.month in celery.month_of_year and moment.isoweekday() % 7 in celery.day_of_week
    assert celery.minute == engine.minutes and celery.hour == engine.hours and set(made.seconds) == engine.seconds
