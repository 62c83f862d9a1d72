"""XPath 2.0 and later, for homes that switch it on: what XPath 1.0 does not know runs in SaxonC on the first child of the body.

`synapse.xpath.dom.failover.enabled` in [synapse_properties]. The flow waits for the outcome, so it is bounded in time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from integrator.engine import saxon
from integrator.engine.errors import Fault
from integrator.engine.expressions.base import Expression
from integrator.engine.expressions.values import nodes_text, text_of
from integrator.engine.message import Message
from integrator.engine.xmltools import parse, serialise

SECONDS = 1.0
"""Longest time of one evaluation."""
FIRST_SECONDS = 10.0
"""Longest time of the check at deployment, in which the processor may have to be loaded."""
_OUTSIDE = re.compile(
    r"(?<![\w-])(doc|doc-available|document|collection|uri-collection|json-doc|unparsed-text(?:-lines|-available)?"
    r"|environment-variable|available-environment-variables|transform|load-xquery-module|system-property)\s*\("
)
_STATIC = re.compile(r"<eof>|before|prefix|declared|Cannot find|Unexpected|XPST|expected", re.IGNORECASE)
_BINDING = re.compile(r"\$([\w.-]+)\s*(?:in\b|:=)")
_enabled = [False]


def use(enabled: bool) -> None:
    """Set whether this process knows XPath 2.0: the setting of the home it runs."""
    _enabled[0] = enabled


def enabled() -> bool:
    """Whether this process knows XPath 2.0."""
    return _enabled[0]


def bound(text: str) -> frozenset[str]:
    """Names that `for`, `let`, `some` and `every` of the expression bind; none when XPath 2.0 is not known."""
    return frozenset(_BINDING.findall(text)) if _enabled[0] else frozenset()


class XPath20(Expression):
    """One expression; `variables` are looked up for each message and given as texts."""

    reads_content = True

    def __init__(
        self, text: str, rewritten: str, variables: dict[str, Callable[[Message], Any]], nsmap: dict[str, str]
    ):
        self.text = text
        self.rewritten = rewritten
        self.variables = variables
        self.nsmap = nsmap
        found = _OUTSIDE.search(rewritten)
        if found:
            raise ValueError(f"function {found.group(1)!r} of XPath {text!r} is not allowed: it leaves the message")
        try:
            self._evaluate("<empty/>", dict.fromkeys(variables, ""), FIRST_SECONDS)
        except Fault as fault:
            if _STATIC.search(fault.message):
                raise ValueError(fault.message) from fault

    def value(self, message: Message) -> Any:
        """Node list, text, number or boolean. Raises Fault."""
        root = message.payload.root
        values = {name: text_of(getter(message)) or "" for name, getter in self.variables.items()}
        return self._evaluate("<empty/>" if root is None else serialise(root), values, SECONDS)

    def string(self, message: Message) -> str | None:
        """Text by reference 2.5."""
        value = self.value(message)
        return nodes_text(value) if isinstance(value, list) else text_of(value)

    def _evaluate(self, document: str, values: dict[str, str], seconds: float) -> Any:
        def task(processor: saxon.Saxon) -> list[tuple[str, Any]]:
            return processor.xpath(self.rewritten, document, values, self.nsmap)

        found = [_MAKE[kind](value) for kind, value in saxon.call(task, seconds)]
        if len(found) == 1 and not hasattr(found[0], "tag"):
            return found[0]
        if found and not any(hasattr(item, "tag") for item in found):
            return "".join(text_of(item) or "" for item in found)
        return found


_MAKE: dict[str, Callable[[Any], Any]] = {
    "element": parse,
    "text": str,
    "boolean": lambda value: value == "true",
    "number": float,
}
