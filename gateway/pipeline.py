"""The way of every call: route it, then run the steps that were compiled for its operation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway import faults
from gateway.call import Call
from gateway.chain import wait
from gateway.compile import CompiledApi, CompiledOperation
from gateway.observe import Observer
from gateway.schema import Operation
from gateway.stages import correlation
from gateway.stages.route import BadPath, Match, odd, plain, readings
from gateway.state import State
from gateway.strangers import Strangers
from wire.exchange import Exchange

if TYPE_CHECKING:
    from gateway.tracing import Tracer

OwnPage = Callable[[Exchange], bool]
"""Answers health checks and the like; False when the path is not one of them."""


class Pipeline:
    """Serves calls from one state. `install` swaps the state; calls under way go on with what they started with."""

    def __init__(self, observer: Observer, own_page: OwnPage) -> None:
        self.observer = observer
        self.own_page = own_page
        self.state = State()
        self.ready = False
        self.tracer: Tracer | None = None
        self.strangers: Strangers | None = None

    def run(self, exchange: Exchange) -> None:
        """One call from its head to its hand-over to the backend, or to its refusal."""
        match = self.state.find(exchange.path, exchange)
        if match is None and self.own_page(exchange):
            return
        self.observer.in_flight += 1
        try:
            self._serve(exchange, match)
        except Exception:
            self.observer.in_flight -= 1
            raise

    def _serve(self, exchange: Exchange, match: Match[CompiledApi] | None) -> None:
        call = Call(self.observer, exchange, correlation.of(exchange), time.time())
        call.began = time.perf_counter()
        if match is None:
            if self.ready and self.strangers is not None:
                self.strangers.note(call)
            call.refuse(faults.NOT_FOUND if self.ready else faults.NOT_READY, "no API has this context")
            return
        api, cut = match
        if exchange.scheme not in api.schemes:
            call.refuse(faults.NOT_FOUND, f"not offered over {exchange.scheme}")
            return
        call.api = api
        call.cut = cut
        if self.tracer is not None:
            self.tracer.begin(call)
        resource = exchange.path[cut:]
        strange = odd(resource)
        if strange:
            try:
                resource = plain(resource)
            except BadPath:
                call.refuse(faults.BAD_PATH)
                return
        operation = api.resources.find(exchange.method, resource)
        if operation is None or (exchange.method == b"OPTIONS" and is_preflight(api, exchange)):
            no_operation(call, api, resource)
            return
        if strange and dodges(api, operation, exchange.method, exchange.path[cut:]):
            call.refuse(faults.TWO_MEANINGS)
            return
        call.operation = operation
        steps = operation.steps
        for step in steps:
            outcome = step(call)
            if outcome is not None:
                if outcome is not True:
                    wait(call, outcome, steps[steps.index(step) + 1 :])
                return


def dodges(api: CompiledApi, operation: CompiledOperation, method: bytes, path: bytes) -> bool:
    """Whether a backend that reads the raw resource path in another way would serve a resource with stricter rights."""
    for reading in readings(path):
        other = api.resources.find(method, reading)
        if other is not None and other is not operation and _stricter(other.record, operation.record):
            return True
    return False


def _stricter(asked: Operation, passed: Operation) -> bool:
    """Whether somebody may call `passed` who may not call `asked`."""
    kinds = {"none", passed.auth} if passed.auth == "none" else {"none", "any", passed.auth}
    if asked.auth not in kinds:
        return True
    return bool(asked.scopes) and not (passed.scopes and set(passed.scopes) <= set(asked.scopes))


def is_preflight(api: CompiledApi, exchange: Exchange) -> bool:
    """Whether a browser asks before its call, and the gateway is the one to answer."""
    fields = exchange.fields
    return api.cors is not None and b"origin" in fields and b"access-control-request-method" in fields


def no_operation(call: Call, api: CompiledApi, resource: bytes) -> None:
    """A resource without an operation for the verb: a pre-flight, a wrong verb, or nothing there."""
    verbs = api.resources.verbs(resource)
    if verbs and call.exchange.method == b"OPTIONS":
        api.preflight(call, verbs)
        return
    if api.cors is not None:
        api.cors(call)
    if verbs:
        call.refuse(faults.NOT_ALLOWED, lines=b"allow: %b\r\n" % b", ".join(verbs))
    else:
        call.refuse(faults.NO_RESOURCE)
