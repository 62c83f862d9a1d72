"""A client with its secret: at the application itself, and at a real server for the client libraries."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from apim.keymanager.actions.clients import create_client
from apim.keymanager.models import OAuthClient

CALLBACK = "https://client.example/back"
GRANTS = ("client_credentials", "refresh_token", "authorization_code")


@dataclass
class Registered:
    """A client registered at the platform, and requests in its name."""

    client: OAuthClient
    secret: str
    url: str = ""

    def get(self, path: str, **headers: str) -> Any:
        """GET a path."""
        return Client(raise_request_exception=False).get(path, headers=headers)

    def post(self, path: str, *, auth: tuple[str, str] | None | str = "own", **fields: str) -> Any:
        """POST a form with the client's credentials, others, or none."""
        return self.send(path, urlencode(fields), auth=auth)

    def send(
        self, path: str, body: str, *, auth: Any = "own", content_type: str = "application/x-www-form-urlencoded"
    ) -> Any:
        """POST a body as it is."""
        pair = (self.client.client_id, self.secret) if auth == "own" else auth
        headers = {"Authorization": "Basic " + base64.b64encode(":".join(pair).encode()).decode()} if pair else {}
        return Client(raise_request_exception=False).post(path, body, content_type=content_type, headers=headers)

    def token(self, **fields: str) -> dict[str, Any]:
        """A client-credentials token's answer."""
        answer = self.post("/oauth2/token", grant_type="client_credentials", **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def server(db, organisation, developer) -> Registered:
    """A client of `developer` that may use every grant an application can have."""
    client, secret = create_client(
        by=developer, organisation=organisation, name="Shop", grant_types=GRANTS, callback_url=CALLBACK
    )
    return Registered(client, secret)


@pytest.fixture
def live(live_server, server) -> Registered:
    """The same at a server with a real socket."""
    server.url = live_server.url
    return server


@pytest.fixture
def rest_client(organisation, publisher_user) -> tuple[OAuthClient, str]:
    """A client for the management REST APIs, as DCR makes it."""
    grants = ["password", "refresh_token", "client_credentials"]
    return create_client(by=publisher_user, organisation=organisation, name="cli", grant_types=grants, management=True)
