"""WSO2 Identity Server: clients by its registration API in the name of one of its users."""

from __future__ import annotations

from apim.keymanager.connectors.base import Connector, Field
from apim.keymanager.connectors.rfc7591 import Registration

CONNECTOR = Connector(
    type="WSO2-IS",
    display_name="WSO2 Identity Server",
    well_known="https://host:9443/oauth2/token/.well-known/openid-configuration",
    fields=(
        Field("Username", "User name", "Somebody there who may register clients and ask about tokens.", required=True),
        Field("Password", "Password", "That user's password.", required=True, mask=True),
    ),
    clients=Registration(user_settings=("Username", "Password")),
)
