"""One analytics event for each call, gathered in batches (gateway.schema.analytics) that wait to be sent.

Rows are written when the calls are over and their answers gone. What calls of one operation or of one caller have in common is
written once in a batch, so that an event costs a few look-ups and one formatting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.call_log import durations

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.compile import CompiledApi, CompiledOperation
    from gateway.faults import Fault
    from gateway.principal import Decision, Principal

ANONYMOUS = "anonymous"
BATCH = 500
"""Calls in a batch."""

CHUNK = 50
"""Calls whose rows are made and encoded together."""

MOST = 10_000
"""Parts remembered; with more, all are made anew."""

ERROR_TYPES = {"security": "AUTH", "throttling": "THROTTLED"}
"""Family of a fault → its `errorType`; all others are OTHER."""

_json = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class Parts:
    """What calls of one operation, caller, agent and outcome have in common."""

    made_of: tuple[Any, ...]
    """Kept, so that the ids by which it is found stay theirs."""

    texts: tuple[bytes, ...]
    numbers: tuple[int, int, int, int] = (0, 0, 0, 0)
    batch: object = None
    """The rows of the batch in which the numbers are right."""


class Events:
    """The events of one worker. `region`: the environment it serves; `capacity`: calls kept, the oldest batch is dropped."""

    def __init__(self, region: str, capacity: int) -> None:
        self.region = region
        self.capacity = capacity
        self.dropped = 0
        self.batches: deque[tuple[int, bytes]] = deque()
        """Calls in it, and its bytes."""

        self._waiting = 0
        self._calls: list[tuple[Any, ...]] = []
        self._rows: list[bytes] = []
        """The rows of the batch that is being gathered, in pieces of some dozens."""

        self._count = 0
        self._known: dict[Any, Parts] = {}
        self._numbers: dict[bytes, int] = {}
        """The parts of the batch that is being gathered → their numbers in it."""

    def add(self, call: Call, api: CompiledApi, seconds: float) -> None:
        """Takes one more: a finished call of `api` that took `seconds`. Rows are written some dozens at a time, which is far
        quicker than one between two calls."""
        exchange = call.exchange
        calls = self._calls
        calls.append(
            (
                call.operation,
                api,
                call.decision,
                call.principal,
                call.fault,
                exchange.address,
                exchange.fields.get(b"user-agent", b""),
                call.now,
                call.correlation,
                exchange.method,
                call.status,
                call.cache_hit,
                call.began,
                call.backend_started,
                call.backend_answered,
                seconds,
                exchange.received,
                call.sent,
            )
        )
        if len(calls) >= CHUNK:
            self._write()

    def _write(self) -> None:
        """Writes the rows of the calls that were taken."""
        known = self._known
        rows = self._rows
        made: list[tuple[Any, ...]] = []
        for (
            operation, api, decision, principal, fault, address, agent, now, correlation, method, status, cache_hit,
            began, started, answered, seconds, received, sent,
        ) in self._calls:  # fmt: skip
            # One code may have several texts: 900901 is a wrong credential and a key for a side without a backend.
            outcome = (fault.code, fault.message) if fault is not None else None
            key = (id(operation or api), id(decision), id(principal), address, agent, outcome)
            parts = known.get(key)
            if parts is None or parts.batch is not rows:
                parts = self._parts(key, (operation, api, decision, principal, fault))
            one, two, three, four = parts.numbers
            before, backend = durations(began, started, answered, seconds)
            made.append(
                (
                    one,
                    two,
                    three,
                    four,
                    int(now * 1000),
                    correlation.decode("latin-1"),
                    method.decode("latin-1"),
                    status,
                    1 if cache_hit else 0,
                    int(before * 1000 + 0.5),
                    int(backend * 1000 + 0.5),
                    int(seconds * 1000 + 0.5),
                    received,
                    sent,
                )
            )
        rows.append(_json(made)[1:-1])
        self._count += len(made)
        self._calls = []
        if self._count >= BATCH:
            self._end_batch()

    def seal(self) -> None:
        """Ends the batch that is being gathered."""
        if self._calls:
            self._write()
        self._end_batch()

    def _end_batch(self) -> None:
        rows = self._rows
        if not rows:
            return
        parts = b",".join([b'"%d":%b' % (number, text) for text, number in self._numbers.items()])
        self.batches.append((self._count, b'{"parts":{%b},"calls":[%b]}' % (parts, b",".join(rows))))
        self._waiting += self._count
        self._rows, self._numbers, self._count = [], {}, 0
        while self._waiting > self.capacity and len(self.batches) > 1:
            self.dropped += self.take()[0]

    def take(self) -> tuple[int, bytes]:
        """The oldest batch, which does not wait any more."""
        count, batch = self.batches.popleft()
        self._waiting -= count
        return count, batch

    def _parts(self, key: Any, made_of: tuple[Any, ...]) -> Parts:
        """The parts of calls with this key, numbered in the batch that is being gathered."""
        parts = self._known.get(key)
        if parts is None:
            if len(self._known) >= MOST:
                self._known.clear()
            operation, api, decision, principal, fault = made_of
            found = (
                _operation(operation, api),
                _caller(decision, principal),
                {"userIp": key[3], "userAgent": key[4][:256].decode("latin-1")},
                _outcome(fault, self.region),
            )
            parts = self._known[key] = Parts(made_of, tuple(map(_json, found)))
        one, two, three, four = (self._numbers.setdefault(text, len(self._numbers)) for text in parts.texts)
        parts.numbers = one, two, three, four
        parts.batch = self._rows
        return parts


def _operation(operation: CompiledOperation | None, api: CompiledApi) -> dict[str, str]:
    record = api.record
    return {
        "apiId": record.id,
        "apiName": record.name,
        "apiVersion": record.version,
        "apiContext": record.context,
        "apiType": record.kind,
        "apiCreator": record.provider,
        "apiCreatorTenantDomain": record.organisation,
        "apiResourceTemplate": operation.record.target if operation is not None else "",
    }


def _caller(decision: Decision | None, principal: Principal | None) -> dict[str, str]:
    application = decision.application if decision is not None else None
    return {
        "applicationId": application.id if application is not None else "",
        "applicationName": application.name if application is not None else "",
        "applicationOwner": application.owner if application is not None else "",
        "keyType": decision.key_type if decision is not None else "",
        "userName": principal.subject if principal is not None else ANONYMOUS,
    }


def _outcome(fault: Fault | None, region: str) -> dict[str, str]:
    return {
        "gatewayType": "APIM",
        "regionId": region,
        "eventType": "response" if fault is None else "fault",
        "errorType": "" if fault is None else ERROR_TYPES.get(fault.family, "OTHER"),
        "errorCode": "" if fault is None else fault.code,
        "errorMessage": "" if fault is None else fault.message,
    }
