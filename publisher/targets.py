"""Answers whether an API exists that a deny policy names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.checks.identity import full_path
from publisher.models import Api

if TYPE_CHECKING:
    from apim.accounts.models import Organisation


def has_context(organisation: Organisation, value: str) -> bool:
    """Whether `value` is the full context of one of the organisation's APIs, with tenant prefix and version."""
    rows = Api.objects.filter(organisation=organisation).values_list("context", "version")
    return any(organisation.prefix + full_path(context, version) == value for context, version in rows.iterator())
