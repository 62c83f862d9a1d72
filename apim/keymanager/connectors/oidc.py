"""Any OpenID Connect provider: addresses by discovery, clients by RFC 7591 where it has an endpoint for that."""

from __future__ import annotations

from apim.keymanager.connectors.base import Connector
from apim.keymanager.connectors.rfc7591 import CLIENT_ID, CLIENT_SECRET, INITIAL_TOKEN, Registration

CONNECTOR = Connector(
    type="OIDC",
    display_name="OpenID Connect provider",
    fields=(INITIAL_TOKEN, CLIENT_ID, CLIENT_SECRET),
    clients=Registration(),
)
