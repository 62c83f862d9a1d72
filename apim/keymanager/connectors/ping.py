"""PingFederate: clients by its dynamic client registration endpoint."""

from __future__ import annotations

from apim.keymanager.connectors.base import Connector
from apim.keymanager.connectors.rfc7591 import CLIENT_ID, CLIENT_SECRET, INITIAL_TOKEN, Registration

CONNECTOR = Connector(
    type="PingFederate",
    display_name="PingFederate",
    client_claim="client_id",
    fields=(INITIAL_TOKEN, CLIENT_ID, CLIENT_SECRET),
    clients=Registration(),
)
