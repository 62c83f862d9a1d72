"""Endpoints made of endpoints: failover, load balance, and references (reference 4.4 - 4.6)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from integrator.engine.endpoints.base import Endpoint, Property
from integrator.engine.endpoints.leaf import Default, Definition, Leaf
from integrator.engine.errors import (
    FAILOVER_FAILED_OVER,
    INDIRECT_NOT_READY,
    LOAD_BALANCE_FAILED_OVER,
    NO_CHILD_READY,
    Discarded,
    Fault,
)
from integrator.engine.expressions import Expression
from integrator.engine.expressions.keys import key_of
from integrator.engine.message import Message
from integrator.engine.metrics import FAILED_OVER

log = logging.getLogger("integrator.endpoint")


class Group(Endpoint):
    """Tries its children one after the other, from a start that the kind of group chooses."""

    failed_over = FAILOVER_FAILED_OVER

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

    async def attempt(self, index: int, copy: Message) -> None:
        """Send by one member."""
        await self.members[index].send(copy)

    async def send(self, message: Message) -> None:
        """Send to the first member that answers. Raises Fault 303000 when none is ready."""
        await self.send_new(message)

    async def send_new(self, message: Message) -> int:
        """As `send`; the index of the member that answered."""
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
                await self.attempt(index, copy)
            except Discarded:
                raise
            except Fault as fault:
                last = fault
                if not self._goes_on(member, fault):
                    carry_failure(message, copy)
                    raise
                continue
            self.used(index)
            adopt(message, copy)
            return index
        detail = last.message if last else ""
        raise Fault(NO_CHILD_READY, f"{self.kind} {self.name}: no child endpoint is ready", detail) from last

    def _goes_on(self, member: Endpoint, fault: Fault) -> bool:
        """Whether the next member is tried after a failure, which is logged and counted."""
        name = self.name or "AnonymousEndpoint"
        text = "%s %s - Detect a Failure in a child endpoint : Endpoint [%s]"
        log.warning(text, self.kind, name, member.name)
        if not self.failover:
            return False
        if isinstance(member, Leaf) and not member.retryable(fault.code):
            log.warning(
                "%s %s - one of the child endpoints encountered a non-retry error %s", self.kind, name, fault.code
            )
            return False
        FAILED_OVER.labels(name, str(self.failed_over)).inc()
        log.warning("ERROR_CODE : %s ERROR_MESSAGE : %s %s fails over", self.failed_over, self.kind, name)
        return True


def carry_failure(message: Message, copy: Message) -> None:
    """What fault handling reads about the endpoint that failed, from the copy that was sent."""
    for name in ("last_endpoint",):
        if name in copy.properties:
            message.properties[name] = copy.properties[name]
    for name in ("ENDPOINT_PREFIX", "SEND_TIMEOUT"):
        if name in copy.axis2:
            message.axis2[name] = copy.axis2[name]


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
    failed_over = LOAD_BALANCE_FAILED_OVER

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


class LeastConnections(LoadBalance):
    """By weight, among the members that serve the fewest calls for their weight at the moment."""

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        members: Sequence[Endpoint],
        failover: bool = True,
        weights: Sequence[int] = (),
    ):
        super().__init__(name, on_error, properties, members, failover, weights)
        self.weights = list(weights or [1] * len(members))
        self.open = [0] * len(members)

    def start(self, message: Message) -> int:
        """The next in turn among the least busy that are ready."""
        ready = [index for index, member in enumerate(self.members) if member.ready(message)]
        if not ready:
            return 0
        least = min(self.open[index] / self.weights[index] for index in ready)
        chosen = {index for index in ready if self.open[index] / self.weights[index] == least}
        for _ in self.order:
            index = self.order[self.next % len(self.order)]
            self.next += 1
            if index in chosen:
                return index
        return min(chosen)

    async def attempt(self, index: int, copy: Message) -> None:
        """Send, counted as open while it lasts."""
        self.open[index] += 1
        try:
            await super().attempt(index, copy)
        finally:
            self.open[index] -= 1


class Reference(Endpoint):
    """A key, fixed or computed per message, looked up when it is used."""

    kind = "Indirect Endpoint"

    def __init__(self, key: Expression):
        super().__init__(key.text)
        self.key = key

    def resolve(self, message: Message) -> Endpoint:
        """The endpoint behind the key. Raises Fault 305100 when there is none."""
        name = key_of(self.key, message)
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
