"""OpenTelemetry traces of calls (W3C trace context), for the share of calls that is sampled; nothing at all when off."""

from __future__ import annotations

from typing import Protocol


class Span(Protocol):
    """What a traced call carries to its end."""

    def end(self, status: int, code: str) -> None:
        """The call is over with this HTTP status and, when the gateway refused it, this fault code."""
