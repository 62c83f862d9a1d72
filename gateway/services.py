"""What outlives a change of state in a worker and is shared by all chains: counters, connection pools, verified tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.auth.assertion import Assertions
from gateway.auth.basic import People
from gateway.auth.certificates import Certificates
from gateway.conditions import where
from gateway.counters import Counters
from gateway.denials import Denials
from gateway.endpoints.upstreams import Upstreams
from gateway.protocols.streams import Streams
from gateway.realm import Keyrings, Realm
from gateway.rules import Rules
from gateway.settings import Settings
from wire.client import Client
from wire.proxies import Proxies, networks

if TYPE_CHECKING:
    from gateway.state import State


class Services:
    """The long-lived parts of one worker. `current` gives the state that serves."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.proxies = Proxies(networks(settings.trusted_proxies))
        self.counters = Counters()
        caller = where(self.proxies)
        self.denials = Denials(caller)
        self.rules = Rules(self.counters, caller)
        self.streams = Streams()
        self.upstreams = Upstreams(tuple(filter(None, (settings.backend_ca, settings.certificate))))
        self.realms: dict[str, Realm] = {}
        self.keyrings = Keyrings(lambda: self.client)
        self.certificates = Certificates()
        self.people = People(settings.people, settings.secret, lambda: self.client, settings.basic_seconds)
        self.assertions = Assertions(settings) if settings.backend_jwt else None
        self.current: Callable[[], State] = _no_state

    @property
    def client(self) -> Client:
        """The one client for calls besides the hot path (introspection, OPA, token endpoints, mediated backends)."""
        return self.upstreams.client

    def realm(self, organisation: str) -> Realm:
        """The realm of an organisation, made at first need."""
        realm = self.realms.get(organisation)
        if realm is None:
            realm = self.realms[organisation] = Realm(
                organisation, self.settings.token_cache, lambda: self.client, self.settings.introspection_seconds
            )
        return realm

    def accept(self, state: State, revoked: set[str], everybody: bool) -> None:
        """Checks credentials by the issuers and revocations of `state` from now on. `revoked` ones are forgotten; with
        `everybody`, all that were checked before, because an issuer changed."""
        for organisation in state.issuers.keys() | state.residents.keys():
            self.realm(organisation)
        for organisation, realm in self.realms.items():
            realm.adopt(state.issuers.get(organisation, {}), state.residents.get(organisation), self.keyrings)
            realm.revoked = state.records["revocation"]
            if everybody:
                realm.clear()
            elif revoked:
                realm.forget(revoked)

    async def close(self) -> None:
        """Breaks all connections."""
        await self.upstreams.close()


def _no_state() -> State:
    raise RuntimeError("the worker has no state yet")
