"""Microsoft Entra ID (Azure AD): clients as applications, by Microsoft Graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from apim.keymanager.connectors.base import Access, Connector, Field, Found, KeyManagerFails, Wanted, send, texts

GRAPH = "https://graph.microsoft.com"
LABEL = "API platform"
"""What the secrets that we make are called there."""


class EntraClients:
    """`/v1.0/applications` of Microsoft Graph. Applications have no list of grants there: what was asked for is told back."""

    def create(self, access: Access, wanted: Wanted) -> Found:
        """The application, its service principal (tokens need one) and its secret. A half-made application is removed."""
        headers = _headers(access)
        said = send("POST", _base(access) + "applications", headers, body=_body(wanted))
        app_id = said.get("appId")
        if not isinstance(app_id, str) or not app_id:
            raise KeyManagerFails("Microsoft Graph's answer names no appId.")
        try:
            send("POST", _base(access) + "servicePrincipals", headers, body={"appId": app_id})
            secret, key = _secret(access, app_id, headers)
        except Exception:
            send("DELETE", _place(access, app_id), headers, gone_is_fine=True)
            raise
        return Found(app_id, secret, wanted.name, wanted.grant_types, wanted.callback_urls, {"secret_id": key})

    def retrieve(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """GET by the application's client id."""
        said = send("GET", _place(access, client_id), _headers(access))
        web = said.get("web")
        uris = texts(web.get("redirectUris")) if isinstance(web, dict) else ()
        return Found(client_id, "", str(said.get("displayName", "")), (), uris, handle)

    def update(self, access: Access, client_id: str, handle: Mapping[str, str], wanted: Wanted) -> Found:
        """PATCH."""
        send("PATCH", _place(access, client_id), _headers(access), body=_body(wanted))
        return Found(client_id, "", wanted.name, wanted.grant_types, wanted.callback_urls, handle)

    def delete(self, access: Access, client_id: str, handle: Mapping[str, str]) -> None:
        """DELETE; its service principal goes with it."""
        send("DELETE", _place(access, client_id), _headers(access), gone_is_fine=True)

    def renew_secret(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """A further secret; then the one we made before is removed."""
        headers = _headers(access)
        secret, key = _secret(access, client_id, headers)
        if handle.get("secret_id"):
            send(
                "POST", f"{_place(access, client_id)}/removePassword", headers, body={"keyId": handle["secret_id"]},
                gone_is_fine=True,
            )  # fmt: skip
        return Found(client_id, secret, handle={"secret_id": key})


def _base(access: Access) -> str:
    return f"{(access.settings.get('graph_url') or GRAPH).rstrip('/')}/v1.0/"


def _headers(access: Access) -> dict[str, str]:
    scope = f"{(access.settings.get('graph_url') or GRAPH).rstrip('/')}/.default"
    return {"authorization": f"Bearer {access.client_token(scope=scope)}"}


def _place(access: Access, client_id: str) -> str:
    quoted = quote(client_id.replace("'", "''"), safe="'")
    return f"{_base(access)}applications(appId='{quoted}')"


def _secret(access: Access, app_id: str, headers: dict[str, str]) -> tuple[str, str]:
    body = {"passwordCredential": {"displayName": LABEL}}
    said = send("POST", f"{_place(access, app_id)}/addPassword", headers, body=body)
    return str(said.get("secretText") or ""), str(said.get("keyId") or "")


def _body(wanted: Wanted) -> dict[str, Any]:
    return {
        "displayName": wanted.name,
        "signInAudience": "AzureADMyOrg",
        "api": {"requestedAccessTokenVersion": 2},
        "web": {"redirectUris": list(wanted.callback_urls)},
    }


CONNECTOR = Connector(
    type="AzureAD",
    display_name="Microsoft Entra ID (Azure AD)",
    well_known="https://login.microsoftonline.com/TENANT/v2.0/.well-known/openid-configuration",
    scope_claim="scp",
    fields=(
        Field("client_id", "Client id", "An application with Application.ReadWrite.OwnedBy.", required=True),
        Field("client_secret", "Client secret", "Its secret.", required=True, mask=True),
        Field("graph_url", "Microsoft Graph", "Only for national clouds, as https://graph.microsoft.us"),
    ),
    clients=EntraClients(),
)
