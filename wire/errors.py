"""What can go wrong with another server."""

from __future__ import annotations


class UpstreamError(ConnectionError):
    """The other server failed. `stage`: "connect", "send", "head" or "body"; `timeout` True when it was too slow.

    Not its fault: "source" (the body to send broke off), "cancelled" (while connecting) and "closed" (the client was closed).
    """

    def __init__(self, stage: str, text: str, timeout: bool = False) -> None:
        self.stage = stage
        self.timeout = timeout
        super().__init__(text)
