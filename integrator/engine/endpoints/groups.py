"""Endpoints made of endpoints: failover, load balance, recipient list, and references (reference 4.4 - 4.6)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from integrator.engine.endpoints.base import Endpoint, Property
from integrator.engine.endpoints.leaf import Address, Default, Definition, Leaf
from integrator.engine.errors import INDIRECT_NOT_READY, NO_CHILD_READY, Discarded, Fault
from integrator.engine.expressions import Expression
from integrator.engine.message import Message

log = logging.getLogger("integrator.endpoint")


class Group(Endpoint):
    """Tries its children one after the other, from a start that the kind of group chooses."""

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        members: Sequence[Endpoint],
        failover: bool = True,
    ):
        super().__init__(name, on_error, properties)
        self.members = tuple(members)
        self.failover = failover

    def children(self) -> Sequence[Endpoint]:
        """The members."""
        return self.members

    def ready(self, message: Message) -> bool:
        """Whether one of the members is."""
        return any(member.ready(message) for member in self.members)

    def start(self, message: Message) -> int:
        """Index of the member to try first."""
        return 0

    def used(self, index: int) -> None:
        """A member has answered."""

    async def send(self, message: Message) -> None:
        """Send to the first member that answers. Raises Fault 303000 when none is ready."""
        for item in self.properties:
            item.apply(message)
        await message.payload.read()
        first, count, last = self.start(message), len(self.members), None
        for step in range(count):
            index = (first + step) % count
            member = self.members[index]
            if not member.ready(message):
                continue
            copy = message.copy()
            try:
                await member.send(copy)
            except Discarded:
                raise
            except Fault as fault:
                last = fault
                name = self.name or "AnonymousEndpoint"
                log.warning(
                    "%s %s - Detect a Failure in a child endpoint : Endpoint [%s]", self.kind, name, member.name
                )
                if not self.failover or (isinstance(member, Leaf) and not member.retryable(fault.code)):
                    raise
                continue
            self.used(index)
            adopt(message, copy)
            return
        raise Fault(
            NO_CHILD_READY, f"{self.kind} {self.name}: no child endpoint is ready", last.message if last else ""
        ) from last


def adopt(message: Message, copy: Message) -> None:
    """The message takes over what came back on its copy."""
    message.payload, message.headers, message.axis2 = copy.payload, copy.headers, copy.axis2
    message.properties, message.to, message.action = copy.properties, copy.to, copy.action
    message.response = copy.response


class Failover(Group):
    """The first member that is ready; with dynamic="false" it stays where it last succeeded."""

    kind = "Failover Endpoint"
    dynamic = True
    current = 0

    def start(self, message: Message) -> int:
        """The first member, or the last one that answered."""
        return 0 if self.dynamic else self.current

    def used(self, index: int) -> None:
        """Remember it."""
        self.current = index


class LoadBalance(Group):
    """Members in turn, by weight when weights are given."""

    kind = "Load Balance Endpoint"

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        members: Sequence[Endpoint],
        failover: bool = True,
        weights: Sequence[int] = (),
    ):
        super().__init__(name, on_error, properties, members, failover)
        self.order = [index for index, weight in enumerate(weights or [1] * len(members)) for _ in range(weight)]
        self.next = 0

    def start(self, message: Message) -> int:
        """The next member in turn that is ready."""
        for _ in self.order:
            index = self.order[self.next % len(self.order)]
            self.next += 1
            if self.members[index].ready(message):
                return index
        return 0


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
    ):
        super().__init__(name, on_error, properties)
        self.members = tuple(members)
        self.addresses = addresses
        self._made: dict[str, Address] = {}

    def children(self) -> Sequence[Endpoint]:
        """The fixed members."""
        return self.members

    def recipients(self, message: Message) -> Sequence[Endpoint]:
        """Members that are ready. Raises Fault 303000 when there is none."""
        members = self.members if self.addresses is None else self._computed(message)
        ready = [member for member in members if member.ready(message)]
        if not ready:
            raise Fault(NO_CHILD_READY, f"recipient list {self.name}: no child endpoint is ready")
        return ready

    async def send(self, message: Message) -> None:
        """As a member of another group: send to all, and go on with the answer of the first."""
        await message.payload.read()
        members = self.recipients(message)
        copies = [message.copy() for _ in members]
        await asyncio.gather(*(member.send(copy) for member, copy in zip(members, copies, strict=True)))
        adopt(message, copies[0])

    def _computed(self, message: Message) -> list[Endpoint]:
        text = self.addresses.string(message) or "" if self.addresses else ""
        urls = [url.strip() for url in text.split(",") if url.strip()]
        if len(self._made) > 1000:
            self._made.clear()
        return [self._made.setdefault(url, Address("", None, (), Definition(), url)) for url in urls]


class Reference(Endpoint):
    """A key, fixed or computed per message, looked up when it is used."""

    kind = "Indirect Endpoint"

    def __init__(self, key: Expression):
        super().__init__(key.text)
        self.key = key

    def resolve(self, message: Message) -> Endpoint:
        """The endpoint behind the key. Raises Fault 305100 when there is none."""
        name = self.key.string(message) or ""
        found = message.deployment.endpoint(name)
        if found is None:
            raise Fault(INDIRECT_NOT_READY, f"Couldn't find the endpoint with the key : {name}")
        return found

    def ready(self, message: Message) -> bool:
        """Whether the endpoint behind the key is."""
        return self.resolve(message).ready(message)

    def recipients(self, message: Message) -> Sequence[Endpoint] | None:
        """Those of the endpoint behind the key."""
        return self.resolve(message).recipients(message)

    async def send(self, message: Message) -> None:
        """Send to the endpoint behind the key."""
        await self.resolve(message).send(message)

    def handler(self, message: Message) -> str | None:
        """That of the endpoint behind it."""
        return self.resolve(message).handler(message)


class FromTemplate(Endpoint):
    """An endpoint made from an endpoint template when it is first used."""

    kind = "Template Endpoint"

    def __init__(self, name: str, template: str, parameters: dict[str, str]):
        super().__init__(name)
        self.template = template
        self.parameters = parameters
        self._made: tuple[object, Endpoint] | None = None

    def resolve(self, message: Message) -> Endpoint:
        """The endpoint with its parameters filled in. Raises Fault when the template is not deployed."""
        template = message.deployment.endpoint_template(self.template)
        if template is None:
            raise Fault(INDIRECT_NOT_READY, f"endpoint template {self.template!r} is not deployed")
        if self._made is None or self._made[0] is not template:
            self._made = (template, template.make(self.parameters))
        return self._made[1]

    def ready(self, message: Message) -> bool:
        """Whether the endpoint made from the template is."""
        return self.resolve(message).ready(message)

    async def send(self, message: Message) -> None:
        """Send to the endpoint made from the template."""
        await self.resolve(message).send(message)

    def handler(self, message: Message) -> str | None:
        """That of the endpoint behind it."""
        return self.resolve(message).handler(message)


def anonymous_default() -> Endpoint:
    """Sends to the message's To: what send and call use without an endpoint."""
    return Default("", None, (), Definition())
