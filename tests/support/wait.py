"""Polling with a deadline, so that no test sleeps longer than it must."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(probe: Callable[[], T], *, seconds: float = 20.0, every: float = 0.05, what: str = "the condition") -> T:
    """Call `probe` until it gives a true value, and return that. Fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not hold within {seconds} s (last value: {value!r})")
        time.sleep(every)
