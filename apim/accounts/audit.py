"""Writes the audit trail: called by every action inside its transaction."""

from __future__ import annotations

from typing import Any

import structlog

from apim.accounts.models import AuditRow, Organisation, User


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
        before=before,
        after=after,
        correlation_id=structlog.contextvars.get_contextvars().get("correlation_id", ""),
    )
