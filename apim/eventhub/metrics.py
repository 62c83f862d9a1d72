"""The hub's figures for Prometheus, read from the database when asked."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from apim.eventhub.feed import last_sequence
from apim.eventhub.models import Current, Event
from apim.eventhub.queries import environment_status


def exposition() -> tuple[bytes, str]:
    """The metrics and their content type."""
    registry = CollectorRegistry()
    _gauge(registry, "apim_eventhub_sequence", "Number of the newest change.").set(last_sequence())
    _gauge(registry, "apim_eventhub_events", "Changes kept for deltas.").set(Event.objects.count())
    _gauge(registry, "apim_eventhub_records", "Records in a snapshot.").set(Current.objects.count())
    labels = ("gateway", "environment")
    lag = _gauge(registry, "apim_gateway_lag", "Changes a live gateway worker has still to load.", labels)
    refused = _gauge(registry, "apim_gateway_refusals", "Records a live gateway worker could not use.", labels)
    for gateway in environment_status():
        if not gateway.gone:
            lag.labels(gateway.gateway, gateway.environment).set(gateway.lag)
            refused.labels(gateway.gateway, gateway.environment).set(len(gateway.refusals))
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _gauge(registry: CollectorRegistry, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
    return Gauge(name, text, labels, registry=registry)
