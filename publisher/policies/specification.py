"""Specifications of policies: what they are called, where they may stand, which attributes they take."""

from __future__ import annotations

import re
from typing import Any

from gateway.schema.patterns import pattern
from publisher.checks import Problems
from publisher.checks.basics import choice, flag, items, matching, names, refuse_unstorable, shown, text
from publisher.openapi.reading import Source, Unreadable

FLOWS = ("request", "response", "fault")
GATEWAYS = ("Synapse", "ChoreoConnect", "APK")
TYPES = ("String", "Integer", "Boolean", "Enum", "Secret")
API_TYPES = ("HTTP", "SOAP", "SOAPTOREST", "GRAPHQL", "WS", "SSE", "WEBSUB", "ASYNC", "WEBHOOK")
LONGEST = 200_000
"""Characters of a specification, and of a definition."""

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_\-]{0,99}$")
_VERSION = re.compile(r"^[A-Za-z0-9._\-]{1,20}$")
_ATTRIBUTE = re.compile(r"^[A-Za-z_][A-Za-z0-9_.\-]{0,99}$")
_SCRIPT_FORM = re.compile(r"^/(.*)/([a-z]*)$", re.DOTALL)


def parse(problems: Problems, source: str) -> dict[str, Any]:
    """The specification in a JSON or YAML text, checked and with nothing in it that is not known."""
    if len(source) > LONGEST:
        problems.add("policySpecFile", f"Is {len(source)} characters long; {LONGEST} at most.")
        return {}
    try:
        given = Source(source).document
    except Unreadable as error:
        problems.add("policySpecFile", f"Is neither JSON nor YAML that is taken: line {error.line}: {error.message}")
        return {}
    if isinstance(given, dict) and isinstance(given.get("data"), dict):
        given = given["data"]
    if not isinstance(given, dict):
        problems.add("policySpecFile", "Is not an object.")
        return {}
    refuse_unstorable(given, "policySpecFile")
    return check(problems, given)


def check(problems: Problems, given: dict[str, Any]) -> dict[str, Any]:
    """The checked specification."""
    name = matching(
        problems, "name", given.get("name"), _NAME, "Letters, digits, - and _; begin with a letter.", most=100
    )
    version = given.get("version") or "v1"
    flows = names(problems, "applicableFlows", _lower(given.get("applicableFlows")), allowed=FLOWS)
    if not flows:
        problems.add("applicableFlows", f"Name at least one of {', '.join(FLOWS)}.")
    return {
        "name": name,
        "version": matching(problems, "version", str(version), _VERSION, "For example v1.", most=20),
        "displayName": text(problems, "displayName", given.get("displayName") or name, most=150),
        "description": text(problems, "description", given.get("description"), most=2000),
        "category": text(problems, "category", given.get("category") or "Mediation", most=60),
        "applicableFlows": flows,
        "supportedGateways": names(
            problems, "supportedGateways", given.get("supportedGateways") or ["Synapse"], allowed=GATEWAYS
        ),
        "supportedApiTypes": _api_types(problems, given.get("supportedApiTypes")),
        "policyAttributes": _attributes(problems, given.get("policyAttributes")),
    }


def _lower(value: Any) -> Any:
    return [one.lower() if isinstance(one, str) else one for one in value] if isinstance(value, list) else value


def _api_types(problems: Problems, value: Any) -> list[str]:
    flat = [
        one.get("apiType") if isinstance(one, dict) else one for one in items(problems, "supportedApiTypes", value, 50)
    ]
    return names(problems, "supportedApiTypes", flat or ["HTTP"], allowed=API_TYPES)


def _attributes(problems: Problems, value: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for position, one in enumerate(items(problems, "policyAttributes", value, 100)):
        place = f"policyAttributes[{position}]"
        if not isinstance(one, dict):
            problems.add(place, f"{shown(one)} is not an object.")
            continue
        attribute = _attribute(problems, place, one)
        if attribute["name"] in [known["name"] for known in found]:
            problems.add(f"{place}.name", f"{attribute['name']} is there twice.")
        found.append(attribute)
    return found


def _attribute(problems: Problems, place: str, one: dict[str, Any]) -> dict[str, Any]:
    kind = str(one.get("type") or "String").capitalize()
    name = matching(problems, f"{place}.name", one.get("name"), _ATTRIBUTE, "Letters, digits, - _ and .", most=100)
    made: dict[str, Any] = {
        "name": name,
        "displayName": text(problems, f"{place}.displayName", one.get("displayName") or name, most=150),
        "description": text(problems, f"{place}.description", one.get("description"), most=1000),
        "type": choice(problems, f"{place}.type", kind, TYPES),
        "required": flag(problems, f"{place}.required", one.get("required", False)),
    }
    if one.get("validationRegex"):
        made["validationRegex"] = expression(problems, f"{place}.validationRegex", one["validationRegex"])
    if kind == "Enum":
        made["allowedValues"] = names(problems, f"{place}.allowedValues", one.get("allowedValues"))
        if not made["allowedValues"]:
            problems.add(f"{place}.allowedValues", "An Enum names its values.")
    if one.get("defaultValue") is not None:
        made["defaultValue"] = one["defaultValue"]
        for wrong in wrong_value(made, one["defaultValue"]):
            problems.add(f"{place}.defaultValue", wrong)
    return made


def expression(problems: Problems, place: str, value: Any) -> str:
    """A regular expression; the form of scripts (`/…/i`) is taken apart."""
    given = text(problems, place, value, most=1000)
    found = _SCRIPT_FORM.match(given)
    if found:
        given = f"(?i){found.group(1)}" if "i" in found.group(2) else found.group(1)
    try:
        pattern(given)
    except ValueError as error:
        problems.add(place, f"{error}.")
    return given


def wrong_value(attribute: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with an attribute's value, in words; empty when it is right."""
    kind = attribute["type"]
    written = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str | int | bool):
        return [f"{shown(value)} is not text, a number, true or false."]
    if len(written) > 20_000:
        return [f"Is {len(written)} characters long; 20000 at most."]
    if "${" in written and kind == "String":
        return []
    if kind == "Integer" and not re.fullmatch(r"-?\d{1,18}", written):
        return [f"{shown(value)} is not a whole number."]
    if kind == "Boolean" and written.lower() not in ("true", "false"):
        return [f"{shown(value)} is neither true nor false."]
    if kind == "Enum" and written not in attribute.get("allowedValues", ()):
        return [f"{shown(value)} is not one of {', '.join(attribute.get('allowedValues', ()))}."]
    regex = attribute.get("validationRegex")
    if regex and kind != "Secret" and not pattern(regex).search(written):
        return [f"{shown(value)} does not match {regex}"]
    return []
