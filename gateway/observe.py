"""What becomes known about calls: counts and times, the access, refusal, correlation and per-API logs, analytics, traces."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from random import random
from typing import TYPE_CHECKING

from gateway.analytics import Events
from gateway.call_log import fields, headers, names, timeline
from gateway.faults import Fault

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.compile import CompiledApi
    from gateway.settings import Settings

access = logging.getLogger("gateway.access")
refusals = logging.getLogger("gateway.refused")
correlations = logging.getLogger("gateway.correlation")
chosen = logging.getLogger("gateway.api")

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

    def __init__(self, settings: Settings) -> None:
        self.tallies: dict[tuple[str, str, str], Tally] = {}
        self.access_share = settings.access_log
        self.refusals_per_second = settings.refusal_log_per_second
        self.correlation_log = settings.correlation_log
        self.events = Events(settings.environment, settings.analytics_queue) if settings.analytics else None
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
        if api is not None:
            if self.events is not None:
                self.events.add(call, api, seconds)
            if api.log_level is not None:
                self._api_log(call, api.log_level, seconds)
        if call.span is not None:
            call.span.end(status, call.fault.code if call.fault is not None else "")
        if self.access_share and (self.access_share >= 1 or random() < self.access_share):  # noqa: S311 - sampling
            access.info("call", extra={"fields": fields(call, seconds)})
        if self.correlation_log:
            correlations.info("call", extra={"fields": timeline(call, seconds)})

    def _api_log(self, call: Call, level: str, seconds: float) -> None:
        """One line of an API whose log level was raised while running: BASIC, or with the request's headers."""
        more = {} if level == "BASIC" else {"headers": headers(call)}
        chosen.info("call", extra={"fields": fields(call, seconds) | more})

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
        refused = {"code": fault.code, "status": fault.status, "cause": cause or fault.message}
        refusals.warning("refused", extra={"fields": names(call) | refused})


def _count_bytes(call: Call) -> None:
    amount = call.exchange.received + call.sent
    for counter in call.byte_counters:
        counter.add(amount, call.now)
