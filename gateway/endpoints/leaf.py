"""One address that needs care: security, suspension, bounds, retries, patience of its own."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.call import Call
from gateway.endpoints.health import Breaker, Checks, Health
from gateway.endpoints.plain import ask
from gateway.endpoints.security import Request, Security
from gateway.endpoints.target import Shape, below, headers_of
from gateway.message import Answer, Outgoing
from wire.client import IDEMPOTENT, Client
from wire.forward import Relay, forward, forward_edited
from wire.heads import Header
from wire.upstream import Origin, UpstreamError

DISCARD_LIMIT = 64 * 1024
"""Bytes of an answer that is not used are read to its end, so that its connection can be; beyond, the connection is closed."""


class CarefulRelay(Relay):
    """A relay that asks its call whether an answer is to be used; one that is not is dropped, and the call sent again."""

    def __init__(self, origin: Origin[Relay]) -> None:
        super().__init__(origin)
        self._dropped = -1

    def head(self, status: int, headers: list[Header]) -> None:
        """The answer begins, and is used or not."""
        attempt = self.call
        if attempt.judge(status, headers):  # type: ignore[attr-defined]  # these links carry attempts only
            self._dropped = 0
        else:
            super().head(status, headers)

    def answer_data(self, chunk: bytes) -> None:
        """A piece of the answer."""
        if self._dropped < 0:
            super().answer_data(chunk)
            return
        self._dropped += len(chunk)
        if self._dropped > DISCARD_LIMIT:
            self.keep = False
            self.loop.call_soon(self._give_up)

    def flush(self) -> None:
        """Passes on what one read brought."""
        if self._dropped < 0:
            super().flush()

    def answer_end(self) -> None:
        """The answer is complete."""
        if self._dropped < 0:
            super().answer_end()
        else:
            self._again()

    def broken(self, error: UpstreamError) -> None:
        """The rest of the answer will not come."""
        if self._dropped < 0:
            super().broken(error)
        else:
            self._again()

    def _give_up(self) -> None:
        if self.busy and self._dropped >= 0:
            self.abandon()
            self._again()

    def _again(self) -> None:
        self._dropped = -1
        self.exchange.sink = None
        self.call.again()  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Leaf:
    """An address with what belongs to it. `discard`: a caller whose answer is late gets none; `mark` tells it from others."""

    origin: Origin[Relay]
    client: Client
    base: bytes
    timeout: float
    mark: bytes
    security: Security | None = None
    health: Health | None = None
    checks: Checks | None = None
    breaker: Breaker | None = None
    retries: int = 0
    weight: int = 1
    discard: bool = False

    def ready(self) -> bool:
        """Whether a call may go there now."""
        return self.health is None or self.health.ready()

    def failed(self, code: str) -> None:
        """A call got no answer."""
        if self.health is not None:
            self.health.failed(code)

    def succeeded(self) -> None:
        """A call got an answer."""
        if self.health is not None:
            self.health.succeeded()

    def send(self, attempt: Call, call: Call, shape: Shape) -> None:
        """Hands `call` over; `attempt` hears of its end."""
        edited = call.outgoing
        target = below(self.base, call.exchange.target[call.cut :] if edited is None else edited.target)
        drops, lines = shape.drops, shape.lines(call)
        if self.security is not None:
            drops = shape.hiding(self.security.hides)
            target, more = self.security.sign(self._request(call, target))
            lines += more
        if edited is None:
            forward(attempt, self.origin, target, drops, lines, self.timeout)
        else:
            forward_edited(attempt, self.origin, edited, target, drops, lines, self.timeout)

    async def ask(self, call: Call, shape: Shape, limit: int) -> Answer:
        """The answer, whole. Raises UpstreamError."""
        request = call.edit()
        target = below(self.base, request.target)
        drops, lines = shape.drops, shape.lines(call)
        if self.security is not None:
            drops = shape.hiding(self.security.hides)
            target, more = self.security.sign(self._request(call, target))
            lines += more
        return await ask(self.client, self.origin, self.timeout, call, target, drops, headers_of(lines), limit)

    def _request(self, call: Call, target: bytes) -> Request:
        edited = call.outgoing
        if edited is None:
            return Request(call.exchange.method, target, None if call.exchange.has_body else b"")
        return Request(edited.method, target, edited.body)


def method_of(call: Call) -> bytes:
    """The method the backend sees."""
    return call.exchange.method if call.outgoing is None else call.outgoing.method


def replayable(call: Call) -> bool:
    """Whether the same request can be sent once more: it has no body, or one that we keep."""
    request: Outgoing | None = call.outgoing
    return not call.exchange.has_body or (request is not None and request.body is not None)


def safe_to_repeat(call: Call, error: UpstreamError) -> bool:
    """Whether sending again cannot do twice what was asked once: nothing was sent, or the method may be repeated."""
    if error.stage == "connect":
        return True
    return method_of(call) in IDEMPOTENT and replayable(call)
