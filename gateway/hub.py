"""The two internal resources of the control plane that a gateway uses."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import msgspec

from gateway.schema import Batch, Status
from wire.client import AnswerTooLarge, Client, Limits
from wire.upstream import UpstreamError

SNAPSHOT_LIMIT = 512 * 1024 * 1024
"""Longest answer taken, bytes: some ten times a snapshot of 10 000 APIs and 100 000 subscriptions."""


class Unreachable(Exception):
    """The control plane did not answer usefully; the text says how."""


class Hub:
    """The event hub at `base`. `secret` is asked each time: the file may come after the gateway."""

    def __init__(self, base: str, environment: str, secret: Callable[[], str]) -> None:
        self.base = base
        self.environment = environment
        self._secret = secret
        self._client = Client(Limits(connect=2.0, read=30.0))

    async def changes(self, after: int, mark: str = "") -> Batch:
        """Everything after a sequence number, which came with `mark`. Raises Unreachable."""
        path = f"/changes?after={after}&mark={quote(mark)}&environment={quote(self.environment)}"
        try:
            return msgspec.json.decode(await self._call("GET", path, None), type=Batch)
        except msgspec.DecodeError as error:
            raise Unreachable(f"{self.base} answered with something else than changes: {error}") from error

    async def report(self, status: Status) -> None:
        """Tells the control plane what this worker serves. Raises Unreachable."""
        await self._call("POST", "/status", msgspec.json.encode(status))

    async def close(self) -> None:
        """Breaks the connections."""
        await self._client.close()

    async def _call(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = [
            (b"authorization", b"Bearer " + self._secret().encode()),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json"),
        ]
        try:
            async with await self._client.request(method, self.base + path, headers, body) as answer:
                content = await answer.body(SNAPSHOT_LIMIT)
        except (UpstreamError, AnswerTooLarge) as error:
            raise Unreachable(str(error)) from error
        if answer.status != 200:
            raise Unreachable(f"{self.base}{path} answered {answer.status}: {content[:200].decode('utf-8', 'replace')}")
        return content
