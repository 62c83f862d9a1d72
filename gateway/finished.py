"""What is kept of a finished call for the logs and for analytics: a small record, so that the call itself can go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.faults import Fault
    from gateway.principal import Decision, Principal
    from gateway.schema import Api, Operation


class Finished(NamedTuple):
    """A call that is over. Times: Unix seconds for `at`, seconds for the durations, bytes for the sizes."""

    api: Api
    operation: Operation | None
    decision: Decision | None
    principal: Principal | None
    correlation: bytes
    method: bytes
    path: bytes
    client: str
    user_agent: bytes
    status: int
    fault: Fault | None
    cache_hit: bool
    at: float
    total: float
    before_backend: float
    backend: float
    received: int
    sent: int


def of(call: Call, api: Api, seconds: float) -> Finished:
    """What is kept of `call`, which took `seconds` altogether."""
    exchange = call.exchange
    before, backend = durations(call, seconds)
    return Finished(
        api,
        call.operation.record if call.operation is not None else None,
        call.decision,
        call.principal,
        call.correlation,
        exchange.method,
        exchange.path,
        exchange.address,
        exchange.fields.get(b"user-agent", b""),
        call.status,
        call.fault,
        call.cache_hit,
        call.now,
        seconds,
        before,
        backend,
        exchange.received,
        call.sent,
    )


def durations(call: Call, seconds: float) -> tuple[float, float]:
    """Seconds before the call went to its backend, and until the head of the backend's answer came (0 without one)."""
    started = call.backend_started
    if not started:
        return seconds, 0.0
    answered = call.backend_answered or time.perf_counter()
    return started - call.began, max(0.0, min(answered - started, seconds))
