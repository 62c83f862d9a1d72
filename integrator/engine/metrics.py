"""Prometheus metrics of the integrator."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of times to serve a request, seconds."""
ARTIFACTS = Gauge("integrator_artifacts", "Deployed artifacts", ["kind"], registry=REGISTRY)
REFUSED = Gauge("integrator_refused_files", "Artifact files that were refused", registry=REGISTRY)
FAILED_OVER = Counter(
    "integrator_endpoint_failovers",
    "Calls that went on to another child endpoint",
    ["endpoint", "code"],
    registry=REGISTRY,
)
RUNS = Counter("integrator_runs", "Runs of tasks and message processors", ["kind", "name", "result"], registry=REGISTRY)


FAILED = 500
"""Statuses from here on are errors of a service."""


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


@dataclass(frozen=True)
class Figures:
    """What one artifact served since the start: requests, those answered with 5xx, and seconds altogether."""

    requests: int
    errors: int
    seconds: float


def figures() -> dict[str, Figures]:
    """Figures by artifact (`api:NAME`, `proxy:NAME`, …)."""
    return {
        name: Figures(
            sum(held.statuses.values()),
            sum(count for status, count in held.statuses.items() if status >= FAILED),
            held.seconds,
        )
        for name, held in list(_served.items())
    }


def requests_total() -> int:
    """Requests that this process served."""
    return sum(sum(held.statuses.values()) for held in list(_served.values()))


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


KINDS = {"api": "api", "proxy": "proxy", "inbound-endpoint": "inbound_endpoint", "data-service": "data_service"}
"""Kind of artifact → kind of service in the names that the original's metrics have."""
LABELS = ["service_name", "service_type", "invocation_url"]
VERSION = "0.1.0"


class Original(Collector):
    """The same counts under the original's names; `addresses` tells where an artifact is called, and what is deployed."""

    def __init__(self, addresses: Callable[[], dict[str, str]]):
        self.addresses = addresses

    def collect(self) -> Iterator[Metric]:
        """Requests, errors and latency by kind of service; what is up."""
        addresses = self.addresses()
        families = {kind: _families(word) for kind, word in KINDS.items()}
        for artifact, held in list(_served.items()):
            kind, _, name = artifact.partition(":")
            if kind not in families:
                continue
            labels = [name, KINDS[kind], addresses.get(artifact, "")]
            requests, failed, took = families[kind]
            requests.add_metric(labels, sum(held.statuses.values()))
            failed.add_metric(labels, sum(count for status, count in held.statuses.items() if status >= FAILED))
            bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
            took.add_metric(labels, list(zip(bounds, accumulate(held.buckets), strict=True)), held.seconds)
        for family in families.values():
            yield from family
        yield from _up(addresses)


def _families(word: str) -> tuple[CounterMetricFamily, CounterMetricFamily, HistogramMetricFamily]:
    start, told = f"wso2_integration_{word}", word.replace("_", " ")
    return (
        CounterMetricFamily(f"{start}_request_count", f"Requests of each {told}", labels=LABELS),
        CounterMetricFamily(f"{start}_request_count_error", f"Failed requests of each {told}", labels=LABELS),
        HistogramMetricFamily(f"{start}_latency_seconds", f"Latency of each {told}", labels=LABELS),
    )


def _up(addresses: dict[str, str]) -> Iterator[Metric]:
    server = GaugeMetricFamily("wso2_integration_server_up", "Server status", labels=["server_name"])
    server.add_metric(["integrator"], 1)
    version = GaugeMetricFamily("wso2_integration_server_version", "Server version", labels=["version"])
    version.add_metric([VERSION], 1)
    services = GaugeMetricFamily(
        "wso2_integration_service_up", "Service status", labels=["service_name", "service_type"]
    )
    for artifact in addresses:
        kind, _, name = artifact.partition(":")
        services.add_metric([name, KINDS.get(kind, kind)], 1)
    yield from (server, version, services)


REGISTRY.register(_Requests())


def text(addresses: Callable[[], dict[str, str]] | None = None) -> bytes:
    """All metrics in Prometheus' text form; with `addresses` also under the original's names."""
    own = generate_latest(REGISTRY)
    if addresses is None:
        return own
    other = CollectorRegistry()
    other.register(Original(addresses))
    return own + generate_latest(other)
