"""The last stage of a request: which of its backends a call goes to, and the hand-over to it."""

from __future__ import annotations

import time

from gateway import faults
from gateway.call import Call
from gateway.endpoints.plain import Plain
from gateway.endpoints.target import ANSWER_LIMIT, Failed, Outcome, Shape, Target, below
from gateway.faults import Fault
from gateway.message import Answer
from gateway.plan import Plan
from gateway.schema import Api, Operation
from gateway.stages import Step
from gateway.stages.authenticate import hidden_headers
from wire.forward import forward, forward_edited


class Way:
    """From an API's calls to its backends. `relay` is the step that answers a call; `fetch` gets the answer whole."""

    __slots__ = ("production", "relay", "sandbox", "sandbox_shape", "shape")

    def __init__(self, shape: Shape, production: Target | None, sandbox: Target | None) -> None:
        self.shape = shape
        self.sandbox_shape = shape.named(shape.name.replace("production", "sandbox"))
        self.production = production
        self.sandbox = sandbox
        simple = all(target is None or isinstance(target, Plain) for target in (production, sandbox))
        self.relay: Step = hot(shape, production, sandbox) if simple else self._relay  # type: ignore[arg-type]

    def pick(self, call: Call) -> Target | None:
        """The backend of this call, None when its key is for a side that has none."""
        decision = call.decision
        if decision is None:
            return self.production or self.sandbox
        return self.sandbox if decision.sandbox else self.production

    def missing(self) -> Fault:
        """The refusal of calls for a side that has no backend."""
        return faults.NO_SANDBOX if self.production else faults.NO_PRODUCTION

    async def fetch(self, call: Call, limit: int = ANSWER_LIMIT) -> Answer:
        """The backend's answer with at most `limit` bytes of body. Raises Failed."""
        target = self.pick(call)
        if target is None:
            raise Failed(self.missing(), "")
        return await target.fetch(call, self._shape_of(target), limit)

    def _relay(self, call: Call) -> Outcome:
        target = self.pick(call)
        if target is None:
            return call.refuse(self.missing())
        return target.relay(call, self._shape_of(target))

    def _shape_of(self, target: Target) -> Shape:
        return self.shape if target is self.production else self.sandbox_shape


def stage(plan: Plan) -> Step | None:
    """The stage of an operation: to its own backends (API products) or its API's. Raises ValueError when there is none."""
    return way(plan).relay


def way(plan: Plan) -> Way:
    """How calls of an operation get to their backends. Raises ValueError when there are none, or for one that cannot be used."""
    operation = plan.operation
    if operation.production or operation.sandbox:
        return _way(plan, operation)
    return plan.once("way", lambda: _way(plan, plan.record))


def _way(plan: Plan, source: Api | Operation) -> Way:
    if source.production is None and source.sandbox is None:
        raise ValueError("neither a production nor a sandbox endpoint is given")
    upstreams = plan.services.upstreams
    production = upstreams.target(source.production, plan) if source.production else None
    sandbox = upstreams.target(source.sandbox, plan) if source.sandbox else None
    name = f"{plan.record.name}--v{plan.record.version}_APIproductionEndpoint"
    return Way(Shape(name, *hidden_headers(plan.record, plan.services)), production, sandbox)


def hot(shape: Shape, production: Plain | None, sandbox: Plain | None) -> Step:
    """The step to plain addresses: no call but the hand-over itself."""
    drops = shape.drops
    anonymous = production or sandbox

    def endpoint(call: Call) -> bool | None:
        decision = call.decision
        if decision is None:
            backend = anonymous
        else:
            backend = sandbox if decision.sandbox else production
        if backend is None:
            return call.refuse(faults.NO_SANDBOX if production else faults.NO_PRODUCTION)
        exchange = call.exchange
        lines = b"".join((b"activityid: ", call.correlation, b"\r\n", exchange.forwarded, call.request_lines))
        call.backend_started = time.perf_counter()
        edited = call.outgoing
        if edited is None:
            target = below(backend.base, exchange.target[call.cut :])
            forward(call, backend.origin, target, drops, lines, backend.timeout)
        else:
            target = below(backend.base, edited.target)
            forward_edited(call, backend.origin, edited, target, drops, lines, backend.timeout)
        return True

    return endpoint
