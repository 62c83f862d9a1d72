"""Spectral's core functions: each says what is wrong with a value, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import re2

ABSENT = object()
"""The value of a field that is not there."""

Function = Callable[[Any, dict[str, Any]], list[str]]
CASES = {
    "flat": r"[a-z][a-z{0}]*",
    "camel": r"[a-z][a-z{0}]*(?:[A-Z{0}](?:[a-z{0}]+|$))*",
    "pascal": r"[A-Z][a-z{0}]*(?:[A-Z{0}](?:[a-z{0}]+|$))*",
    "kebab": r"[a-z][a-z{0}]*(?:-[a-z{0}]+)*",
    "cobol": r"[A-Z][A-Z{0}]*(?:-[A-Z{0}]+)*",
    "snake": r"[a-z][a-z{0}]*(?:_[a-z{0}]+)*",
    "macro": r"[A-Z][A-Z{0}]*(?:_[A-Z{0}]+)*",
}
_SLASHED = re.compile(r"^/(.+)/([a-z]*)$", re.DOTALL)


def compiled(pattern: str) -> Any:
    """A pattern as Spectral writes it, `/…/i` or bare, for an engine without catastrophic cases. Raises ValueError."""
    slashed = _SLASHED.match(pattern)
    text, flags = (slashed[1], slashed[2]) if slashed else (pattern, "")
    known = "".join(flag for flag in flags if flag in "ims")
    try:
        return re2.compile(f"(?{known}){text}" if known else text)
    except re2.error as error:
        raise ValueError(f"{pattern!r} is no pattern that can be matched here: {error}") from error


def _truthy(value: Any, options: dict[str, Any]) -> list[str]:
    return [] if value is not ABSENT and value else ["must be truthy"]


def _falsy(value: Any, options: dict[str, Any]) -> list[str]:
    return ["must be falsy"] if value is not ABSENT and value else []


def _defined(value: Any, options: dict[str, Any]) -> list[str]:
    return ["must be defined"] if value is ABSENT else []


def _undefined(value: Any, options: dict[str, Any]) -> list[str]:
    return [] if value is ABSENT else ["must be undefined"]


def _pattern(value: Any, options: dict[str, Any]) -> list[str]:
    if not isinstance(value, str):
        return []
    found = []
    if options.get("match") and not compiled(str(options["match"])).search(value):
        found.append(f"{value[:60]!r} must match the pattern {options['match']!r}")
    if options.get("notMatch") and compiled(str(options["notMatch"])).search(value):
        found.append(f"{value[:60]!r} must not match the pattern {options['notMatch']!r}")
    return found


def _casing(value: Any, options: dict[str, Any]) -> list[str]:
    if not isinstance(value, str) or not value:
        return []
    digits = "" if options.get("disallowDigits") else "0-9"
    case = CASES[options["type"]].replace("{0}", digits)
    separator = options.get("separator") or {}
    char = re.escape(separator["char"]) if separator.get("char") else ""
    if char:
        leading = f"{char}?" if separator.get("allowLeading") else ""
        case = f"{leading}(?:{case})(?:{char}(?:{case}))*"
    if value == separator.get("char"):
        return []
    return [] if compiled(f"^(?:{case})$").search(value) else [f"{value[:60]!r} must be {options['type']} case"]


def _length(value: Any, options: dict[str, Any]) -> list[str]:
    if value is ABSENT or value is None:
        return []
    size = value if isinstance(value, int | float) else len(value)
    found = []
    if "min" in options and size < options["min"]:
        found.append(f"must be at least {options['min']} long")
    if "max" in options and size > options["max"]:
        found.append(f"must be at most {options['max']} long")
    return found


def _enumeration(value: Any, options: dict[str, Any]) -> list[str]:
    allowed = options.get("values") or []
    if value is ABSENT or isinstance(value, dict | list) or value in allowed:
        return []
    return [f"{value!r} must be one of {', '.join(map(str, allowed))}"]


def _alphabetical(value: Any, options: dict[str, Any]) -> list[str]:
    keyed = options.get("keyedBy")
    rows = value if isinstance(value, dict | list) else ()
    texts = [str(one.get(keyed) if keyed and isinstance(one, dict) else one) for one in rows]
    return [] if texts == sorted(texts) else ["must be in alphabetical order"]


def _xor(value: Any, options: dict[str, Any]) -> list[str]:
    names = options.get("properties") or []
    held = [name for name in names if isinstance(value, dict) and name in value]
    return (
        [] if not isinstance(value, dict) or len(held) == 1 else [f"needs exactly one of {', '.join(map(str, names))}"]
    )


def _or(value: Any, options: dict[str, Any]) -> list[str]:
    names = options.get("properties") or []
    held = not isinstance(value, dict) or any(name in value for name in names)
    return [] if held else [f"needs one of {', '.join(map(str, names))}"]


def _nowhere(address: str) -> Any:
    raise ValueError(f"a schema of a rule refers to {address}, and nothing is fetched")


def _schema(value: Any, options: dict[str, Any]) -> list[str]:
    if value is ABSENT:
        return []
    validator = jsonschema_rs.validator_for(options.get("schema") or {}, retriever=_nowhere)
    errors = list(validator.iter_errors(value))[: None if options.get("allErrors") else 1]
    return [error.message[:300] for error in errors]


FUNCTIONS: dict[str, Function] = {
    "truthy": _truthy,
    "falsy": _falsy,
    "defined": _defined,
    "undefined": _undefined,
    "pattern": _pattern,
    "casing": _casing,
    "length": _length,
    "enumeration": _enumeration,
    "alphabetical": _alphabetical,
    "xor": _xor,
    "or": _or,
    "schema": _schema,
}
"""By Spectral's names."""
