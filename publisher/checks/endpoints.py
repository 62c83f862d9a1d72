"""Checks of backend addresses and CORS answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from publisher.checks.basics import Problems, flag, names, shown, text

DEFAULT_TIMEOUT_MS = 60_000
LONGEST_TIMEOUT_MS = 600_000
CORS_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD")


def endpoints(problems: Problems, value: Any) -> dict[str, Any]:
    """`{"production": {"url", "timeout_ms"}, "sandbox": {…}}`, each part optional."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.add("endpoints", f"{shown(value)} is not an object.")
        return {}
    for name in value.keys() - {"production", "sandbox"}:
        problems.add(f"endpoints.{name}", "The endpoints are production and sandbox.")
    found = {name: _endpoint(problems, f"endpoints.{name}", value.get(name)) for name in ("production", "sandbox")}
    return {name: endpoint for name, endpoint in found.items() if endpoint}


def _endpoint(problems: Problems, field: str, value: Any) -> dict[str, Any]:
    if not value:
        return {}
    if not isinstance(value, dict):
        problems.add(field, f"{shown(value)} is not an object.")
        return {}
    if not value.get("url"):
        return {}
    url = http_url(problems, f"{field}.url", value["url"])
    timeout = value.get("timeout_ms", DEFAULT_TIMEOUT_MS)
    if isinstance(timeout, bool) or not isinstance(timeout, int) or not 1 <= timeout <= LONGEST_TIMEOUT_MS:
        problems.add(f"{field}.timeout_ms", f"{shown(timeout)} is not a number from 1 to {LONGEST_TIMEOUT_MS}.")
    return {"url": url, "timeout_ms": timeout}


def http_url(problems: Problems, field: str, value: Any) -> str:
    """An absolute http or https address without user, query and fragment."""
    address = text(problems, field, value, most=2000, least=1).strip()
    fault = _fault(address) if address else ""
    if fault:
        problems.add(field, f"{shown(address)} {fault}")
    return address


def _fault(address: str) -> str:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        return f"is not an address: {error}."
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "must look like http://host:port/path or https://host/path."
    if any(character.isspace() or not character.isprintable() for character in address):
        return "must not hold spaces or control characters."
    if "@" in parts.netloc:
        return "must not hold a user name or password."
    return "must not have a query or a fragment." if parts.query or parts.fragment else ""


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
