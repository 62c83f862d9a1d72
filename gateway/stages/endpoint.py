"""The last stage of a request: its backend, the target there, and the hand-over to the relay."""

from __future__ import annotations

import time

from gateway import faults
from gateway.call import Call
from gateway.plan import Plan
from gateway.schema import Api, Operation
from gateway.stages import Step
from gateway.upstreams import Backend
from wire.forward import DROPPED, forward, forward_edited

XFF = b"x-forwarded-for"


def stage(plan: Plan) -> Step | None:
    """The stage of an operation: its own backends (API products) or its API's. Raises ValueError when there is none."""
    operation = plan.operation
    if operation.production or operation.sandbox:
        return _to(plan, operation)
    return plan.once("endpoint", lambda: _to(plan, plan.record))


def _to(plan: Plan, source: Api | Operation) -> Step:
    upstreams = plan.services.upstreams
    if source.production is None and source.sandbox is None:
        raise ValueError("neither a production nor a sandbox endpoint is given")
    production = upstreams.backend(source.production) if source.production else None
    sandbox = upstreams.backend(source.sandbox) if source.sandbox else None
    return compile(plan.record, production, sandbox)


def compile(api: Api, production: Backend | None, sandbox: Backend | None) -> Step:
    """The step to these backends. The header that carried the token is not shown to them; `activityid` is."""
    drops = DROPPED | {api.authorization_header.lower().encode(), b"activityid", XFF, b"x-forwarded-proto"}
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
        known = exchange.fields.get(XFF)
        address = exchange.client[0].encode()
        lines = b"activityid: %b\r\nx-forwarded-for: %b\r\n%b%b" % (
            call.correlation,
            address if known is None else b"%b, %b" % (known, address),
            exchange.connection.forwarded,
            call.request_lines,
        )
        call.backend_started = time.perf_counter()
        edited = call.outgoing
        if edited is None:
            forward(
                call, backend.origin, _below(backend.base, exchange.target[call.cut :]), drops, lines, backend.timeout
            )
        else:
            target = _below(backend.base, edited.target)
            forward_edited(call, backend.origin, edited, target, drops, lines, backend.timeout)
        return True

    return endpoint


def _below(base: bytes, target: bytes) -> bytes:
    """The request target at the backend."""
    return base + target if target[:1] == b"/" or base else b"/" + target
