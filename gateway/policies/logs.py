"""Log Policy and the debug policies: what a message is, to the log. Never a header that credentials come in."""

from __future__ import annotations

import logging
from typing import Any

from gateway.call import Call
from gateway.message import Answer
from gateway.policies import body
from gateway.policies.base import CREDENTIALS, AnswerStep, Native, Use
from gateway.stages import Step
from wire.heads import Header

log = logging.getLogger("gateway.policy")

MOST = 8192
"""Characters of a body in the log."""

SECRET = CREDENTIALS | {b"authorization", b"cookie", b"set-cookie", b"x-jwt-assertion"}


def request_log(title: str, details: bool) -> Any:
    """The compiler of a policy that logs requests; `details` adds the fields of the debug policy."""

    def compile(use: Use) -> Step:
        secret = SECRET | use.credentials

        async def step(call: Call) -> None:
            data = await body.of_request(call, use.limit)
            fields = named(call, use) | {"headers": shown(call.edit().headers, secret), "payload": text_of(data)}
            if details:
                request = call.edit()
                fields |= {
                    "http_method": request.method.decode("latin-1"),
                    "resource": request.target.decode("latin-1"),
                }
            log.info(title, extra={"fields": fields})

        return step

    return compile


def answer_log(title: str) -> Any:
    """The compiler of a policy that logs answers and faults."""

    def compile(use: Use) -> AnswerStep:
        def step(call: Call, answer: Answer) -> None:
            fields = {
                "status": answer.status,
                "headers": shown(answer.headers, SECRET),
                "payload": text_of(answer.body),
            }
            log.info(title, extra={"fields": named(call, use) | fields})

        return step

    return compile


def named(call: Call, use: Use) -> dict[str, Any]:
    """What every line says about its call."""
    return {
        "correlation_id": call.correlation.decode("latin-1"),
        "api": f"{use.plan.record.name}:{use.plan.record.version}",
        "operation": f"{use.plan.operation.verb} {use.plan.operation.target}",
        "flow": use.flow,
    }


def shown(headers: list[Header], secret: frozenset[bytes]) -> dict[str, str]:
    """Headers for the log."""
    return {n.decode("latin-1"): "***" if n in secret else v.decode("latin-1")[:1024] for n, v in headers}


def text_of(data: bytes) -> str:
    """A body for the log, cut to MOST characters."""
    text = data[: 4 * MOST].decode("utf-8", "replace")
    return text if len(text) <= MOST else f"{text[:MOST]}… ({len(data)} bytes)"


LOG = Native(request_log("log policy", False), answer_log("log policy"))
DEBUG_REQUEST = Native(request_log("debug request flow", True), flows=frozenset({"request"}))
DEBUG_RESPONSE = Native(None, answer_log("debug response flow"), flows=frozenset({"response"}))
