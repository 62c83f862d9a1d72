"""`${…}` inside the templates of payloadFactory: found when the artifact is deployed, and written as JSON, XML or text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from integrator.engine.content import jsonxml
from integrator.engine.content.payload import encode_json
from integrator.engine.expressions import Expression
from integrator.engine.expressions.synapse import compile_one
from integrator.engine.expressions.synapse.calls import SPECIAL
from integrator.engine.expressions.synapse.functions import FUNCTIONS
from integrator.engine.expressions.synapse.roots import ROOTS
from integrator.engine.expressions.synapse.values import is_nodes
from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message
from integrator.engine.xmltools import serialise

_WORDS = "|".join(re.escape(word) for word in sorted({*ROOTS, *FUNCTIONS, *SPECIAL}, key=len, reverse=True))
_BEGIN = re.compile(rf"\$\{{\s*[(!-]*\s*(?:(?:{_WORDS})(?![\w-])|\$[.\[}}]|['\"])")
"""What begins an expression; any other `${` is text, as it was before there were such expressions."""


@dataclass(frozen=True)
class Place:
    """An expression and where it stands in a template; `quoted` inside a text of JSON."""

    start: int
    end: int
    expression: Expression
    quoted: bool


def find(text: str, nsmap: dict[str | None, str], kind: str) -> list[Place]:
    """The expressions of a template. Raises SynapseError for a wrong one."""
    found: list[Place] = []
    at, quoted = 0, False
    while (begin := _BEGIN.search(text, at)) is not None:
        quoted = _in_text(text[at : begin.start()], quoted) if kind == "json" else False
        expression, at = compile_one(text, begin.start(), nsmap)
        found.append(Place(begin.start(), at, expression, quoted))
    return found


def _in_text(text: str, quoted: bool) -> bool:
    """Whether what comes after this piece of JSON stands inside quotes."""
    return quoted ^ (len(re.findall(r'"', re.sub(r"\\.", "", text))) % 2 == 1)


def renderer(place: Place, kind: str) -> Callable[[Message], str]:
    """A function that writes the value as the template's kind (json, xml, text) needs it at that place."""
    expression = place.expression
    if kind == "text":
        return lambda message: expression.string(message) or ""
    if kind == "xml":
        return lambda message: _xml(expression, message)
    if place.quoted:
        return lambda message: encode_json(expression.string(message) or "").decode()[1:-1]
    return lambda message: _json(expression.value(message))


def _json(value: Any) -> str:
    return encode_json(text_of(value) if is_nodes(value) else value).decode()


def _xml(expression: Expression, message: Message) -> str:
    value = expression.value(message)
    if is_nodes(value):
        return "".join(
            serialise(node) for node in (value if isinstance(value, list) else [value]) if hasattr(node, "tag")
        )
    if isinstance(value, dict | list):
        return "".join(serialise(item) for item in jsonxml.to_xml(value))
    return escape(expression.string(message) or "")
