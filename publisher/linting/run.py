"""Goes over a definition with an organisation's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonpath import JSONPathError

from apim.accounts.models import Organisation
from apim.configuration.scopes import stored
from publisher.linting.functions import ABSENT, FUNCTIONS
from publisher.linting.rulesets import Given, Rule, Then, read
from publisher.openapi.reading import Source, Unreadable

SETTING = "LinterCustomRules"
"""Where the tenant configuration has the ruleset."""
MOST_FINDINGS = 500
Parts = tuple[str | int, ...]
_PLACEHOLDER = re.compile(r"\{\{\s*(error|description|path|property|value)\s*\}\}")


@dataclass(frozen=True)
class Finding:
    """What a rule says about a place. `path` is written with dots, `line` counts from 1 (0: unknown); `severity` is error,
    warning, info or hint."""

    rule: str
    severity: str
    path: str
    message: str
    line: int = 0


def lint(organisation: Organisation, text: str) -> list[Finding]:
    """What the organisation's own rules say of the definition `text`; nothing where it cannot be read, which others tell."""
    ruleset = stored(organisation).get(SETTING)
    if not ruleset:
        return []
    try:
        return lint_with(ruleset, Source(text))
    except Unreadable:
        return []


def lint_with(ruleset: Any, source: Source) -> list[Finding]:
    """What `ruleset` says of the definition in `source`; rules that cannot be run come first."""
    known = read(ruleset)
    found = [
        Finding(name or "ruleset", "warning", "", f"This rule cannot be run: {text}")
        for name, text in known.mistakes.items()
    ]
    for rule in known.rules:
        if not _applies(rule, source.document):
            continue
        try:
            found += _findings(rule, source, MOST_FINDINGS - len(found))
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError, JSONPathError) as error:
            # Options make sense or not only beside a value.
            found.append(Finding(rule.name, "warning", "", f"This rule cannot be run: {str(error)[:300]}"))
    return found[:MOST_FINDINGS]


def _applies(rule: Rule, document: Any) -> bool:
    if not rule.formats or not isinstance(document, dict):
        return True
    version = str(document.get("openapi") or document.get("swagger") or document.get("asyncapi") or "")
    kind = "asyncapi" if "asyncapi" in document else "oas"
    ours = {
        f"{kind}{version[:1]}",
        f"{kind}{'_'.join(version.split('.')[:2])}",
        f"{kind}{'.'.join(version.split('.')[:2])}",
    }
    return not ours.isdisjoint(rule.formats)


def _findings(rule: Rule, source: Source, most: int) -> list[Finding]:
    found: list[Finding] = []
    for given in rule.given:
        for path, value in _values(given, source.document):
            found += _of_value(rule, source, path, value)
            if len(found) >= most:
                return found
    return found


def _of_value(rule: Rule, source: Source, path: Parts, value: Any) -> Iterator[Finding]:
    """What a rule finds at one place that it looks at."""
    for then in rule.then:
        for place, asked in _fields(then, path, value):
            for error in FUNCTIONS[then.function](asked, then.options):
                text = _worded(rule, error, place, asked)
                yield Finding(rule.name, rule.severity, _shown(place), text, source.line(place))


def _values(given: Given, document: Any) -> Iterator[tuple[Parts, Any]]:
    for match in given.path.finditer(document):
        yield match.parts, (str(match.parts[-1]) if given.names and match.parts else match.obj)


def _fields(then: Then, path: Parts, value: Any) -> Iterator[tuple[Parts, Any]]:
    if not then.field:
        yield path, value
    elif then.field == "@key":
        names = value if isinstance(value, dict) else ()
        yield from (((*path, name), str(name)) for name in names)
    else:
        for name in then.field.split("."):
            value = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
            path = (*path, name)
        yield path, value


def _worded(rule: Rule, error: str, path: Parts, value: Any) -> str:
    shown = "" if value is ABSENT else str(value)[:60]
    last = str(path[-1]) if path else ""
    known = {"error": error, "description": rule.description, "path": _shown(path), "property": last, "value": shown}
    text = rule.message or rule.description or "{{property}} {{error}}"
    return _PLACEHOLDER.sub(lambda found: known[found[1]], text)[:500]


def _shown(path: Parts) -> str:
    return ".".join(map(str, path))
