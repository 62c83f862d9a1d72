"""Dynamic client registration (RFC 7591) and its management (RFC 7592): what most key managers speak."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from apim.errors import FieldError, Invalid
from apim.keymanager.connectors.base import Access, Field, Found, KeyManagerFails, Wanted, send, texts

TOKEN, ADDRESS = "registration_access_token", "registration_client_uri"  # noqa: S105 - names of members

INITIAL_TOKEN = Field(
    "initial_access_token",
    "Initial access token",
    "Shown when clients are registered; leave it and the client below empty where registration is open.",
    mask=True,
)
CLIENT_ID = Field("client_id", "Client id", "A client of our own there: it registers clients and asks about tokens.")
CLIENT_SECRET = Field("client_secret", "Client secret", "The secret of that client.", mask=True)


@dataclass(frozen=True)
class Registration:
    """RFC 7591. `user_settings`: names of the user name and password to show instead of a token (WSO2 Identity Server)."""

    user_settings: tuple[str, str] | None = None

    def create(self, access: Access, wanted: Wanted) -> Found:
        """POST at the registration endpoint."""
        if not access.registration_url:
            wrong = FieldError("clientRegistrationEndpoint", "is not set: clients can be mapped, not made")
            raise Invalid("The key manager has no registration endpoint.", [wrong])
        said = send("POST", access.registration_url, self._ours(access), body=metadata(wanted))
        return found(said)

    def retrieve(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """GET at the client's own address."""
        return found(send("GET", place(access, client_id, handle), self._its(access, handle)), handle)

    def update(self, access: Access, client_id: str, handle: Mapping[str, str], wanted: Wanted) -> Found:
        """PUT of all members at the client's own address."""
        body = {"client_id": client_id, **metadata(wanted)}
        return found(send("PUT", place(access, client_id, handle), self._its(access, handle), body=body), handle)

    def delete(self, access: Access, client_id: str, handle: Mapping[str, str]) -> None:
        """DELETE at the client's own address."""
        send("DELETE", place(access, client_id, handle), self._its(access, handle), gone_is_fine=True)

    def renew_secret(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """The standard has no such operation."""
        wrong = FieldError("keyManager", "makes no new secrets by its API: make one there")
        raise Invalid("The secret cannot be renewed from here.", [wrong])

    def _ours(self, access: Access) -> dict[str, str]:
        """How we prove that we may register clients."""
        if self.user_settings is not None:
            user, password = (access.required(name) for name in self.user_settings)
            # A person's log-in (RFC 7617), which is not encoded as a client's is.
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            return {"authorization": f"Basic {pair}"}
        initial = access.settings.get(INITIAL_TOKEN.name, "")
        if initial:
            return {"authorization": f"Bearer {initial}"}
        if access.settings.get(CLIENT_ID.name):
            return {"authorization": f"Bearer {access.client_token()}"}
        return {}

    def _its(self, access: Access, handle: Mapping[str, str]) -> dict[str, str]:
        """How we prove that we may manage this client: by its own token, else as for registering."""
        return {"authorization": f"Bearer {handle[TOKEN]}"} if handle.get(TOKEN) else self._ours(access)


def metadata(wanted: Wanted) -> dict[str, Any]:
    """Client metadata of RFC 7591."""
    browser = {"authorization_code", "implicit"} & set(wanted.grant_types)
    return {
        "client_name": wanted.name,
        "grant_types": list(wanted.grant_types),
        "redirect_uris": list(wanted.callback_urls),
        "response_types": ["code"] if browser else [],
        "token_endpoint_auth_method": "client_secret_basic",
    }


def found(said: dict[str, Any], before: Mapping[str, str] = {}) -> Found:
    """The client in an answer; what is needed to manage it may have been replaced. Raises KeyManagerFails."""
    client_id = said.get("client_id")
    if not isinstance(client_id, str) or not client_id:
        raise KeyManagerFails("The key manager's answer names no client_id.")
    handle = {name: value for name in (TOKEN, ADDRESS) if isinstance(value := said.get(name), str)}
    secret = said.get("client_secret")
    return Found(
        client_id=client_id,
        secret=secret if isinstance(secret, str) else "",
        name=str(said.get("client_name", "")),
        grant_types=texts(said.get("grant_types")),
        callback_urls=texts(said.get("redirect_uris")),
        handle={**before, **handle},
    )


def place(access: Access, client_id: str, handle: Mapping[str, str]) -> str:
    """The client's own address: the one it was given, when that is at the same server, else below the registration endpoint."""
    given = handle.get(ADDRESS, "")
    if given and urlsplit(given)[:2] == urlsplit(access.registration_url)[:2]:
        return given
    return f"{access.registration_url.rstrip('/')}/{quote(client_id, safe='')}"
