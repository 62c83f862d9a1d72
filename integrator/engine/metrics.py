"""Prometheus metrics of the integrator."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of times to serve a request, seconds."""
ARTIFACTS = Gauge("integrator_artifacts", "Deployed artifacts", ["kind"], registry=REGISTRY)
REFUSED = Gauge("integrator_refused_files", "Artifact files that were refused", registry=REGISTRY)
RUNS = Counter("integrator_runs", "Runs of tasks and message processors", ["kind", "name", "result"], registry=REGISTRY)


class _Served:
    """Requests of one artifact: counted plainly, as the library's locks cost more than all the rest of the counting."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


_served: dict[str, _Served] = {}


def served(artifact: str, status: int, seconds: float) -> None:
    """Count one request."""
    held = _served.get(artifact)
    if held is None:
        held = _served[artifact] = _Served()
    held.statuses[status] = held.statuses.get(status, 0) + 1
    held.buckets[bisect_left(BUCKETS, seconds)] += 1
    held.seconds += seconds


class _Requests(Collector):
    """Tells what was counted, when it is asked for."""

    def collect(self) -> Iterator[Metric]:
        """Requests by artifact and status, and how long they took."""
        requests = CounterMetricFamily("integrator_requests", "Requests served", labels=["artifact", "status"])
        took = HistogramMetricFamily("integrator_request_seconds", "Time to serve a request", labels=["artifact"])
        for artifact, held in list(_served.items()):
            for status, count in held.statuses.items():
                requests.add_metric([artifact, str(status)], count)
            bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
            took.add_metric([artifact], list(zip(bounds, accumulate(held.buckets), strict=True)), held.seconds)
        yield requests
        yield took


REGISTRY.register(_Requests())


def text() -> bytes:
    """All metrics in Prometheus' text form."""
    return generate_latest(REGISTRY)
