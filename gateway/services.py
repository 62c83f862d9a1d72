"""What outlives a change of state in a worker and is shared by all chains: counters, connection pools, verified tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.counters import Counters
from gateway.endpoints.upstreams import Upstreams
from gateway.realm import Realm
from gateway.settings import Settings
from wire.client import Client

if TYPE_CHECKING:
    from gateway.state import State


class Services:
    """The long-lived parts of one worker. `current` gives the state that serves."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.counters = Counters()
        self.upstreams = Upstreams(tuple(filter(None, (settings.backend_ca, settings.certificate))))
        self.realms: dict[str, Realm] = {}
        self.current: Callable[[], State] = _no_state

    @property
    def client(self) -> Client:
        """The one client for calls besides the hot path (introspection, OPA, token endpoints, mediated backends)."""
        return self.upstreams.client

    def realm(self, organisation: str) -> Realm:
        """The realm of an organisation, made at first need."""
        realm = self.realms.get(organisation)
        if realm is None:
            realm = self.realms[organisation] = Realm(self.settings.token_cache)
        return realm

    async def close(self) -> None:
        """Breaks all connections."""
        await self.upstreams.close()


def _no_state() -> State:
    raise RuntimeError("the worker has no state yet")
