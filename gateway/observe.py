"""What becomes known about calls: counts and times for Prometheus, the access and refusal logs, analytics events."""

from __future__ import annotations

import logging
import os
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from random import random
from typing import TYPE_CHECKING, Any

from gateway.faults import Fault

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.compile import CompiledApi

access = logging.getLogger("gateway.access")
refusals = logging.getLogger("gateway.refused")

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the latency histogram, seconds."""

UNROUTED = ("", "", "")


class Tally:
    """Counts of one API: answers by status, latency, refusals by code."""

    __slots__ = ("buckets", "codes", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.codes: dict[str, int] = {}
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)


class Observer:
    """Hears of every call's end. Everything it keeps is bounded by the number of APIs, or drops the oldest."""

    def __init__(self, access_share: float, refusals_per_second: int, analytics_queue: int) -> None:
        self.tallies: dict[tuple[str, str, str], Tally] = {}
        self.access_share = access_share
        self.refusals_per_second = refusals_per_second
        self.events: deque[dict[str, Any]] | None = deque(maxlen=analytics_queue) if analytics_queue else None
        self.in_flight = 0
        self._second = 0
        self._logged = 0
        self._suppressed = 0

    def finished(self, call: Call) -> None:
        """A call is over."""
        self.in_flight -= 1
        api = call.api
        if api is None:
            tally = self.tally(UNROUTED)
        else:
            tally = api.tally or self.adopt(api)
        status = call.status
        seconds = time.perf_counter() - call.began
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        tally.seconds += seconds
        tally.buckets[bisect_left(BUCKETS, seconds)] += 1
        if call.byte_counters:
            _count_bytes(call)
        if self.events is not None and api is not None:
            self.events.append(event(call, seconds))
        if self.access_share and (self.access_share >= 1 or random() < self.access_share):  # noqa: S311 - sampling
            access.info("call", extra={"fields": event(call, seconds)})

    def adopt(self, api: CompiledApi) -> Tally:
        """The tally of an API, kept over its redeployments."""
        record = api.record
        api.tally = tally = self.tally((record.organisation, record.name, record.version))
        return tally

    def tally(self, key: tuple[str, str, str]) -> Tally:
        """The tally of (organisation, name, version)."""
        found = self.tallies.get(key)
        if found is None:
            found = self.tallies[key] = Tally()
        return found

    def refused(self, call: Call, fault: Fault, cause: str) -> None:
        """A call was answered by us: counted always, logged up to a rate."""
        api = call.api
        tally = self.tally(UNROUTED) if api is None else api.tally or self.adopt(api)
        tally.codes[fault.code] = tally.codes.get(fault.code, 0) + 1
        second = int(call.now)
        if second != self._second:
            if self._suppressed:
                refusals.warning("refusals not logged", extra={"fields": {"suppressed": self._suppressed}})
            self._second, self._logged, self._suppressed = second, 0, 0
        if self._logged >= self.refusals_per_second:
            self._suppressed += 1
            return
        self._logged += 1
        fields = names(call) | {"code": fault.code, "status": fault.status, "cause": cause or fault.message}
        refusals.warning("refused", extra={"fields": fields})

    def prometheus(self) -> Iterator[str]:
        """Lines in Prometheus' text format. Every series names its worker, because a scrape meets any one of them."""
        yield "# TYPE gateway_requests_total counter"
        for key, tally in self.tallies.items():
            for status, count in tally.statuses.items():
                yield f'gateway_requests_total{{{_labels(key)},status="{status}"}} {count}'
        yield "# TYPE gateway_refusals_total counter"
        for key, tally in self.tallies.items():
            for code, count in tally.codes.items():
                yield f'gateway_refusals_total{{{_labels(key)},code="{code}"}} {count}'
        yield "# TYPE gateway_seconds histogram"
        for key, tally in self.tallies.items():
            yield from _histogram(_labels(key), tally)
        yield "# TYPE gateway_in_flight gauge"
        yield f'gateway_in_flight{{worker="{os.getpid()}"}} {self.in_flight}'


def names(call: Call) -> dict[str, Any]:
    """What identifies a call in logs. Never a token, never a query."""
    api = call.api.record if call.api is not None else None
    decision = call.decision
    application = decision.application if decision is not None else None
    exchange = call.exchange
    return {
        "correlation_id": call.correlation.decode("ascii", "replace"),
        "organisation": api.organisation if api else "",
        "api": f"{api.name}:{api.version}" if api else "",
        "api_id": api.id if api else "",
        "application": application.name if application else "",
        "application_id": application.id if application else "",
        "client_id": call.principal.client_id if call.principal else "",
        "method": exchange.method.decode(),
        "path": exchange.path[:512].decode("latin-1"),
        "resource": call.operation.record.target if call.operation else "",
        "client": exchange.client[0],
    }


def event(call: Call, seconds: float) -> dict[str, Any]:
    """One finished call, for the access log and for analytics."""
    backend_ms = (time.perf_counter() - call.backend_started) * 1000 if call.backend_started else 0.0
    return names(call) | {
        "status": call.status,
        "code": call.fault.code if call.fault else "",
        "time": call.now,
        "milliseconds": round(seconds * 1000, 3),
        "backend_milliseconds": round(backend_ms, 3),
        "key_type": call.decision.key_type if call.decision else "",
        "user_agent": call.exchange.fields.get(b"user-agent", b"")[:256].decode("latin-1"),
        "request_bytes": call.exchange.received,
        "response_bytes": call.sent,
    }


def _count_bytes(call: Call) -> None:
    amount = call.exchange.received + call.sent
    for counter in call.byte_counters:
        counter.add(amount, call.now)


def _labels(key: tuple[str, str, str]) -> str:
    quoted = [part.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for part in key]
    return f'worker="{os.getpid()}",organisation="{quoted[0]}",api="{quoted[1]}",version="{quoted[2]}"'


def _histogram(labels: str, tally: Tally) -> Iterator[str]:
    total = 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), tally.buckets, strict=True):
        total += count
        yield f'gateway_seconds_bucket{{{labels},le="{bound}"}} {total}'
    yield f"gateway_seconds_sum{{{labels}}} {tally.seconds:.6f}"
    yield f"gateway_seconds_count{{{labels}}} {total}"
