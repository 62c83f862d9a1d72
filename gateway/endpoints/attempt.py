"""A call on its way to one of several backends, or to one that needs care: tried, judged, tried elsewhere, refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator
from typing import Protocol

from gateway import faults
from gateway.call import Call, backend_fault
from gateway.chain import wait
from gateway.endpoints.health import Breaker
from gateway.endpoints.leaf import Leaf, replayable, safe_to_repeat
from gateway.endpoints.security import Request
from gateway.endpoints.target import Failed, Shape
from gateway.faults import Fault
from gateway.message import Answer
from wire.exchange import Disconnected
from wire.heads import Header
from wire.upstream import UpstreamError


class Route(Protocol):
    """Who says where a call may go."""

    def order(self, call: Call) -> Iterator[Leaf]:
        """The leaves to try, the best first."""

    def none_ready(self, shape: Shape) -> Fault:
        """The refusal when no leaf may be used now."""

    def answered(self, call: Call, leaf: Leaf, headers: list[Header]) -> bytes:
        """A leaf answered with these headers; returns header lines for the caller."""


class Attempt:
    """What the wire relays instead of the call itself: hears how a try went before the call does."""

    __slots__ = ("_leaves", "_refusal", "_renewed", "_route", "_shape", "call", "exchange", "leaf")

    def __init__(self, call: Call, shape: Shape, route: Route) -> None:
        self.call = call
        self.exchange = call.exchange
        self.leaf: Leaf | None = None
        self._shape = shape
        self._route = route
        self._leaves = route.order(call)
        self._renewed = False
        self._refusal: tuple[Fault, str] | None = None

    # -- tries

    def start(self) -> bool | Awaitable[bool]:
        """Sends to the next leaf that may be used; refuses the call when there is none."""
        for leaf in self._leaves:
            if leaf.ready():
                self.leaf = leaf
                return self._send(leaf)
        fault, cause = self._refusal or (self._route.none_ready(self._shape), "no endpoint is ready")
        return self.call.refuse(fault, cause)

    def _send(self, leaf: Leaf) -> bool | Awaitable[bool]:
        if leaf.security is not None and not leaf.security.ready():
            return self._send_later(leaf)
        if leaf.breaker is None:
            self._go()
        elif not leaf.breaker.enter(self._go):
            self._refusal = (faults.OVERLOADED, f"{leaf.origin.name} has all the calls it takes")
            return self.start()
        return True

    async def _send_later(self, leaf: Leaf) -> bool:
        try:
            await prepare(leaf, self.call)
        except Failed as failure:
            self._refusal = (failure.fault, failure.cause)
            outcome = self.start()
        else:
            outcome = self._send(leaf)
        return outcome if isinstance(outcome, bool) else await outcome

    def _go(self) -> None:
        leaf = self.leaf
        assert leaf is not None
        if self.exchange.lost:
            self.done(499, 0)
            return
        self.call.backend_started = time.perf_counter()
        try:
            leaf.send(self, self.call, self._shape)  # type: ignore[arg-type]  # the wire's Call, not the gateway's
        except ValueError as error:
            self._leave(leaf)
            self.call.refuse(faults.SENDER_SENDING, str(error))

    # -- what the relay asks and tells

    @property
    def answer_drops(self) -> frozenset[bytes]:
        """Those of the call."""
        return self.call.answer_drops

    @property
    def answer_lines(self) -> bytes:
        """Those of the call."""
        return self.call.answer_lines

    @property
    def backend_answered(self) -> float:
        """When the head of the answer came."""
        return self.call.backend_answered

    @backend_answered.setter
    def backend_answered(self, moment: float) -> None:
        self.call.backend_answered = moment

    def judge(self, status: int, headers: list[Header]) -> bool:
        """Whether this answer is dropped and the request sent once more, with other credentials."""
        leaf = self.leaf
        assert leaf is not None
        leaf.succeeded()
        security = leaf.security
        if security is not None:
            if status == 401:
                again = not self._renewed and security.refused(headers) and replayable(self.call)
                self._renewed = True
                if again:
                    return True
            else:
                security.answered(headers)
        self.call.answer_lines += self._route.answered(self.call, leaf, headers)
        return False

    def again(self) -> None:
        """The dropped answer is out of the way."""
        leaf = self.leaf
        assert leaf is not None
        if self.exchange.lost:
            self.done(499, 0)
            return
        self._leave(leaf)
        self._spawn(self._send(leaf))

    def failed(self, error: UpstreamError) -> None:
        """No answer: somewhere else, or not at all."""
        leaf = self.leaf
        assert leaf is not None
        self._leave(leaf)
        if self.exchange.lost:
            self.call.done(499, 0)
            return
        fault = backend_fault(error)
        leaf.failed(fault.code)
        self._refusal = (fault, str(error))
        if leaf.discard and fault is faults.SEND_TIMEOUT:
            self.exchange.abort()
            self.call.finished(fault.status)
        elif safe_to_repeat(self.call, error):
            self._spawn(self.start())
        else:
            self.call.refuse(fault, str(error))

    def done(self, status: int, sent: int) -> None:
        """The answer is through."""
        if self.leaf is not None:
            self._leave(self.leaf)
        self.call.done(status, sent)

    def _leave(self, leaf: Leaf) -> None:
        if leaf.breaker is not None:
            leaf.breaker.leave()

    def _spawn(self, outcome: bool | Awaitable[bool]) -> None:
        if not isinstance(outcome, bool):
            wait(self.call, outcome, ())


async def prepare(leaf: Leaf, call: Call) -> None:
    """Makes the leaf's security ready. Raises Failed."""
    assert leaf.security is not None
    edited = call.outgoing
    target = leaf.base + (call.exchange.target[call.cut :] if edited is None else edited.target)
    method = call.exchange.method if edited is None else edited.method
    await leaf.security.prepare(Request(method, target, b""))


