"""The most a backend is given, in the contract: `maxTps`, calls a second for production and sandbox."""

from __future__ import annotations

from typing import Any

from apim.errors import FieldError, Invalid
from publisher.models import Api

SIDES = ("production", "sandbox")
MOST = 10**9


def shown(api: Api) -> dict[str, Any]:
    """`maxTps` with the sides that have a limit; null when none has. Limits of other windows are told as calls a second."""
    found = {}
    for side in SIDES:
        limit = api.throughput.get(side)
        if limit:
            found[side] = max(1, limit["amount"] // limit["seconds"])
    return {"maxTps": found or None}


def given(body: dict[str, Any]) -> dict[str, Any]:
    """The keyword of the actions; nothing when `maxTps` is absent or null. Raises Invalid naming the side."""
    asked = body.get("maxTps")
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise _wrong("maxTps", "must be an object")
    return {"throughput": limits({side: asked.get(side) for side in SIDES})}


def limits(amounts: dict[str, Any]) -> dict[str, Any]:
    """Side → limit a second, in the form of the column, of those that have one. Raises Invalid naming the side."""
    found = {}
    for side, amount in amounts.items():
        if amount is None:
            continue
        if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= MOST:
            raise _wrong(f"maxTps.{side}", f"must be a whole number from 1 to {MOST}")
        found[side] = {"amount": amount, "seconds": 1}
    return found


def _wrong(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}.", [FieldError(field, reason)])
