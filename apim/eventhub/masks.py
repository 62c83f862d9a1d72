"""Records as people may see them: what gateways need to know and nobody else is hidden."""

from __future__ import annotations

import json
from typing import Any

HIDDEN = frozenset(
    {"password", "client_secret", "client_key", "secret", "secret_key", "private_key", "access_token", "accesskey"}
)
"""Names of fields, and of pairs, whose values are secrets."""

MASK = "••••••"


def masked(text: str) -> str:
    """The JSON of a record, indented, with its secrets hidden; empty for none."""
    if not text:
        return ""
    try:
        return json.dumps(_masked(json.loads(text)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "(not readable)"


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        key_of_a_backend = value.get("kind") == "api_key"
        return {
            name: MASK if one and (_secret(name) or (key_of_a_backend and name == "value")) else _masked(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and _secret(value[0]) and isinstance(value[1], str):
            return [value[0], MASK]
        return [_masked(one) for one in value]
    return value


def _secret(name: str) -> bool:
    return name.lower() in HIDDEN or name.lower().endswith(("_secret", "password"))
