"""Writes the audit trail: called by every action inside its transaction. Secrets are masked, whoever forgets to."""

from __future__ import annotations

import re
from typing import Any

import structlog

from apim.accounts.models import AuditRow, Organisation, User

MASKED = "***"
_SECRET = re.compile(
    r"password|passphrase|secret|credential|private.?key|(access|refresh|id|bearer|callback).?token$|^token$|^pem$|^private",
    re.IGNORECASE,
)
_SEALED = "sealed:"
DEEPEST = 20
LONGEST = 20_000
"""Characters of one text that are kept; a definition says more elsewhere."""


def record(
    by: User | None,
    action: str,
    target: Any,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    organisation: Organisation | None = None,
) -> AuditRow:
    """Note that `by` (None: the platform itself) did `action` (`api.publish`) to the model instance `target`."""
    owner = organisation or getattr(target, "organisation", None) or (by.organisation if by else None)
    if owner is None:
        raise ValueError(f"{action}: no organisation to file the audit row under")
    return AuditRow.objects.create(
        organisation=owner,
        actor=by.get_username() if by else "system",
        action=action,
        target_kind=type(target).__name__.lower(),
        target_id=str(target.pk),
        target_name=str(target)[:250],
        before=clean(before),
        after=clean(after),
        correlation_id=structlog.contextvars.get_contextvars().get("correlation_id", ""),
    )


def clean(value: Any, name: str = "", depth: int = 0) -> Any:
    """`value` as the trail may keep it: what is called like a secret or is sealed is masked, long texts are cut."""
    if depth > DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {key: clean(one, str(key), depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean(one, name, depth + 1) for one in value]
    if isinstance(value, str):
        if value and (_SECRET.search(name) or value.startswith(_SEALED)):
            return MASKED
        return value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value)} characters)"
    return value
