"""Okta: clients by its Dynamic Client Registration API, with an API token (SSWS)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from apim.keymanager.connectors.base import Access, Connector, Field, Found, Wanted, send
from apim.keymanager.connectors.rfc7591 import CLIENT_ID, CLIENT_SECRET, found, metadata


class OktaClients:
    """`/oauth2/v1/clients` of the organisation."""

    def create(self, access: Access, wanted: Wanted) -> Found:
        """POST."""
        return found(send("POST", access.registration_url, _headers(access), body=_body(wanted)))

    def retrieve(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """GET."""
        return found(send("GET", _place(access, client_id), _headers(access)))

    def update(self, access: Access, client_id: str, handle: Mapping[str, str], wanted: Wanted) -> Found:
        """PUT of all members."""
        body = {"client_id": client_id, **_body(wanted)}
        return found(send("PUT", _place(access, client_id), _headers(access), body=body))

    def delete(self, access: Access, client_id: str, handle: Mapping[str, str]) -> None:
        """DELETE."""
        send("DELETE", _place(access, client_id), _headers(access), gone_is_fine=True)

    def renew_secret(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """POST at `lifecycle/newSecret`."""
        return found(send("POST", f"{_place(access, client_id)}/lifecycle/newSecret", _headers(access)))


def _headers(access: Access) -> dict[str, str]:
    return {"authorization": f"SSWS {access.required('apiKey')}"}


def _place(access: Access, client_id: str) -> str:
    return f"{access.registration_url.rstrip('/')}/{quote(client_id, safe='')}"


def _body(wanted: Wanted) -> dict[str, object]:
    """Applications that only speak for themselves are services there, and a service has no redirects."""
    body = metadata(wanted)
    service = not body["response_types"]
    return body | {
        "application_type": "service" if service else "web",
        "response_types": ["token"] if service else ["code"],
    }


CONNECTOR = Connector(
    type="Okta",
    display_name="Okta",
    well_known="https://ORG.okta.com/oauth2/default/.well-known/openid-configuration",
    client_claim="cid",
    scope_claim="scp",
    fields=(
        Field("apiKey", "API token", "Security → API → Tokens; it registers clients.", required=True, mask=True),
        CLIENT_ID,
        CLIENT_SECRET,
    ),
    clients=OktaClients(),
)
