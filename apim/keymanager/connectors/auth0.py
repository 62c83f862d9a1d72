"""Auth0: clients by its Management API, each with a grant for the API's audience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from apim.keymanager.connectors.base import Access, Connector, Field, Found, KeyManagerFails, Wanted, send, texts


class Auth0Clients:
    """`/api/v2/clients` of the tenant."""

    def create(self, access: Access, wanted: Wanted) -> Found:
        """POST, then a client grant, without which no token for the audience is given. A half-made client is removed."""
        headers = _headers(access)
        made = _found(send("POST", _base(access) + "clients", headers, body=_body(wanted)))
        audience = access.settings.get("audience", "")
        if audience and "client_credentials" in wanted.grant_types:
            grant = {"client_id": made.client_id, "audience": audience, "scope": []}
            try:
                send("POST", _base(access) + "client-grants", headers, body=grant)
            except Exception:
                send("DELETE", _place(access, made.client_id), headers, gone_is_fine=True)
                raise
        return made

    def retrieve(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """GET."""
        return _found(send("GET", _place(access, client_id), _headers(access)))

    def update(self, access: Access, client_id: str, handle: Mapping[str, str], wanted: Wanted) -> Found:
        """PATCH."""
        return _found(send("PATCH", _place(access, client_id), _headers(access), body=_body(wanted)))

    def delete(self, access: Access, client_id: str, handle: Mapping[str, str]) -> None:
        """DELETE; its grants go with it."""
        send("DELETE", _place(access, client_id), _headers(access), gone_is_fine=True)

    def renew_secret(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """POST at `rotate-secret`."""
        return _found(send("POST", f"{_place(access, client_id)}/rotate-secret", _headers(access), body={}))


def _base(access: Access) -> str:
    """The Management API of the tenant whose token endpoint it is."""
    parts = urlsplit(access.token_url)
    return f"{parts.scheme}://{parts.netloc}/api/v2/"


def _headers(access: Access) -> dict[str, str]:
    management = access.settings.get("management_audience") or _base(access)
    return {"authorization": f"Bearer {access.client_token(audience=management)}"}


def _place(access: Access, client_id: str) -> str:
    return f"{_base(access)}clients/{quote(client_id, safe='')}"


def _body(wanted: Wanted) -> dict[str, Any]:
    browser = {"authorization_code", "implicit"} & set(wanted.grant_types)
    return {
        "name": wanted.name,
        "app_type": "regular_web" if browser else "non_interactive",
        "grant_types": list(wanted.grant_types),
        "callbacks": list(wanted.callback_urls),
        "token_endpoint_auth_method": "client_secret_post",
        "oidc_conformant": True,
    }


def _found(said: dict[str, Any]) -> Found:
    client_id = said.get("client_id")
    if not isinstance(client_id, str) or not client_id:
        raise KeyManagerFails("Auth0's answer names no client_id.")
    return Found(
        client_id=client_id,
        secret=str(said.get("client_secret") or ""),
        name=str(said.get("name", "")),
        grant_types=texts(said.get("grant_types")),
        callback_urls=texts(said.get("callbacks")),
    )


CONNECTOR = Connector(
    type="Auth0",
    display_name="Auth0",
    well_known="https://TENANT.auth0.com/.well-known/openid-configuration",
    fields=(
        Field("client_id", "Client id", "A machine-to-machine application with the Management API.", required=True),
        Field("client_secret", "Client secret", "Its secret.", required=True, mask=True),
        Field("audience", "Audience", "Identifier of the API that tokens are for.", required=True),
        Field(
            "management_audience", "Management audience", "Only for custom domains: https://TENANT.auth0.com/api/v2/"
        ),
    ),
    clients=Auth0Clients(),
)
