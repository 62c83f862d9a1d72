"""Suspension of a failing endpoint: ACTIVE, TIMEOUT, SUSPENDED, OFF (reference 4.7)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from integrator.engine.errors import CONNECTION_CLOSED, CONNECTION_TIMEOUT

ACTIVE, TIMEOUT, SUSPENDED, OFF = "ACTIVE", "TIMEOUT", "SUSPENDED", "OFF"
TIMEOUT_CODES = frozenset({CONNECTION_TIMEOUT, CONNECTION_CLOSED})
DEFAULT_DURATION_MS = 30_000
LONGEST_MS = 2**62


@dataclass(frozen=True, slots=True)
class Policy:
    """markForSuspension and suspendOnFailure; durations in milliseconds. Codes None = the default of reference 4.2."""

    timeout_codes: frozenset[int] = TIMEOUT_CODES
    retries: int = 0
    retry_delay_ms: int = 0
    suspend_codes: frozenset[int] | None = None
    initial_ms: int = -1
    factor: float = 1.0
    maximum_ms: int = LONGEST_MS


class State:
    """State of one leaf endpoint. Times are monotonic seconds."""

    __slots__ = ("_duration_ms", "_next_retry", "_retries_left", "name", "policy")

    def __init__(self, policy: Policy):
        self.policy = policy
        self.name = ACTIVE
        self._next_retry = 0.0
        self._retries_left = policy.retries
        self._duration_ms = 0.0

    def ready(self) -> bool:
        """Whether a message may be sent now."""
        if self.name == ACTIVE:
            return True
        return self.name != OFF and time.monotonic() >= self._next_retry

    def succeeded(self) -> None:
        """An answer came: everything is forgotten."""
        if self.name not in (ACTIVE, OFF):
            self.name = ACTIVE
            self._retries_left = self.policy.retries
            self._duration_ms = 0.0

    def switch(self, active: bool) -> None:
        """Switch on, which forgets what failed before, or off, which only switching on ends."""
        self.name = ACTIVE if active else OFF
        self._retries_left = self.policy.retries
        self._duration_ms = 0.0

    def failed(self, code: int) -> float | None:
        """Sending failed with an error code: timeout list first, then suspend list, else unchanged.

        Gives the suspension in milliseconds when the endpoint was suspended by this.
        """
        if self.name == OFF:
            return None
        if code in self.policy.timeout_codes and self.policy.retries > 0:
            return self._timed_out()
        listed = self.policy.suspend_codes
        if listed is None or code in listed or code in self.policy.timeout_codes:
            return self._suspend()
        return None

    def _timed_out(self) -> float | None:
        if self.name == SUSPENDED or self._retries_left <= 0:
            return self._suspend()
        self.name = TIMEOUT
        self._retries_left -= 1
        self._next_retry = time.monotonic() + self.policy.retry_delay_ms / 1000
        return None

    def _suspend(self) -> float:
        policy = self.policy
        first = policy.initial_ms if policy.initial_ms >= 0 else DEFAULT_DURATION_MS
        grown = first if self.name != SUSPENDED or not self._duration_ms else self._duration_ms * policy.factor
        self._duration_ms = min(grown, policy.maximum_ms)
        self.name = SUSPENDED
        self._next_retry = time.monotonic() + self._duration_ms / 1000
        return self._duration_ms
