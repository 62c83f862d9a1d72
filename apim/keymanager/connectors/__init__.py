"""The kinds of key managers that the platform knows how to set up and register clients at; one small file for each."""

from __future__ import annotations

from typing import Any

from apim.keymanager.connectors import auth0, entra, forgerock, keycloak, oidc, okta, ping, wso2is
from apim.keymanager.connectors.base import Access, Connector, Field, Found, KeyManagerFails, Wanted

__all__ = ["ALL", "Access", "Connector", "Field", "Found", "KeyManagerFails", "Wanted", "configurations", "of"]

ALL: tuple[Connector, ...] = tuple(
    one.CONNECTOR for one in (oidc, keycloak, okta, auth0, ping, forgerock, entra, wso2is)
)
GENERIC = oidc.CONNECTOR
_by_type = {one.type.lower(): one for one in ALL} | {"default": GENERIC, "custom": GENERIC}


def of(kind: str) -> Connector | None:
    """The connector of a type, capitals or not; None for a type nobody knows."""
    return _by_type.get(kind.lower())


def configurations() -> list[dict[str, Any]]:
    """`keyManagerConfiguration` of the admin contract's settings."""
    return [one.shown() for one in ALL]
