"""Add Header, Remove Header, Disable Chunking: policies that change header lines."""

from __future__ import annotations

import re

from gateway.call import Call
from gateway.message import Answer, check_header
from gateway.policies import body
from gateway.policies.base import AnswerStep, Failure, Head, Native, Use, mediation_fault
from gateway.policies.values import Value, compile_value
from gateway.stages import Step
from wire.heads import HOP_BY_HOP

FRAMING = HOP_BY_HOP | {b"content-length", b"host"}
"""Headers that say how a message is framed or where it goes; they are the gateway's to write."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def header_name(use: Use) -> bytes:
    """The attribute headerName, in lower case. Raises ValueError for what is no name, or the gateway's own."""
    name = use.text("headerName").strip()
    if not _NAME.fullmatch(name):
        raise use.wrong("headerName", name, "a header name (letters, digits and - _ . among others, no space)")
    if name.lower().encode() in FRAMING:
        raise use.wrong("headerName", name, "a header that a policy may change: the gateway writes it itself")
    return name.lower().encode()


def add_request(use: Use) -> Step:
    """Sets a header of the request, whatever was there."""
    name, value = header_name(use), compile_value(use, "headerValue")
    hidden = name in {use.plan.record.authorization_header.lower().encode(), b"authorization"}
    fixed = encoded(use, name, value)

    def put(call: Call, text: bytes) -> None:
        if hidden:
            show(call, name, text)
        else:
            call.edit().replace(name, text)

    if fixed is not None:
        known = fixed
        return lambda call: put(call, known)

    def step(call: Call) -> None:
        put(call, worked_out(value, name, call, None))

    if not value.reads_body:
        return step

    async def after_body(call: Call) -> None:
        await body.plain_request(call, use.limit)
        step(call)

    return after_body


def show(call: Call, name: bytes, value: bytes) -> None:
    """Shows the backend a header that callers' own values of are hidden from it (the one tokens come in)."""
    lines = [line for line in call.request_lines.split(b"\r\n") if line and not line.lower().startswith(name + b":")]
    lines.append(b"%b: %b" % (name, value))
    call.request_lines = b"\r\n".join(lines) + b"\r\n"


def encoded(use: Use, name: bytes, value: Value) -> bytes | None:
    """A fixed value as it goes over the wire; None for one that is worked out per call. Raises ValueError."""
    if value.fixed is None:
        return None
    text = value.fixed.encode()
    try:
        check_header(name, text)
    except ValueError as error:
        raise use.wrong("headerValue", value.fixed, "a header's value: it has a line break") from error
    return text


def worked_out(value: Value, name: bytes, call: Call, answer: Answer | None) -> bytes:
    """A dynamic value for this call. Raises Failure (400) for one that would break out of its line."""
    try:
        text = value.read(call, answer).encode()
        check_header(name, text)
    except ValueError as error:
        raise Failure(mediation_fault(f"header {name.decode()}: {error}", 400 if answer is None else 500)) from error
    return text


def add_answer(use: Use) -> AnswerStep:
    """Sets a header of the answer, whatever was there."""
    name, value = header_name(use), compile_value(use, "headerValue")
    fixed = encoded(use, name, value)

    def step(call: Call, answer: Answer) -> None:
        answer.replace(name, fixed if fixed is not None else worked_out(value, name, call, answer))

    return step


def add_head(use: Use) -> Head | None:
    """The same for an answer that streams; None when the value depends on the call."""
    name, value = header_name(use), compile_value(use, "headerValue")
    fixed = encoded(use, name, value)
    return None if fixed is None else Head(frozenset({name}), ((name, fixed),))


def remove_request(use: Use) -> Step:
    """Takes a header out of the request."""
    name = header_name(use)
    return lambda call: call.edit().remove(name)


def remove_answer(use: Use) -> AnswerStep:
    """Takes a header out of the answer."""
    name = header_name(use)
    return lambda call, answer: answer.remove(name)


def remove_head(use: Use) -> Head:
    """The same for an answer that streams."""
    return Head(frozenset({header_name(use)}))


def whole_request(use: Use) -> Step:
    """Disable Chunking: the body is read whole and goes out with its length."""
    limit = use.limit

    async def step(call: Call) -> None:
        await call.read(limit)

    return lambda call: step(call) if b"transfer-encoding" in call.exchange.fields else None


def whole_answer(use: Use) -> AnswerStep:
    """Disable Chunking: an answer that reaches this has been read whole, and goes out with its length."""
    return lambda call, answer: None


ADD = Native(add_request, add_answer, add_head)
REMOVE = Native(remove_request, remove_answer, remove_head)
DISABLE_CHUNKING = Native(whole_request, whole_answer, flows=frozenset({"request", "response"}))
