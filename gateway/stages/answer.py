"""The last stage: the endpoint, with what is to happen to its answer. Without policies it is the endpoint's own step.

Fixed header changes ride along with the relay, which goes on streaming. Whatever has to see an answer (or keep it) gets it whole.
"""

from __future__ import annotations

import asyncio
import time

from gateway.call import Call
from gateway.chain import wait as wait_for
from gateway.endpoints.target import Failed, Outcome, deliver
from gateway.faults import Fault
from gateway.message import Answer
from gateway.plan import Plan
from gateway.policies import cache, contract
from gateway.policies.base import Failure, Head
from gateway.policies.catalogue import Answering, answering, fetches
from gateway.policies.faulting import Faults, flow, is_transport
from gateway.stages import Step, endpoint
from gateway.stages.endpoint import Way
from wire.exchange import BodyTooLarge, Disconnected
from wire.heads import block

STREAMING = frozenset({"SSE", "WS", "WEBSUB"})
"""Kinds of APIs whose answers have no end that could be waited for."""


def stage(plan: Plan) -> Step | None:
    """The stage of an operation. Raises ValueError for an endpoint or a policy that cannot be used."""
    way = endpoint.way(plan)
    response, faults = answering(plan, "response"), Faults(answering(plan, "fault").steps)
    check = contract.response_check(plan) if plan.record.validate_schema else None
    seconds = plan.record.cache_seconds if plan.operation.verb == "GET" else 0
    whole = check is not None or seconds > 0 or fetches(plan) or (not response.empty and response.head is None)
    if plan.record.kind in STREAMING:
        if not response.empty and response.head is None:
            plan.note("response policies that need the whole answer are left out: this kind of API streams")
        whole = False
    if whole:
        return Fetching(plan, way, response, faults, check, seconds).step
    if response.head is not None and not response.empty:
        return relayed(way.relay, response.head, faults)
    return relayed(way.relay, Head(), faults) if faults.steps else way.relay


def relayed(relay: Step, head: Head, faults: Faults) -> Step:
    """The endpoint's step with changed header lines and a fault flow; answers stream."""
    lines, names = block(head.lines), head.drops
    unions: dict[frozenset[bytes], frozenset[bytes]] = {}

    def step(call: Call) -> Outcome:
        drops = unions.get(call.answer_drops)
        if drops is None:
            drops = unions[call.answer_drops] = call.answer_drops | names
        made = Relayed.of(call, faults)
        made.answer_drops = drops
        made.answer_lines += lines
        return relay(made)

    return step


class Relayed(Call):
    """A call on its way through the endpoint with answer lines of its own; faults go out with those it had before."""

    __slots__ = ("faults", "plain")

    faults: Faults
    plain: tuple[bytes, frozenset[bytes]]

    @classmethod
    def of(cls, call: Call, faults: Faults) -> Relayed:
        """A copy of `call`, which takes its place from here on."""
        made = cls.__new__(cls)
        for name in _SLOTS:
            setattr(made, name, getattr(call, name))
        made.faults = faults
        made.plain = call.answer_lines, call.answer_drops
        return made

    def refuse(self, fault: Fault, cause: str = "", lines: bytes = b"") -> bool:
        """Answers with `fault`, by the fault flow where it says that the backend gave no answer."""
        self.answer_lines, self.answer_drops = self.plain
        if not self.faults.steps or not is_transport(fault):
            return super().refuse(fault, cause, lines)
        outcome = self.faults.answer(self, fault, cause)
        if not isinstance(outcome, bool):
            wait_for(self, outcome, ())
        return True


_SLOTS = Call.__slots__


class Fetching:
    """The endpoint of an operation whose answers are fetched whole: from the cache or the backend, then through its policies."""

    def __init__(
        self,
        plan: Plan,
        way: Way,
        response: Answering,
        faults: Faults,
        check: contract.ResponseCheck | None,
        seconds: int,
    ) -> None:
        settings = plan.services.settings
        self.way = way
        self.steps = response.steps
        self.faults = faults
        self.check = check
        self.seconds = seconds
        self.limit = settings.policy_body
        self.reads = bool(response.steps) and response.head is None
        self.cache = cache.cache(plan.services) if seconds else None
        self.serial = plan.once("cache", cache.serial)

    def step(self, call: Call) -> Outcome:
        """Answers at once from the cache when nothing is to be changed; else later."""
        if self.cache is None:
            return self._answer(call, None)
        key = cache.key_of(self.serial, call)
        if key is None and not self.steps and self.check is None:
            return self.way.relay(call)
        kept = None if key is None or cache.refreshed(call) else self.cache.find(key, call)
        if kept is None:
            return self._answer(call, key)
        call.cache_hit = True
        if not self.steps:
            return deliver(call, kept)
        return self._after(call, kept)

    async def _answer(self, call: Call, key: cache.Key | None) -> bool:
        if self.reads:
            call.edit().remove(b"accept-encoding")
        try:
            answer = await self._fetch(call)
        except Failed as failed:
            return await self._failed(call, failed.fault, failed.cause)
        if call.exchange.lost:
            call.finished(499)
            return True
        if key is not None and self.cache is not None:
            self.cache.keep(key, call, answer, self.seconds)
        return await self._after(call, answer)

    async def _fetch(self, call: Call) -> Answer:
        """The backend's answer; given up when the caller leaves."""
        asking = asyncio.ensure_future(self.way.fetch(call, self.limit))
        leaving = Leaving(asking)
        exchange = call.exchange
        if exchange.sink is None and (not exchange.has_body or exchange.ended):
            exchange.sink = leaving
        try:
            return await asking
        except asyncio.CancelledError:
            if leaving.left:
                raise Disconnected("the caller left before the answer came") from None
            asking.cancel()
            raise
        finally:
            call.backend_answered = time.perf_counter()
            if exchange.sink is leaving:
                exchange.sink = None

    async def _after(self, call: Call, answer: Answer) -> bool:
        try:
            await flow(self.steps, call, answer)
        except Failure as failure:
            return await self._failed(call, failure.fault, failure.cause)
        if self.check is not None:
            try:
                self.check(call, answer)
            except Failure as failure:
                return call.refuse(failure.fault, failure.cause)
            except (ValueError, BodyTooLarge) as error:
                return call.refuse(contract.response_fault([str(error)]))
        return deliver(call, answer)

    async def _failed(self, call: Call, fault: Fault, cause: str) -> bool:
        if fault.code.startswith("9"):
            return call.refuse(fault, cause)
        outcome = self.faults.answer(call, fault, cause)
        return outcome if isinstance(outcome, bool) else await outcome


class Leaving:
    """Hears that the caller left while the backend is asked, and ends the asking. The request is complete by then."""

    def __init__(self, asking: asyncio.Future[Answer]) -> None:
        self.asking = asking
        self.left = False

    def body_data(self, chunk: bytes) -> None:
        """There is no more body."""

    def body_end(self) -> None:
        """There is no more body."""

    def caller_lost(self) -> None:
        """Nobody waits for the answer any more."""
        self.left = True
        self.asking.cancel()

    def caller_paused(self) -> None:
        """Nothing is sent yet."""

    def caller_resumed(self) -> None:
        """Nothing is sent yet."""
