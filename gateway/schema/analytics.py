"""How analytics events travel: in batches whose calls are short rows, with what they have in common said once.

A batch is `{"parts": {"<number>": {…}}, "calls": [row, …]}`. A row names its parts (operation, caller, agent, outcome) by number
and holds what is the call's own. `expand` puts the events together again, with the names of the original's reporters
(reference A14).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec


class Row(NamedTuple):
    """One call. The first four are numbers of parts; `at` is Unix milliseconds, latencies milliseconds, sizes bytes."""

    operation: int
    caller: int
    agent: int
    outcome: int
    at: int
    correlation: str
    method: str
    status: int
    cache_hit: int
    before: int
    backend: int
    total: int
    received: int
    sent: int


class Batch(msgspec.Struct):
    """Rows with their parts."""

    parts: dict[str, dict[str, str]]
    calls: list[Row]


_decoder = msgspec.json.Decoder(Batch)


def expand(batch: bytes) -> list[dict[str, Any]]:
    """The events of a batch, each with all its fields. Raises msgspec.DecodeError for bytes that are no batch."""
    read = _decoder.decode(batch)
    return [_event(row, read.parts) for row in read.calls]


def _event(row: Row, parts: dict[str, dict[str, str]]) -> dict[str, Any]:
    outcome = parts[str(row.outcome)]
    moment = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "requestTimestamp": moment,
        "correlationId": row.correlation,
        **parts[str(row.operation)],
        "apiMethod": row.method,
        **parts[str(row.caller)],
        **parts[str(row.agent)],
        "proxyResponseCode": row.status,
        "targetResponseCode": row.status if outcome["eventType"] == "response" else 0,
        "responseCacheHit": bool(row.cache_hit),
        "requestMediationLatency": row.before,
        "backendLatency": row.backend,
        "responseMediationLatency": max(0, row.total - row.before - row.backend),
        "responseLatency": row.total,
        "requestSize": row.received,
        "responseSize": row.sent,
        **outcome,
    }
