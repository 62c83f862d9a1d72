"""Event sinks: where publishEvent sends events, as files in event-sinks/ (reference 3.7)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrator.engine.content.payload import encode_json
from integrator.engine.endpoints.parse import injected
from integrator.engine.errors import Fault
from integrator.engine.outbound import Unreachable, basic, post
from integrator.engine.reader import Reader
from integrator.engine.runtime import Runtime
from integrator.engine.xmltools import Element, children, local, text_of

log = logging.getLogger("integrator.events")
QUEUE = 10_000
"""Events that wait for one sink; beyond it a publisher waits its timeout, then the event is dropped."""
BATCH = 100
_PARTS = (
    "receiverUrl",
    "receiverUrlSet",
    "authenticatorUrl",
    "authenticationUrlSet",
    "username",
    "password",
    "description",
)


@dataclass
class EventSink:
    """An HTTP(S) address that takes JSON arrays of events, or `log:` for the log of the integrator."""

    name: str
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    waiting: deque[dict[str, Any]] = field(default_factory=deque, repr=False, compare=False)
    room: asyncio.Event = field(default_factory=asyncio.Event, repr=False, compare=False)
    dropped: int = 0
    busy: bool = False

    async def publish(self, runtime: Runtime, event: dict[str, Any], timeout_s: float) -> None:
        """Queue an event; when there is no room within the time it is dropped, and the log says so."""
        if len(self.waiting) >= QUEUE and timeout_s > 0:
            self.room.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.room.wait(), timeout_s)
        if len(self.waiting) >= QUEUE:
            self.dropped += 1
            log.warning("event sink %s: no room, %d events dropped so far", self.name, self.dropped)
            return
        self.waiting.append(event)
        if not self.busy:
            self.busy = True
            runtime.spawn(self._drain(runtime))

    async def _drain(self, runtime: Runtime) -> None:
        try:
            while self.waiting:
                batch = [self.waiting.popleft() for _ in range(min(BATCH, len(self.waiting)))]
                self.room.set()
                try:
                    await self.send(runtime, batch)
                except Unreachable as fault:
                    self.dropped += len(batch)
                    log.error("event sink %s: %s; %d events dropped so far", self.name, fault.message, self.dropped)
        finally:
            self.busy = False

    async def send(self, runtime: Runtime, events: list[dict[str, Any]]) -> None:
        """Send at once. Raises Unreachable."""
        if self.url.startswith("log:"):
            for event in events:
                log.info("event %s", encode_json(event).decode())
            return
        headers = {"authorization": basic(self.username, self.password)} if self.username else {}
        await post(runtime, self.url, encode_json(events), "application/json", headers)


def read_sink(root: Element, reader: Reader) -> tuple[str, EventSink]:
    """An event sink file; its name is the sink's. Raises DeploymentError for a Thrift receiver."""
    reader.only(root, _PARTS)
    given = {local(item): injected(item, text_of(item), reader) for item in children(root)}
    url = given.get("receiverUrl") or given.get("receiverUrlSet") or ""
    if not url:
        raise reader.fail(root, "child <receiverUrl> is required")
    if not url.startswith(("http://", "https://", "log:")):
        raise reader.fail(
            root, f"receiverUrl {url!r}: allowed are http://, https:// (events as JSON) and log:; there is no Thrift"
        )
    return Path(reader.file).stem, EventSink(
        Path(reader.file).stem, url, given.get("username", ""), given.get("password", "")
    )


def sink_of(artifact: Any, name: str) -> EventSink:
    """The sink of an artifact. Raises Fault when it is not deployed."""
    if artifact is None or not isinstance(artifact.value, EventSink):
        raise Fault(0, f"event sink {name!r} is not deployed")
    return artifact.value
