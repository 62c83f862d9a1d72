"""What people switch while the process runs: tracing, statistics, proxies, endpoints, inbound endpoints and tasks.

Switches are kept by kind and name, so that a new deployment of other files keeps them. They end with the process, as there;
message processors and tasks are in the state that all processes of a home share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import etree

from integrator.engine.endpoints.state import OFF, State

if TYPE_CHECKING:
    from integrator.engine.artifacts import Artifact
    from integrator.engine.endpoints.base import Endpoint
    from integrator.engine.runtime import State as Shared

TRACE, STATISTICS = "trace", "statistics"
Key = tuple[str, str]
"""Kind (a folder name) and name of an artifact."""


class Switches:
    """Tracing and statistics by artifact, and which inbound endpoints are closed."""

    def __init__(self) -> None:
        self._set: dict[str, dict[Key, bool]] = {TRACE: {}, STATISTICS: {}}
        self.closed: set[str] = set()
        self._observers: list[Callable[[], None]] = []

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call after each change."""
        self._observers.append(callback)

    def turn(self, what: str, key: Key, on: bool) -> None:
        """Set TRACE or STATISTICS of one artifact."""
        self._set[what][key] = on
        self.changed()

    def close(self, inbound: str, closed: bool) -> None:
        """Close or open the port of an inbound endpoint."""
        (self.closed.add if closed else self.closed.discard)(inbound)
        self.changed()

    def changed(self) -> None:
        """Tell the observers."""
        for observer in self._observers:
            observer()

    def turned(self, what: str) -> dict[Key, bool]:
        """What was set by people, by artifact."""
        return self._set[what]

    def is_on(self, what: str, artifact: Artifact) -> bool:
        """What was set last, else what the artifact itself says."""
        found = self._set[what].get((artifact.kind, artifact.name))
        return declared(artifact.text, what) if found is None else found


@lru_cache(maxsize=4096)
def declared(text: str, attribute: str) -> bool:
    """Whether `attribute="enable"` stands at the root of an artifact, or at an endpoint's kind one level below."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError:
        return False
    name = etree.QName(root).localname
    places = [root, *root] if name in ("endpoint", "proxy") else [root]
    return any(place.get(attribute) == "enable" for place in places if isinstance(place.tag, str))


def states(endpoint: Endpoint) -> Iterator[State]:
    """States of the endpoints that send: of the endpoint itself, or of those inside a group."""
    own = getattr(endpoint, "state", None)
    if isinstance(own, State):
        yield own
    for inner in endpoint.children():
        yield from states(inner)


def switch_endpoint(endpoint: Endpoint, active: bool) -> None:
    """Switch everything that sends in an endpoint on or off; on forgets a suspension."""
    for state in states(endpoint):
        state.switch(active)


def is_active_endpoint(endpoint: Endpoint) -> bool:
    """Whether something in it may send; an endpoint that only points at others is active."""
    found = list(states(endpoint))
    return not found or any(state.name != OFF for state in found)


async def task_is_active(state: Shared, name: str) -> bool:
    """Whether a scheduled task runs; switched off by `set_task` only."""
    return await state.get(f"task:{name}:active") != "false"


async def set_task(state: Shared, name: str, active: bool) -> None:
    """Switch a scheduled task on or off, for every process of the home."""
    await state.set(f"task:{name}:active", None if active else "false")
