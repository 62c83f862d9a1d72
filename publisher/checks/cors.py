"""Checks of the answers that gateways give to browsers for an API."""

from __future__ import annotations

from typing import Any

from publisher.checks.basics import Problems, flag, names, shown

CORS_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD")


def cors(problems: Problems, value: Any) -> dict[str, Any]:
    """Fields of `gateway.schema.Cors`; empty means the defaults."""
    if not value:
        return {}
    if not isinstance(value, dict):
        problems.add("cors", f"{shown(value)} is not an object.")
        return {}
    found: dict[str, Any] = {}
    for name in ("enabled", "credentials"):
        if name in value:
            found[name] = flag(problems, f"cors.{name}", value[name])
    for name, allowed in (("origins", None), ("headers", None), ("methods", CORS_METHODS)):
        if value.get(name) is not None:
            found[name] = names(problems, f"cors.{name}", value[name], allowed=allowed, most=500)
    if found.get("credentials") and "*" in found.get("origins", ["*"]):
        problems.add("cors.credentials", "Browsers refuse credentials with the origin *; name the origins.")
    return found
