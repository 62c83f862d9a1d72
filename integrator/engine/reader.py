"""Reads attributes and children of artifact XML; every mistake names file, line, element, value and what is allowed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from integrator.engine.errors import DeploymentError, Place
from integrator.engine.expressions import Constant, Expression, compile_path, compile_value
from integrator.engine.patterns import Pattern, PatternError, compiled
from integrator.engine.xmltools import Element, XmlError, children, local, parse

log = logging.getLogger("integrator.deployment")


@dataclass(frozen=True, slots=True)
class Reader:
    """Knows the file an element comes from."""

    file: str

    def place(self, element: Element) -> Place:
        """Where an element stands."""
        return Place(self.file, element.sourceline, local(element))

    def fail(self, element: Element, reason: str) -> DeploymentError:
        """The error to raise for an element."""
        return DeploymentError(self.place(element), reason)

    def required(self, element: Element, name: str) -> str:
        """An attribute that must be there and not be empty."""
        value = element.get(name)
        if value is None or not value.strip():
            raise self.fail(element, f"attribute {name!r} is required")
        return value.strip()  # type: ignore[no-any-return]

    def flag(self, element: Element, name: str, default: bool = False) -> bool:
        """A true/false attribute."""
        value = (element.get(name) or "").strip().lower()
        if value not in ("", "true", "false"):
            raise self.fail(element, f"attribute {name}={value!r}: allowed are true, false")
        return value == "true" if value else default

    def integer(self, element: Element, text: str | None, what: str, default: int) -> int:
        """A whole number in an attribute or text; the default when absent."""
        if text is None or not text.strip():
            return default
        try:
            return int(float(text))
        except (ValueError, OverflowError) as error:
            raise self.fail(element, f"{what} {text!r}: a whole number is expected") from error

    def choice(self, element: Element, name: str, allowed: Sequence[str], default: str) -> str:
        """An attribute with a fixed set of values, compared without case."""
        value = (element.get(name) or default).strip()
        for word in allowed:
            if word.lower() == value.lower():
                return word
        raise self.fail(element, f"attribute {name}={value!r}: allowed are {', '.join(allowed)}")

    def path(self, element: Element, name: str, language: str = "") -> Expression:
        """A required path attribute, compiled."""
        return compile_path(self.required(element, name), element, self.place(element), language)

    def optional_path(self, element: Element, name: str, language: str = "") -> Expression | None:
        """A path attribute that may be absent."""
        return self.path(element, name, language) if element.get(name) else None

    def value(self, element: Element, name: str) -> Expression:
        """A required dynamic value (literal or {expression})."""
        return compile_value(self.required(element, name), element, self.place(element))

    def optional_value(self, element: Element, name: str) -> Expression | None:
        """A dynamic value that may be absent."""
        return self.value(element, name) if element.get(name) else None

    def value_or_expression(self, element: Element, required: bool = True) -> Expression | None:
        """`value` (literal) or `expression` (path); giving both is an error."""
        literal, expression = element.get("value"), element.get("expression")
        if literal is not None and expression is not None:
            raise self.fail(element, "either value or expression may be given, not both")
        if expression is not None:
            return self.path(element, "expression")
        if literal is not None:
            return Constant(literal)
        if required:
            raise self.fail(element, "attribute 'value' or 'expression' is required")
        return None

    def regex(self, element: Element, name: str, *, anywhere: bool = False) -> Pattern:
        """A required Java regular expression attribute; `anywhere` when it is searched for in a text."""
        text = self.required(element, name)
        try:
            return compiled(text, anywhere=anywhere)
        except PatternError as error:
            raise self.fail(element, f"attribute {name}={text!r}: bad regular expression ({error})") from error

    def only(self, element: Element, allowed: Iterable[str]) -> None:
        """Refuse child elements whose name is not in the list."""
        names = tuple(allowed)
        for item in children(element):
            if local(item) not in names:
                raise self.fail(
                    item,
                    f"element <{local(item)}> is not allowed in <{local(element)}>; allowed are {', '.join(names)}",
                )

    def leave_out(self, element: Element, known: Iterable[str]) -> None:
        """Say which child elements have no effect: the Micro Integrator passes them over, so artifacts in use hold some."""
        names = tuple(known)
        for item in children(element):
            if local(item) not in names:
                log.warning(
                    "%s: has no effect in <%s>; known there are %s", self.place(item), local(element), ", ".join(names)
                )


def read_xml(data: bytes | str, file: str | Path) -> tuple[Element, Reader]:
    """Parse an artifact. Raises DeploymentError with the line of the mistake."""
    try:
        return parse(data), Reader(str(file))
    except XmlError as error:
        raise DeploymentError(Place(str(file), error.line), f"not well-formed XML: {error}") from error
    except (ValueError, RecursionError) as error:
        raise DeploymentError(Place(str(file)), f"not readable as XML: {error}") from error
