"""Quartz cron expressions."""

from __future__ import annotations

from datetime import datetime

import pytest

from integrator.engine.cron import Cron

AT = datetime(2026, 3, 31, 23, 59, 30)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("0/15 * * * * ?", "2026-03-31 23:59:45"),
        ("0 0 12 * * ?", "2026-04-01 12:00:00"),
        ("0 30 8 ? * MON-FRI", "2026-04-01 08:30:00"),
        ("0 0 0 L * ?", "2026-04-30 00:00:00"),
        ("0 0 0 29 2 ?", "2028-02-29 00:00:00"),
        ("0 0 0 1 1 ? 2030", "2030-01-01 00:00:00"),
        ("*/5 * * * *", "2026-04-01 00:00:00"),
    ],
)
def test_next(text: str, after: str) -> None:
    """The next moment."""
    assert str(Cron(text).next(AT)) == after


def test_never() -> None:
    """A moment that never comes."""
    assert Cron("0 0 0 31 2 ?").next(AT) is None


@pytest.mark.parametrize("text", ["", "1 2 3", "61 * * * * ?", "* * * * FOO ?", "* * * 0 * ?", "*/0 * * * * ?"])
def test_wrong(text: str) -> None:
    """A mistake names the field or the count."""
    with pytest.raises(ValueError, match="cron"):
        Cron(text)
