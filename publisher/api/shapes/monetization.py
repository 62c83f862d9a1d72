"""The monetization of an API in the contract."""

from __future__ import annotations

from typing import Any

from publisher.models import Api


def shown(api: Api) -> dict[str, Any]:
    """The contract's APIMonetizationInfo."""
    return {
        "enabled": bool(api.monetization.get("enabled")),
        "properties": dict(api.monetization.get("properties") or {}),
    }
