"""What a FreeMarker template of payloadFactory sees of a message: payload, args, ctx, axis2, trp (reference 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from integrator.engine.content import media
from integrator.engine.content.freemarker import Template
from integrator.engine.content.freemarker_values import MISSING, TemplateError, document
from integrator.engine.errors import Fault
from integrator.engine.expressions import scopes
from integrator.engine.message import Message

if TYPE_CHECKING:
    from integrator.engine.mediators.payload_factory import PayloadFactory

parsed = lru_cache(maxsize=256)(Template)


def compile_template(text: str, factory: PayloadFactory) -> Callable[[Message], str]:
    """A function that renders the template. Raises Fault, also when it is called."""
    try:
        template = parsed(text)
    except TemplateError as error:
        raise Fault(0, f"payloadFactory: FreeMarker template: {error}") from error

    def render(message: Message) -> str:
        try:
            return template.render(values(message, text, factory))
        except (TemplateError, TypeError, OverflowError, RecursionError) as error:
            raise Fault(0, f"payloadFactory: FreeMarker template: {error}") from error

    return render


def values(message: Message, text: str, factory: PayloadFactory) -> dict[str, Any]:
    """The data model; only what the template names is put into it."""
    made: dict[str, Any] = {}
    if "payload" in text:
        made["payload"] = payload(message)
    if "args" in text:
        given = enumerate(factory.arguments, 1)
        made["args"] = {f"arg{number}": argument.value.string(message) or "" for number, argument in given}
    if "ctx" in text:
        made["ctx"] = texts(message.properties)
    if "axis2" in text:
        made["axis2"] = texts(message.axis2)
    if "trp" in text:
        made["trp"] = dict(message.headers)
    return made


def payload(message: Message) -> Any:
    """JSON as values, XML as a document, other bodies as text."""
    body = message.payload
    if body.is_json:
        return body.json
    if body.empty:
        return MISSING
    root = body.root
    if body.family == media.TEXT:
        return "" if root is None else root.text or ""
    return document(root)


def texts(held: dict[str, Any]) -> dict[str, str]:
    """Properties as text."""
    return {name: scopes.as_text(value) for name, value in held.items() if value is not None}
