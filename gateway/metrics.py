"""The gateway's metrics in Prometheus' text format; what the workers of one host know is shown together."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gateway.observe import BUCKETS, Observer, Tally


def prometheus(observer: Observer) -> Iterator[str]:
    """Lines in Prometheus' text format. Every series names its worker, because a scrape meets any one of them."""
    yield "# TYPE gateway_requests_total counter"
    for key, tally in observer.tallies.items():
        for status, count in tally.statuses.items():
            yield f'gateway_requests_total{{{_labels(key)},status="{status}"}} {count}'
    yield "# TYPE gateway_refusals_total counter"
    for key, tally in observer.tallies.items():
        for code, count in tally.codes.items():
            yield f'gateway_refusals_total{{{_labels(key)},code="{code}"}} {count}'
    yield "# TYPE gateway_seconds histogram"
    for key, tally in observer.tallies.items():
        yield from _histogram(_labels(key), tally)
    yield "# TYPE gateway_in_flight gauge"
    yield f'gateway_in_flight{{worker="{os.getpid()}"}} {observer.in_flight}'
    yield "# TYPE gateway_analytics_dropped_total counter"
    dropped = observer.events.dropped if observer.events is not None else 0
    yield f'gateway_analytics_dropped_total{{worker="{os.getpid()}"}} {dropped}'


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
