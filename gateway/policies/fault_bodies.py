"""JSON Fault and Debug JSON Fault: the fault as JSON, whatever the caller accepts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from gateway.call import Call
from gateway.message import Answer
from gateway.policies.base import AnswerStep, Native, Use
from gateway.policies.logs import named

log = logging.getLogger("gateway.policy")


def json_fault(debug: bool) -> Callable[[Use], AnswerStep]:
    """The compiler of the policy; `debug` logs more of what went wrong."""

    def compile(use: Use) -> AnswerStep:
        def step(call: Call, answer: Answer) -> bool:
            fault = call.fault
            code = fault.code if fault is not None else "0"
            text = fault.description if fault is not None else ""
            fields = {"error_code": code, "error_message": text, "status": answer.status}
            if debug:
                fields["content_type"] = call.exchange.fields.get(b"content-type", b"").decode("latin-1")
            log.info("custom fault sequence", extra={"fields": named(call, use) | fields})
            inside = {"code": int(code) if code.isdecimal() else code, "type": "Status report"}
            inside |= {"message": "Runtime Error", "description": text}
            answer.body = json.dumps({"fault": inside}, separators=(",", ":")).encode()
            answer.replace(b"content-type", b"application/json; charset=UTF-8")
            return True

        return step

    return compile


JSON_FAULT = Native(None, json_fault(False), flows=frozenset({"fault"}))
DEBUG_JSON_FAULT = Native(None, json_fault(True), flows=frozenset({"fault"}))
