"""Checks of an API's operations: verb, URI template, who may call, limit, scopes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from apim.traffic.models import UNLIMITED
from gateway import schema
from publisher.checks.basics import Problems, choice, items, matching, names, shown, structure, text
from publisher.kinds import HTTP, HTTP_VERBS, PRODUCT, Kind

VERBS = HTTP_VERBS
AUTH = ("any", "application", "user", "none")
UNREACHABLE = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|;|$)|%(?![0-9a-f]{2})|%00", re.IGNORECASE)
"""Dot segments, broken escapes and NUL: gateways refuse calls of such paths, and therefore such resources."""

MAX_OPERATIONS = 2000
MOST_TEXT = 32_766


def operations(problems: Problems, value: Any, policies: Collection[str], kind: Kind = HTTP) -> list[dict[str, Any]]:
    """Dicts of verb, target, auth, scopes, policy. `policies` are the names of API-level limits."""
    found: list[dict[str, Any]] = []
    seen: set[tuple[str, str]] = set()
    for position, item in enumerate(items(problems, "operations", value, MAX_OPERATIONS)):
        place = f"operations[{position}]"
        if not isinstance(item, dict):
            problems.add(place, f"{shown(item)} is not an object.")
            continue
        operation = _operation(problems, place, item, policies, kind)
        key = (operation["verb"], operation["target"])
        if key in seen:
            problems.add(place, f"{key[0]} {key[1]} is there twice.")
        seen.add(key)
        found.append(operation)
    return found


def _operation(
    problems: Problems, place: str, item: dict[str, Any], policies: Collection[str], kind: Kind
) -> dict[str, Any]:
    verb, target = item.get("verb"), item.get("target")
    if isinstance(target, str) and UNREACHABLE.search(target):
        problems.add(f"{place}.target", f"{shown(target)} has a dot segment, a NUL or a broken percent escape.")
    checked: dict[str, Any] = {
        "verb": choice(problems, f"{place}.verb", verb.upper() if isinstance(verb, str) else verb, kind.verbs),
        "target": matching(problems, f"{place}.target", target, kind.target, kind.hint, most=500),
        "auth": choice(problems, f"{place}.auth", item.get("auth") or "any", AUTH),
        "scopes": names(problems, f"{place}.scopes", item.get("scopes")),
        "policy": policy(problems, f"{place}.policy", item.get("policy") or UNLIMITED, policies),
    }
    if kind is PRODUCT:
        checked["source_id"] = item.get("source_id")
    if item.get("contract_fields") is not None:
        checked["contract_fields"] = _carried(problems, place, item["contract_fields"])
    if item.get("flows") is not None:
        checked["flows"] = structure(problems, f"{place}.flows", item["flows"], schema.Flows) if item["flows"] else {}
    return checked


def _carried(problems: Problems, place: str, given: dict[str, Any]) -> dict[str, str]:
    """Texts that are kept for clients of the REST contract."""
    return {name: text(problems, f"{place}.{name}", value, most=MOST_TEXT) for name, value in given.items()}


def policy(problems: Problems, field: str, value: Any, policies: Collection[str]) -> str:
    """The name of an API-level limit; Unlimited always exists."""
    return choice(problems, field, value, [UNLIMITED, *sorted(set(policies) - {UNLIMITED})])
