"""One HTTP address with nothing special: its connection pool, its path, its patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.call import Call, backend_fault
from gateway.endpoints.target import ANSWER_LIMIT, Failed, Outcome, Shape, below, headers_of
from gateway.message import Answer, outgoing
from wire.client import AnswerTooLarge, Body, Client, Limits
from wire.exchange import Exchange
from wire.forward import Relay, forward, forward_edited
from wire.heads import HOP_BY_HOP, Header
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
        try:
            return await self.ask(call, shape, limit)
        except UpstreamError as error:
            raise Failed(backend_fault(error), str(error)) from error

    async def ask(self, call: Call, shape: Shape, limit: int, extra: tuple[Header, ...] = ()) -> Answer:
        """`fetch`, with header lines of ours; raises UpstreamError as it is."""
        edited = call.outgoing or outgoing(call.exchange, call.cut)
        listed = named(call.exchange)
        kept = [pair for pair in edited.headers if pair[0] not in shape.drops and pair[0] not in listed]
        body: Body = edited.body
        if body is None and call.exchange.has_body:
            body = call.exchange.stream()
        elif not body and not call.exchange.has_body:
            body = None
        url = self.origin.name.encode() + below(self.base, edited.target)
        limits = Limits(self.origin.connect_seconds, self.timeout)
        headers = [*kept, *headers_of(shape.lines(call)), *extra]
        return await whole(self.client(), edited.method, url, headers, body, limits, limit)


async def whole(
    client: Client, method: bytes, url: bytes, headers: list[Header], body: Body, limits: Limits, limit: int
) -> Answer:
    """One request and its answer with at most `limit` bytes. Raises UpstreamError, also for an answer that is too long."""
    async with await client.request(method, url, headers, body, limits) as response:
        try:
            content = await response.body(limit)
        except AnswerTooLarge as error:
            raise UpstreamError("body", str(error)) from error
        kept = [pair for pair in response.headers if pair[0] not in HOP_BY_HOP and pair[0] != b"content-length"]
        return Answer(response.status, kept, content)


def named(exchange: Exchange) -> frozenset[bytes]:
    """The headers that the caller's `connection` header makes its own."""
    value = exchange.fields.get(b"connection")
    if value is None:
        return frozenset()
    return frozenset(part.strip().lower() for part in value.split(b",")) - {b"content-length"}
