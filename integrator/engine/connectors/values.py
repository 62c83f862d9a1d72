"""Values of parameters: literals are checked when an artifact is deployed, expressions for each message."""

from __future__ import annotations

from typing import Any

from integrator.engine.connectors.declare import Parameter
from integrator.engine.content.payload import decode_json
from integrator.engine.errors import Fault
from integrator.engine.expressions.values import text_of
from integrator.engine.xmltools import XmlError, parse

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


class ValueProblem(ValueError):
    """A value does not fit its parameter; the text names what is allowed, and the value unless it is secret."""


def convert(parameter: Parameter, raw: Any) -> Any:
    """A raw value as the parameter's kind; the default when there is none. Raises ValueProblem."""
    if isinstance(raw, list) and len(raw) == 1 and hasattr(raw[0], "tag"):
        raw = raw[0]
    if raw is None or (isinstance(raw, str) and not raw.strip()) or (isinstance(raw, list) and not raw):
        if raw == [] and parameter.kind in ("json", "any"):
            return raw
        if parameter.required:
            raise ValueProblem(f"parameter {parameter.name!r} is required")
        return parameter.default
    try:
        value = _CONVERTERS[parameter.kind](raw)
    except (ValueError, XmlError, Fault) as error:
        shown = "***" if parameter.secret else repr(text_of(raw))[:80]
        raise ValueProblem(f"parameter {parameter.name!r}: {shown} is no {parameter.kind}") from error
    return _chosen(parameter, value) if parameter.choices else value


def _chosen(parameter: Parameter, value: Any) -> Any:
    for choice in parameter.choices:
        if str(value).strip().lower() == choice.lower():
            return choice
    raise ValueProblem(f"parameter {parameter.name!r}: {value!r}; allowed are {', '.join(parameter.choices)}")


def _integer(raw: Any) -> int:
    if isinstance(raw, bool):
        raise ValueProblem("a boolean")
    number = float(raw) if isinstance(raw, int | float) else float((text_of(raw) or "").strip())
    if number != int(number):
        raise ValueProblem("not whole")
    return int(number)


def _number(raw: Any) -> float:
    return float((text_of(raw) or "").strip())


def _boolean(raw: Any) -> bool:
    word = (text_of(raw) or "").strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueProblem("neither true nor false")


def _json(raw: Any) -> Any:
    return decode_json(raw.strip()) if isinstance(raw, str | bytes) else raw


def _xml(raw: Any) -> Any:
    return raw if hasattr(raw, "tag") else parse((text_of(raw) or "").strip().encode())


_CONVERTERS: dict[str, Any] = {
    "string": text_of,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "json": _json,
    "xml": _xml,
    "any": lambda raw: raw,
}