async def fetch(call: Call, shape: Shape, route: Route, limit: int) -> Answer:
    """`Attempt` for an answer that is wanted whole. Raises Failed."""
    refusal: Failed | None = None
    for leaf in route.order(call):
        if not leaf.ready():
            continue
        try:
            answer = await _fetch_from(leaf, call, shape, limit)
        except Failed as failure:
            refusal = failure
            continue
        except ValueError as error:
            raise Failed(faults.SENDER_SENDING, str(error)) from error
        except UpstreamError as error:
            if call.exchange.lost:
                raise Disconnected("the caller left before its request was through") from error
            fault = backend_fault(error)
            leaf.failed(fault.code)
            refusal = Failed(fault, str(error))
            if error.stage == "answer" or not safe_to_repeat(call, error):
                raise refusal from error
            continue
        leaf.succeeded()
        call.answer_lines += route.answered(call, leaf, answer.headers)
        return answer
    raise refusal or Failed(route.none_ready(shape), "no endpoint is ready")


async def _fetch_from(leaf: Leaf, call: Call, shape: Shape, limit: int) -> Answer:
    security = leaf.security
    for final in (False, True):
        if security is not None and not security.ready():
            await prepare(leaf, call)
        answer = await _within_bounds(leaf, call, shape, limit)
        if security is None:
            return answer
        if answer.status != 401:
            security.answered(answer.headers)
            return answer
        if final or not (security.refused(answer.headers) and replayable(call)):
            return answer
    raise AssertionError("the second answer is final")


async def _within_bounds(leaf: Leaf, call: Call, shape: Shape, limit: int) -> Answer:
    call.backend_started = time.perf_counter()
    if leaf.breaker is None:
        return await leaf.ask(call, shape, limit)
    await _turn(leaf, leaf.breaker)
    try:
        return await leaf.ask(call, shape, limit)
    finally:
        leaf.breaker.leave()


async def _turn(leaf: Leaf, breaker: Breaker) -> None:
    """Waits until the call may go; whoever returns from here leaves the breaker later. Raises Failed."""
    turn = asyncio.get_running_loop().create_future()

    def go() -> None:
        if turn.cancelled():
            breaker.leave()
        else:
            turn.set_result(None)

    if not breaker.enter(go):
        raise Failed(faults.OVERLOADED, f"{leaf.origin.name} has all the calls it takes")
    try:
        await turn
    except asyncio.CancelledError:
        if not turn.cancelled():
            breaker.leave()
        raise
