"""Attribute values that are worked out for each call: `${header.Name}`, `${query.name}`, `${path.name}`, or any expression.

Literal text and several `${…}` may stand together. What is none of the short forms is an expression of the mediation engine:
`${$ctx:api.ut.userId}`, `${get-property('axis2','HTTP_METHOD')}`, `${json-eval($.order.id)}`, `${//order/id}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from gateway.call import Call
from gateway.conditions import parameters
from gateway.message import Answer
from gateway.policies import engine
from gateway.policies.templates import path_reader
from integrator.engine.deployment import Deployment
from integrator.engine.errors import DeploymentError, Fault, Place
from integrator.engine.expressions import Expression, compile_path

if TYPE_CHECKING:
    from gateway.policies.base import Use

Reader = Callable[[Call, "Answer | None"], str]

_MARK = re.compile(r"\$\{([^{}]{1,1000})\}")
_SHORT = re.compile(r"(header|query|path)\.([\w.\-~%]+)|\$trp:([\w\-]+)")


@dataclass(frozen=True, slots=True)
class Value:
    """An attribute's value: `fixed` when it is the same for every call. `reads_body`: the body has to be there first."""

    fixed: str | None
    read: Reader
    reads_body: bool = False


def compile_value(use: Use, name: str, default: str | None = None) -> Value:
    """The value of an attribute. Raises ValueError naming it, for an expression that cannot be compiled too."""
    text = use.text(name, default)
    if "${" not in text:
        return Value(text, lambda call, answer: text)
    parts: list[Reader] = []
    reads, end = False, 0
    for found in _MARK.finditer(text):
        literal = text[end : found.start()]
        if literal:
            parts.append(_literal(literal))
        reader, body = _expression(use, name, found.group(1).strip())
        parts.append(reader)
        reads = reads or body
        end = found.end()
    if text[end:]:
        parts.append(_literal(text[end:]))
    return Value(None, lambda call, answer: "".join([part(call, answer) for part in parts]), reads)


def _literal(text: str) -> Reader:
    return lambda call, answer: text


def _expression(use: Use, name: str, text: str) -> tuple[Reader, bool]:
    short = _SHORT.fullmatch(text)
    if short is not None:
        kind, key, transport = short.groups()
        if transport is not None or kind == "header":
            return _header((transport or key).lower().encode()), False
        return (_query(key), False) if kind == "query" else (path_reader(use.plan.operation.target, key, use), False)
    try:
        engine.check_text(text)
        compiled = compile_path(text, etree.Element("policy"), Place(use.record.name))
    except (DeploymentError, ValueError) as error:
        raise use.wrong(name, text, f"an expression: {error}") from error
    return _engine(compiled, engine.deployment(use.plan.services)), compiled.reads_content


def _header(key: bytes) -> Reader:
    def read(call: Call, answer: Answer | None) -> str:
        found = answer.header(key) if answer is not None else (call.outgoing or call.edit()).header(key)
        return "" if found is None else found.decode("latin-1")

    return read


def _query(key: str) -> Reader:
    def read(call: Call, answer: Answer | None) -> str:
        return next((v for k, v in parameters(call.exchange.query) if k == key), "")

    return read


def _engine(compiled: Expression, home: Deployment) -> Reader:
    def read(call: Call, answer: Answer | None) -> str:
        message = engine.message_of(home, call, answer)
        try:
            return compiled.string(message) or ""
        except Fault as fault:
            raise ValueError(f"expression {compiled.text!r}: {fault.message}") from fault

    return read
