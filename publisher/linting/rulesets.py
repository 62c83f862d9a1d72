"""Reads a Spectral ruleset: names, severities, places, functions. What cannot be run here is named, not passed over."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jsonpath
import re2
from jsonpath.function_extensions import ExpressionType, FilterFunction

from publisher.linting.functions import CASES, FUNCTIONS, compiled
from publisher.openapi.reading import Source, Unreadable

MOST_RULES, MOST_PATHS, LONGEST_PATH = 200, 20, 500
SEVERITIES = {"error": "error", "warn": "warning", "info": "info", "hint": "hint"}
_NAMES = re.compile(r"\[\s*([A-Za-z_$][\w$-]*(?:\s*,\s*[A-Za-z_$][\w$-]*)*)\s*\]")
"""Names in brackets without quotes, which Spectral takes and the standard does not."""
_NUMBERS = ("error", "warn", "info", "hint")


class _Paths(jsonpath.JSONPathEnvironment):
    """JSONPath whose patterns are matched by an engine without catastrophic cases."""

    def setup_function_extensions(self) -> None:
        """`match` and `search` of the standard, by RE2."""
        super().setup_function_extensions()
        self.function_extensions["match"] = _Pattern(whole=True)
        self.function_extensions["search"] = _Pattern(whole=False)


class _Pattern(FilterFunction):
    arg_types = (ExpressionType.VALUE, ExpressionType.VALUE)
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, pattern: object) -> bool:
        """Whether `value` is a text that fits; no pattern fits nothing, as the standard has it."""
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        try:
            known = _compiled(pattern)
        except re2.error:
            return False
        return bool(known.fullmatch(value) if self._whole else known.search(value))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern)


_PATHS = _Paths()


@dataclass(frozen=True)
class Given:
    """A place: a JSONPath, and whether the names of what it finds are meant rather than their values (`~`)."""

    path: Any
    names: bool = False


@dataclass(frozen=True)
class Then:
    """One question about what stands at a place, or in its `field` (`@key`: in each of its names)."""

    function: str
    options: dict[str, Any]
    field: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule of the organisation's."""

    name: str
    given: tuple[Given, ...]
    then: tuple[Then, ...]
    severity: str = "warning"
    message: str = ""
    description: str = ""
    formats: tuple[str, ...] = ()


@dataclass
class Ruleset:
    """The rules that can be run, and what is wrong with the others, by rule."""

    rules: list[Rule] = field(default_factory=list)
    mistakes: dict[str, str] = field(default_factory=dict)


def read(text: Any) -> Ruleset:
    """The ruleset in `text`: JSON, YAML, or an object already. Never raises; what is wrong is in `mistakes`."""
    return _read(text if isinstance(text, str) else json.dumps(text, sort_keys=True))


@lru_cache(maxsize=64)
def _read(text: str) -> Ruleset:
    found = Ruleset()
    try:
        content = Source(text).document if len(text) <= 1_000_000 else "too long"
    except Unreadable as error:
        found.mistakes[""] = f"No JSON and no YAML: {error.message}"
        return found
    if content is None:
        return found
    if not isinstance(content, dict) or not isinstance(content.get("rules") or {}, dict):
        found.mistakes[""] = "A ruleset is an object with the object `rules`."
        return found
    aliases = content.get("aliases") if isinstance(content.get("aliases"), dict) else {}
    for name, given in list((content.get("rules") or {}).items())[:MOST_RULES]:
        # A word or a switch turns a rule of an extended ruleset on or off; those are not here.
        if not isinstance(given, dict) or given.get("severity") == "off" or given.get("recommended") is False:
            continue
        try:
            found.rules.append(_rule(str(name), given, aliases))
        except (ValueError, TypeError, KeyError) as error:
            found.mistakes[str(name)] = str(error)
    return found


def _rule(name: str, given: dict[str, Any], aliases: dict[str, Any]) -> Rule:
    places = given.get("given", "$")
    then = given.get("then")
    asked = then if isinstance(then, list) else [then]
    formats = given.get("formats") or ()
    return Rule(
        name=name,
        given=tuple(_places(places if isinstance(places, list) else [places], aliases)),
        then=tuple(_then(one) for one in asked),
        severity=_severity(given.get("severity", "warn")),
        message=str(given.get("message") or "")[:500],
        description=str(given.get("description") or "")[:500],
        formats=tuple(str(one) for one in formats),
    )


def _places(listed: list[Any], aliases: dict[str, Any], depth: int = 0) -> list[Given]:
    found: list[Given] = []
    for one in listed[:MOST_PATHS]:
        text = str(one).strip()
        head, _, rest = text[1:].partition(".") if text.startswith("#") else ("", "", "")
        if head and depth < 5:
            targets = aliases.get(head)
            if targets is None:
                raise ValueError(f"There is no alias {head!r}.")
            targets = targets if isinstance(targets, list) else [targets]
            found += _places([f"{target}.{rest}" if rest else target for target in targets], aliases, depth + 1)
            continue
        found.append(_place(text))
    return found


def _place(text: str) -> Given:
    names = text.endswith("~")
    path = _NAMES.sub(_quoted, text.rstrip("~").rstrip("."))
    for theirs, standard in (("@property", "#"), ("!==", "!="), ("===", "==")):
        path = path.replace(theirs, standard)
    if len(path) > LONGEST_PATH:
        raise ValueError(f"given: longer than {LONGEST_PATH} characters")
    if "=~" in path:
        raise ValueError("given: =~ is no standard; use match() or search()")
    try:
        return Given(_PATHS.compile(path), names)
    except (jsonpath.JSONPathError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"given: {text!r} is no JSONPath that can be followed here: {reason}") from error


def _quoted(found: re.Match[str]) -> str:
    return "[" + ", ".join(f"'{name.strip()}'" for name in found[1].split(",")) + "]"


def _then(given: Any) -> Then:
    if not isinstance(given, dict) or given.get("function") not in FUNCTIONS:
        named = given.get("function") if isinstance(given, dict) else given
        raise ValueError(f"then: {named!r} is not one of {', '.join(FUNCTIONS)}")
    options = given.get("functionOptions") or {}
    if not isinstance(options, dict):
        raise ValueError("functionOptions: must be an object")
    if given["function"] == "casing" and options.get("type") not in CASES:
        raise ValueError(f"functionOptions.type: must be one of {', '.join(CASES)}")
    for name in ("match", "notMatch"):
        if given["function"] == "pattern" and options.get(name):
            compiled(str(options[name]))
    return Then(given["function"], options, str(given.get("field") or ""))


def _severity(given: Any) -> str:
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < len(_NUMBERS):
        given = _NUMBERS[given]
    if given not in SEVERITIES:
        raise ValueError(f"severity: {given!r} is not one of off, {', '.join(SEVERITIES)}")
    return SEVERITIES[given]
