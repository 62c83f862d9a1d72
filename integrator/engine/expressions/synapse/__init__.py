"""`${…}` expressions: compiled when they are deployed, evaluated on JSON values (reference 2.7).

What cannot be worked out when a message comes (a text where a number is needed, division by zero) makes the expression empty,
as in the original, and a line in the log; `null` is the word null as text.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from integrator.engine.expressions.base import Constant, Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.expressions.synapse.parser import Parser
from integrator.engine.expressions.synapse.tokens import SynapseError, mistake
from integrator.engine.expressions.synapse.values import Compiled, Empty, as_text, is_nodes
from integrator.engine.expressions.xpath import compile_xpath
from integrator.engine.message import Message

__all__ = [
    "SynapseError",
    "SynapseExpression",
    "Template",
    "compile_one",
    "compile_synapse",
    "compile_template",
    "is_synapse",
]

log = logging.getLogger("integrator.mediation")

Namespaces = dict[str | None, str]


class SynapseExpression(Expression):
    """One compiled expression."""

    is_json = True

    def __init__(self, text: str, compiled: Compiled, reads_content: bool):
        self.text = text
        self.compiled = compiled
        self.reads_content = reads_content

    def found(self, message: Message) -> Any:
        """The value, MISSING when there is none."""
        try:
            return self.compiled(message, MISSING)
        except Empty as reason:
            log.warning("%s is empty: %s", self.text[:200], reason)
            return MISSING
        except RecursionError:
            log.warning("%s is empty: nested too deeply", self.text[:200])
            return MISSING

    def value(self, message: Message) -> Any:
        """The value, empty text when there is none."""
        found = self.found(message)
        return "" if found is MISSING else found

    def string(self, message: Message) -> str | None:
        """Text: missing is empty, null is the word, containers are JSON."""
        return as_text(self.found(message))

    def boolean(self, message: Message) -> bool:
        """True for true; for nodes when there are any."""
        found = self.found(message)
        return found is True or found == "true" or is_nodes(found)


class Template(Expression):
    """A text with `${…}` in it."""

    def __init__(self, text: str, parts: list[Expression]):
        self.text = text
        self.parts = parts
        self.reads_content = any(part.reads_content for part in parts)

    def value(self, message: Message) -> Any:
        """The text with its values filled in."""
        return self.string(message)

    def string(self, message: Message) -> str | None:
        """The text with its values filled in."""
        return "".join([part.string(message) or "" for part in self.parts])


def is_synapse(text: str) -> bool:
    """Whether a text is one `${…}` and nothing else."""
    return text.startswith("${") and text.endswith("}")


def compile_synapse(text: str, nsmap: Namespaces) -> Expression:
    """Compile `${…}`. Raises SynapseError with line and column."""
    given = text.strip()
    made, end = compile_one(given, 0, nsmap)
    if end != len(given):
        raise mistake(given, end, "unexpected text after the expression")
    return made


def compile_template(text: str, nsmap: Namespaces) -> Expression:
    """Compile a text that may hold `${…}`; one that is nothing else keeps its kind of value. Raises SynapseError."""
    parts: list[Expression] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start > at:
            parts.append(Constant(text[at:start]))
        made, at = compile_one(text, start, nsmap)
        parts.append(made)
    if at < len(text):
        parts.append(Constant(text[at:]))
    return parts[0] if len(parts) == 1 else Template(text, parts)


def compile_one(text: str, start: int, nsmap: Namespaces) -> tuple[Expression, int]:
    """The expression whose `${` stands at an offset, and the offset after it. Raises SynapseError."""
    parser = Parser(text, start + 2, lambda path: compile_xpath(path, nsmap))
    compiled = parser.whole("}")
    end = parser.token.end
    source = text[start:end]
    path = source[2:-1].strip()
    if parser.only_payload is not None and _is_json_path(path):
        plain = JsonEval("$" + path.removeprefix("payload").removeprefix("$"), nsmap)
        plain.text = source
        return plain, end
    return SynapseExpression(source, compiled, parser.reads_content), end


def _is_json_path(path: str) -> bool:
    """Whether it is a path into the body and nothing else, which the mediators that change bodies know as JSONPath."""
    return _JSON_PATH.fullmatch(path) is not None


_JSON_PATH = re.compile(r"(?:payload|\$)(?:\.\.?(?:\w+|\*)|\[(?:\*|-?\d+)\])*(?:\.\w+\(\))?")
