"""Checks of APIs that are served elsewhere and only shown here."""

from __future__ import annotations

from typing import Any

from publisher.checks.basics import Problems, choice, flag, shown, text
from publisher.checks.endpoints import http_url

ADDRESSES = ("apiExternalProductionEndpoint", "apiExternalSandboxEndpoint", "originalDevPortalUrl")
VENDORS = ("WSO2", "AWS")


def advertise(problems: Problems, field: str, value: Any) -> dict[str, Any]:
    """The contract's `advertiseInfo`; empty when it says nothing of an API of elsewhere."""
    if not isinstance(value, dict):
        problems.add(field, f"{shown(value)} is not an object.")
        return {}
    found: dict[str, Any] = {}
    if value.get("advertised") is not None:
        found["advertised"] = flag(problems, f"{field}.advertised", value["advertised"])
    for name in ADDRESSES:
        if value.get(name):
            found[name] = http_url(problems, f"{field}.{name}", value[name])
    if value.get("apiOwner"):
        found["apiOwner"] = text(problems, f"{field}.apiOwner", value["apiOwner"], most=254)
    if value.get("vendor"):
        found["vendor"] = choice(problems, f"{field}.vendor", value["vendor"], VENDORS)
    return found
