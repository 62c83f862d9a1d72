"""Recipient lists: every member gets a copy (reference 4.5), and members that only say host and ports."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from urllib.parse import urlsplit

from integrator.engine.endpoints.base import Endpoint, Property
from integrator.engine.endpoints.groups import adopt
from integrator.engine.endpoints.leaf import Address, Definition, Leaf
from integrator.engine.endpoints.transmit import transmit
from integrator.engine.errors import NO_CHILD_READY, Fault
from integrator.engine.expressions import Expression
from integrator.engine.message import Message

CACHED = 20
"""Endpoints of computed addresses that a list keeps, unless max-cache says otherwise."""

MOST = 1000
"""Addresses that one message may be sent to."""


class Member(Leaf):
    """A host with a port for each scheme: the path is the message's, the scheme the one it came by."""

    kind = "Member"

    def __init__(self, host: str, http_port: int, https_port: int):
        super().__init__(f"{host}:{http_port}", None, (), Definition())
        self.host, self.http_port, self.https_port = host, http_port, https_port
        self.address = f"http://{host}:{http_port}"

    async def transmit(self, message: Message) -> None:
        """Send to this host."""
        parts = urlsplit(message.to or "")
        scheme = message.flow.transport if message.flow.transport in ("http", "https") else "http"
        port = self.https_port if scheme == "https" else self.http_port
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        message.to = f"{scheme}://{host}:{port}{path}"
        await transmit(message, message.to, None, "", self.timeout_ms(message))


class RecipientList(Endpoint):
    """Every member gets a copy; a list computed per message gets an endpoint for each address."""

    kind = "Recipient List Endpoint"

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        members: Sequence[Endpoint],
        addresses: Expression | None = None,
        most: int = CACHED,
    ):
        super().__init__(name, on_error, properties)
        self.members = tuple(members)
        self.addresses = addresses
        self.most = most
        self.made: OrderedDict[str, Address] = OrderedDict()

    def children(self) -> Sequence[Endpoint]:
        """The fixed members."""
        return self.members

    def recipients(self, message: Message) -> Sequence[Endpoint]:
        """Members that are ready. Raises Fault 303000 when there is none."""
        for item in self.properties:
            item.apply(message)
        members = self.members if self.addresses is None else self._computed(message)
        ready = [member for member in members if member.ready(message)]
        if not ready:
            raise Fault(NO_CHILD_READY, f"recipient list {self.name}: no child endpoint is ready")
        return ready

    async def send(self, message: Message) -> None:
        """As a member of another group: send to all, and go on with the first answer in their order."""
        await message.payload.read()
        members = self.recipients(message)
        copies = [message.copy() for _ in members]
        work = (member.send(copy) for member, copy in zip(members, copies, strict=True))
        results = await asyncio.gather(*work, return_exceptions=True)
        answered = [copy for copy, result in zip(copies, results, strict=True) if result is None]
        if not answered:
            raise next(result for result in results if isinstance(result, BaseException))
        adopt(message, answered[0])

    def _computed(self, message: Message) -> list[Endpoint]:
        text = self.addresses.string(message) or "" if self.addresses else ""
        urls = [url.strip() for url in text.split(",") if url.strip()]
        if len(urls) > MOST:
            raise Fault(
                NO_CHILD_READY, f"recipient list {self.name}: {len(urls)} addresses; at most {MOST} are allowed"
            )
        return [self._endpoint(url) for url in urls]

    def _endpoint(self, url: str) -> Address:
        """The endpoint of an address; those used last are kept, with their suspension."""
        found = self.made.pop(url, None)
        if found is None:
            found = Address("", None, (), Definition(), url)
        self.made[url] = found
        while len(self.made) > max(1, self.most):
            self.made.popitem(last=False)
        return found
