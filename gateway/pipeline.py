"""The way of every call: route it, then run the steps that were compiled for its operation."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway import faults
from gateway.call import Call
from gateway.compile import CompiledApi
from gateway.observe import Observer
from gateway.stages import correlation
from gateway.stages.route import BadPath, Match, odd, plain
from gateway.state import State
from wire.exchange import Exchange

OwnPage = Callable[[Exchange], bool]
"""Answers health checks and the like; False when the path is not one of them."""


class Pipeline:
    """Serves calls from one state. `install` swaps the state; calls under way go on with what they started with."""

    def __init__(self, observer: Observer, own_page: OwnPage) -> None:
        self.observer = observer
        self.own_page = own_page
        self.state = State()
        self.ready = False

    def run(self, exchange: Exchange) -> None:
        """One call from its head to its hand-over to the backend, or to its refusal."""
        match = self.state.routes.find(exchange.path)
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
            call.refuse(faults.NOT_FOUND if self.ready else faults.NOT_READY, "no API has this context")
            return
        api, cut = match
        if exchange.scheme not in api.schemes:
            call.refuse(faults.NOT_FOUND, f"not offered over {exchange.scheme}")
            return
        call.api = api
        call.cut = cut
        resource = exchange.path[cut:]
        if odd(resource):
            try:
                resource = plain(resource)
            except BadPath:
                call.refuse(faults.BAD_PATH)
                return
        operation = api.resources.find(exchange.method, resource)
        if operation is None or (exchange.method == b"OPTIONS" and is_preflight(api, exchange)):
            no_operation(call, api, resource)
            return
        call.operation = operation
        for step in operation.steps:
            if step(call):
                return


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
