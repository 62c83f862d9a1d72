"""A client, its secret, and a session that speaks to a real server."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import requests

from apim.keymanager.actions.clients import create_client
from apim.keymanager.models import OAuthClient

CALLBACK = "https://client.example/back"


@dataclass
class Server:
    """The live server and a client registered there."""

    url: str
    client: OAuthClient
    secret: str

    def post(self, path: str, *, auth: tuple[str, str] | None | str = "own", **fields: str) -> requests.Response:
        """POST a form with the client's credentials, others, or none."""
        credentials = (self.client.client_id, self.secret) if auth == "own" else auth
        return requests.post(f"{self.url}{path}", data=fields, auth=credentials, timeout=10, allow_redirects=False)

    def token(self, **fields: str) -> dict:
        """A client-credentials token's answer."""
        answer = self.post("/oauth2/token", grant_type="client_credentials", **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def server(live_server, organisation, developer) -> Server:
    """A server with a client of `developer` that may use every grant an application can have."""
    grants = ["client_credentials", "refresh_token", "authorization_code"]
    client, secret = create_client(
        by=developer, organisation=organisation, name="Shop", grant_types=grants, callback_url=CALLBACK
    )
    return Server(live_server.url, client, secret)


@pytest.fixture
def rest_client(organisation, publisher_user) -> tuple[OAuthClient, str]:
    """A client for the management REST APIs, as DCR makes it."""
    grants = ["password", "refresh_token", "client_credentials"]
    return create_client(by=publisher_user, organisation=organisation, name="cli", grant_types=grants, management=True)
