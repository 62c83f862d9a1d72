"""ForgeRock Access Management (Ping AIC): clients by its dynamic client registration endpoint."""

from __future__ import annotations

from apim.keymanager.connectors.base import Connector
from apim.keymanager.connectors.rfc7591 import CLIENT_ID, CLIENT_SECRET, INITIAL_TOKEN, Registration

CONNECTOR = Connector(
    type="Forgerock",
    display_name="ForgeRock",
    well_known="https://host/am/oauth2/realms/root/realms/REALM/.well-known/openid-configuration",
    client_claim="aud",
    fields=(INITIAL_TOKEN, CLIENT_ID, CLIENT_SECRET),
    clients=Registration(),
)
