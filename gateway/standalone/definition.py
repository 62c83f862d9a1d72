"""The operations of an OpenAPI definition: paths, verbs, and what the extensions of API projects say about rights and limits."""

from __future__ import annotations

from typing import Any, cast

from gateway import schema
from gateway.standalone.source import Source

VERBS = ("get", "post", "put", "delete", "patch", "head", "options")
AUTH = {
    "any": "any",
    "none": "none",
    "application": "application",
    "application user": "user",
    "application_user": "user",
    "application & application user": "any",
    "application_level_token": "application",
    "user_level_token": "user",
}
"""`authType` and `x-auth-type` in lower case → who may call."""


def operations(source: Source) -> tuple[schema.Operation, ...]:
    """Every operation of the definition; notes a mistake when there are no paths."""
    paths = source.data.get("paths") if isinstance(source.data, dict) else None
    if not isinstance(paths, dict) or not paths:
        source.wrong(("paths",), "the definition has no paths")
        return ()
    found = []
    for target, item in paths.items():
        for verb, operation in item.items() if isinstance(item, dict) else ():
            if verb.lower() in VERBS and isinstance(operation, dict):
                found.append(_operation(source, verb, target, operation))
    return tuple(found)


def _operation(source: Source, verb: str, target: str, given: dict[str, Any]) -> schema.Operation:
    said = str(given.get("x-auth-type") or "any").lower()
    if said not in AUTH:
        source.wrong(("paths", target, verb, "x-auth-type"), f"{said!r} is not allowed; allowed: {', '.join(AUTH)}")
    security = given.get("security")
    scopes = [
        str(scope)
        for entry in (security if isinstance(security, list) else ())
        if isinstance(entry, dict)
        for names in entry.values()
        if isinstance(names, list)
        for scope in names
    ]
    return schema.Operation(
        verb=verb.upper(),
        target=target,
        auth=cast(Any, AUTH.get(said, "any")),
        scopes=tuple(dict.fromkeys(scopes)),
        policy=str(given.get("x-throttling-tier") or "Unlimited"),
    )
