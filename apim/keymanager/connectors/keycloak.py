"""Keycloak: clients by its OpenID Connect registration service, with an initial access token or a service account's token."""

from __future__ import annotations

from apim.keymanager.connectors.base import Connector
from apim.keymanager.connectors.rfc7591 import CLIENT_ID, CLIENT_SECRET, INITIAL_TOKEN, Registration

CONNECTOR = Connector(
    type="KeyCloak",
    display_name="Keycloak",
    well_known="https://host/realms/REALM/.well-known/openid-configuration",
    fields=(INITIAL_TOKEN, CLIENT_ID, CLIENT_SECRET),
    clients=Registration(),
    # Its ID tokens have the same issuer, key and `azp` as access tokens; this member tells them apart.
    validation=({"id": 1, "enable": True, "type": "JWT", "value": {"body": {"typ": "Bearer"}}},),
)
