"""Proxy services at /services/NAME (reference 5.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from integrator.engine.endpoints.base import Endpoint
from integrator.engine.mediators.send import deliver
from integrator.engine.message import Message
from integrator.engine.services.rest import CompiledFlows, Flows

HTTP = frozenset({"http", "https"})


@dataclass(frozen=True)
class Publication:
    """Where the WSDL of a proxy comes from: one of key, URI, endpoint or inline text; and what it imports, by location."""

    key: str = ""
    uri: str = ""
    endpoint: str = ""
    inline: str = ""
    preserve_policy: bool = True
    resources: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proxy:
    """Target of a proxy. `pinned` names the servers it runs on (empty: all); `policy` is the key that ?policy shows."""

    name: str
    transports: frozenset[str]
    start: bool
    endpoint: Endpoint | None
    flows: Flows
    compiled: CompiledFlows
    publication: Publication | None = None
    pinned: frozenset[str] = frozenset()
    addressing: bool = False
    policy: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def inbound_only(self) -> bool:
        """Whether only inbound endpoints may pass messages to it."""
        return self.parameters.get("inbound.only", "").lower() == "true"

    def serves(self, transport: str) -> bool:
        """Whether it is started and offered on a transport."""
        return self.start and (not self.transports or transport in self.transports)

    def switch(self, active: bool) -> None:
        """Start or stop it until the process ends or another version is deployed."""
        object.__setattr__(self, "start", active)  # read at each call: a field costs less than a look-up elsewhere

    async def run(self, message: Message) -> None:
        """In sequence, then the endpoint; only the endpoint when there is no sequence."""
        if self.compiled.incoming is not None:
            going = await self.compiled.incoming.run(message)
            if not going:
                return
        if self.endpoint is not None:
            await deliver(message, self.endpoint)
