"""The streams that a worker carries right now: how many there are, and how many events passed or were left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Stream(Protocol):
    """What is counted of one connection."""

    passed: int
    throttled: int


class Streams:
    """The open streams of one worker."""

    def __init__(self) -> None:
        self.open: set[Stream] = set()
        self._passed = 0
        self._throttled = 0

    def opened(self, stream: Stream) -> None:
        """A stream begins."""
        self.open.add(stream)

    def closed(self, stream: Stream) -> None:
        """A stream is over."""
        if stream in self.open:
            self.open.discard(stream)
            self._passed += stream.passed
            self._throttled += stream.throttled

    def prometheus(self, worker: int) -> Iterator[str]:
        """Lines in Prometheus' text format."""
        passed = self._passed + sum(stream.passed for stream in self.open)
        throttled = self._throttled + sum(stream.throttled for stream in self.open)
        yield "# TYPE gateway_streams_open gauge"
        yield f'gateway_streams_open{{worker="{worker}"}} {len(self.open)}'
        yield "# TYPE gateway_stream_events_total counter"
        yield f'gateway_stream_events_total{{worker="{worker}",outcome="passed"}} {passed}'
        yield f'gateway_stream_events_total{{worker="{worker}",outcome="throttled"}} {throttled}'
