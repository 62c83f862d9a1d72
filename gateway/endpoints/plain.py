"""One HTTP address with nothing special: its connection pool, its path, its patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.call import Call, backend_fault
from gateway.endpoints.target import ANSWER_LIMIT, Failed, Outcome, Shape, below, headers_of
from gateway.faults import SENDER_SENDING
from gateway.message import Answer, outgoing
from wire.client import AnswerTooLarge, Body, Client, Limits
from wire.exchange import Exchange
from wire.forward import Relay, forward, forward_edited
from wire.heads import HOP_BY_HOP, Header, tokens
from wire.upstream import Origin, UpstreamError


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Plain:
    """An address. `base`: path put before the resource, without a slash at its end; `client` gives what whole answers come by."""

    origin: Origin[Relay]
    base: bytes
    timeout: float
    client: Callable[[], Client]

    def relay(self, call: Call, shape: Shape) -> Outcome:
        """Hands the call over; its answer streams back by callbacks."""
        lines = shape.lines(call)
        call.backend_started = time.perf_counter()
        edited = call.outgoing
        if edited is None:
            target = below(self.base, call.exchange.target[call.cut :])
            forward(call, self.origin, target, shape.drops, lines, self.timeout)
        else:
            target = below(self.base, edited.target)
            forward_edited(call, self.origin, edited, target, shape.drops, lines, self.timeout)
        return True

    async def fetch(self, call: Call, shape: Shape, limit: int = ANSWER_LIMIT) -> Answer:
        """The answer, whole. Raises Failed."""
        call.backend_started = time.perf_counter()
        edited = call.outgoing or outgoing(call.exchange, call.cut)
        target, extra = below(self.base, edited.target), headers_of(shape.lines(call))
        try:
            return await ask(self.client(), self.origin, self.timeout, call, target, shape.drops, extra, limit)
        except UpstreamError as error:
            raise Failed(backend_fault(error), str(error)) from error
        except ValueError as error:
            raise Failed(SENDER_SENDING, str(error)) from error


async def ask(
    client: Client,
    origin: Origin[Relay],
    timeout: float,
    call: Call,
    target: bytes,
    drops: frozenset[bytes],
    extra: list[Header],
    limit: int,
) -> Answer:
    """The request of `call`, without the headers in `drops` and with `extra` ones, and its answer of at most `limit` bytes.

    Raises UpstreamError, also for an answer that is too long (stage "answer").
    """
    exchange = call.exchange
    request = call.outgoing or outgoing(exchange, call.cut)
    hidden = drops | named(exchange)
    body: Body = request.body or None
    if request.body is None and exchange.has_body:
        body = exchange.stream()
    elif request.body == b"" and exchange.has_body:
        body = b""
    headers = [pair for pair in request.headers if pair[0] not in hidden] + extra
    limits = Limits(origin.connect_seconds, timeout)
    async with await client.request(request.method, origin.name.encode() + target, headers, body, limits) as response:
        try:
            content = await response.body(limit)
        except AnswerTooLarge as error:
            raise UpstreamError("answer", str(error)) from error
        kept = [pair for pair in response.headers if pair[0] not in HOP_BY_HOP and pair[0] != b"content-length"]
        return Answer(response.status, kept, content)


def named(exchange: Exchange) -> frozenset[bytes]:
    """The headers that the caller's `connection` header makes its own."""
    value = exchange.fields.get(b"connection")
    return frozenset() if value is None else frozenset(tokens(value)) - {b"content-length"}
