"""Which roles open which part of the product, in one place."""

from __future__ import annotations

from apim.accounts.models import BuiltinRole

PUBLISHER_ROLES: tuple[str, ...] = (BuiltinRole.CREATOR, BuiltinRole.PUBLISHER, BuiltinRole.DEVOPS)
"""Roles that may enter the publisher."""

CATALOG_ROLES: tuple[str, ...] = (
    BuiltinRole.CREATOR,
    BuiltinRole.PUBLISHER,
    BuiltinRole.DEVOPS,
    BuiltinRole.INTEGRATION_DEV,
)
"""Roles that may enter the service catalog."""
