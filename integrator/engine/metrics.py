"""Prometheus metrics of the integrator."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()
MESSAGES = Counter("integrator_requests", "Requests served", ["artifact", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "integrator_request_seconds",
    "Time to serve a request",
    ["artifact"],
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
ARTIFACTS = Gauge("integrator_artifacts", "Deployed artifacts", ["kind"], registry=REGISTRY)
REFUSED = Gauge("integrator_refused_files", "Artifact files that were refused", registry=REGISTRY)
RUNS = Counter("integrator_runs", "Runs of tasks and message processors", ["kind", "name", "result"], registry=REGISTRY)


_served: dict[tuple[str, int], tuple[Counter, Histogram]] = {}


def served(artifact: str, status: int, seconds: float) -> None:
    """Count one request. Children of the metrics are kept, looking them up costs more than counting."""
    held = _served.get((artifact, status))
    if held is None:
        held = _served[(artifact, status)] = (MESSAGES.labels(artifact, str(status)), SECONDS.labels(artifact))
    held[0].inc()
    held[1].observe(seconds)


def text() -> bytes:
    """All metrics in Prometheus' text form."""
    return generate_latest(REGISTRY)
