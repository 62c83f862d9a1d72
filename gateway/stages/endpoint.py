"""The last stage of a request: its backend, the target there, and the hand-over to the relay."""

from __future__ import annotations

import time

from gateway import faults
from gateway.call import Call
from gateway.schema import Api
from gateway.stages import Step
from gateway.upstreams import Backend
from wire.forward import DROPPED, forward

XFF = b"x-forwarded-for"


def compile(api: Api, anonymous: Backend | None) -> Step:
    """The stage of an API. `anonymous`: the backend of calls without a decision (operations that anybody may call).

    The header that carried the token is not shown to the backend; `activityid` is.
    """
    drops = DROPPED | {api.authorization_header.lower().encode(), b"activityid", XFF, b"x-forwarded-proto"}

    def endpoint(call: Call) -> bool | None:
        decision = call.decision
        backend = decision.backend if decision is not None else anonymous
        if backend is None:
            return call.refuse(faults.NO_PRODUCTION)
        exchange = call.exchange
        target = exchange.target[call.cut :]
        if target[:1] == b"/" or backend.base:
            target = backend.base + target
        else:
            target = b"/" + target
        known = exchange.fields.get(XFF)
        address = exchange.client[0].encode()
        lines = b"activityid: %b\r\nx-forwarded-for: %b\r\n%b" % (
            call.correlation,
            address if known is None else b"%b, %b" % (known, address),
            exchange.connection.forwarded,
        )
        call.backend_started = time.perf_counter()
        forward(call, backend.origin, target, drops, lines, backend.timeout)
        return True

    return endpoint
