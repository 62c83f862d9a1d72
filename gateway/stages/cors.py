"""CORS: pre-flights are answered here, before any authentication; answers to browsers get their origin (reference A12)."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway import faults
from gateway.call import CORS_DROPS, Call
from gateway.plan import Plan
from gateway.schema import Cors
from gateway.stages import Step

_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search
ALLOW_ORIGIN = b"access-control-allow-origin: %b\r\n"
ALLOW_CREDENTIALS = b"access-control-allow-credentials: true\r\n"


def stage(plan: Plan) -> Step | None:
    """The stage of an API: the one compiled for its record."""
    return plan.api.cors


def check(record: Cors) -> None:
    """Raises ValueError for credentials together with any origin, which browsers refuse and which would be unsafe, and for
    values that would break out of their header line."""
    for name, values in (("origins", record.origins), ("headers", record.headers)):
        for value in values:
            if _CONTROL(value):
                raise ValueError(f"cors: {name} {value!r} holds a control character")
    if record.enabled and record.credentials and "*" in record.origins:
        raise ValueError("cors: credentials cannot be allowed for origin '*'; list the origins")


def origin_lines(record: Cors) -> Callable[[bytes], bytes]:
    """A function from an `Origin` value to the header lines it gets."""
    credentials = ALLOW_CREDENTIALS if record.credentials else b""
    if "*" in record.origins:
        anyone = ALLOW_ORIGIN % b"*"
        return lambda origin: anyone
    known = {
        origin.encode(): ALLOW_ORIGIN % origin.encode() + credentials + b"vary: Origin\r\n" for origin in record.origins
    }
    return lambda origin: known.get(origin, b"vary: Origin\r\n")


def compile(record: Cors) -> Step | None:
    """The stage of an API with this record: nothing when CORS is off."""
    if not record.enabled:
        return None
    lines_for = origin_lines(record)

    def cors(call: Call) -> None:
        call.answer_drops = CORS_DROPS
        origin = call.exchange.fields.get(b"origin")
        if origin is not None:
            call.answer_lines += lines_for(origin)

    return cors


def compile_preflight(record: Cors) -> Callable[[Call, list[bytes]], bool]:
    """Answers OPTIONS for resources that do not define it themselves; `verbs` are those the resource has."""
    lines_for = origin_lines(record)
    allowed = {method.upper().encode() for method in record.methods}
    headers = b"access-control-allow-headers: %b\r\n" % ",".join(record.headers).encode()

    def preflight(call: Call, verbs: list[bytes]) -> bool:
        fields = call.exchange.fields
        if not record.enabled or b"access-control-request-method" not in fields:
            return call.refuse(faults.NOT_ALLOWED, lines=b"allow: %b\r\n" % b", ".join(verbs))
        methods = b",".join(verb for verb in verbs if verb in allowed)
        lines = (
            call.answer_lines,
            lines_for(fields.get(b"origin", b"")),
            b"access-control-allow-methods: %b\r\n" % methods,
            headers,
        )
        call.exchange.respond_block(200, b"".join(lines), b"")
        call.finished(200)
        return True

    return preflight
