"""Expressions of artifacts, compiled when they are deployed (reference 2.5, 2.6)."""

from __future__ import annotations

import re
from typing import Any

from integrator.engine.errors import DeploymentError, Place
from integrator.engine.expressions.base import Constant, Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.synapse import SynapseError, compile_synapse, compile_template, is_synapse
from integrator.engine.expressions.xpath import PathError, compile_xpath
from integrator.engine.message import Message
from integrator.engine.xmltools import Element

_JSON_EVAL = re.compile(r"json-eval\((.*)\)\s*\Z", re.DOTALL)

__all__ = ["Constant", "Deferred", "Expression", "compile_path", "compile_text", "compile_value"]


def compile_path(text: str, element: Element, place: Place, language: str = "") -> Expression:
    """Compile a path attribute: json-eval(...) is JSONPath, anything else XPath; `language` forces `xml` or `json`.

    Raises DeploymentError naming file, line and element.
    """
    nsmap = element.nsmap
    try:
        found = _JSON_EVAL.match(text.strip())
        if language == "json":
            return JsonEval(found.group(1) if found else text, nsmap)
        if found and language != "xml":
            return JsonEval(found.group(1), nsmap)
        if is_synapse(text.strip()):
            return compile_synapse(text, nsmap)
        return compile_xpath(found.group(1) if found else text, nsmap)
    except (PathError, SynapseError) as error:
        raise DeploymentError(place, f"wrong expression: {error}") from error


class Deferred(Expression):
    """`{{expr}}`: handed on as an expression and evaluated where the parameter is used."""

    def __init__(self, inner: Expression):
        self.text = inner.text
        self.inner = inner
        self.reads_content = inner.reads_content

    def value(self, message: Message) -> Any:
        """The inner expression's value for the message at hand."""
        return self.inner.value(message)

    def string(self, message: Message) -> str | None:
        """The inner expression's text for the message at hand."""
        return self.inner.string(message)


def compile_value(text: str, element: Element, place: Place) -> Expression:
    """Compile a dynamic value: `{expr}` and `{{expr}}` are evaluated for each message, anything else is literal."""
    stripped = text.strip()
    if stripped.startswith("{{") and stripped.endswith("}}"):
        return Deferred(compile_path(stripped[2:-2], element, place))
    if stripped.startswith("{") and stripped.endswith("}") and not stripped.startswith('{"'):
        return compile_path(stripped[1:-1], element, place)
    return compile_text(text, element, place) if "${" in text else Constant(text)


def compile_text(text: str, element: Element, place: Place) -> Expression:
    """Compile text in which `${…}` may stand. Raises DeploymentError."""
    try:
        return compile_template(text, element.nsmap)
    except (PathError, SynapseError) as error:
        raise DeploymentError(place, f"wrong expression: {error}") from error
