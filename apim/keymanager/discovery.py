"""Reads what a key manager says of itself (OpenID Connect Discovery, RFC 8414)."""

from __future__ import annotations

from typing import Any

from apim.keymanager import connectors, outbound
from apim.keymanager.models import KeyManager

COLUMNS = {
    "issuer": "issuer",
    "token_endpoint": "token_url",
    "revocation_endpoint": "revoke_url",
    "introspection_endpoint": "introspection_url",
    "userinfo_endpoint": "userinfo_url",
    "authorization_endpoint": "authorize_url",
    "registration_endpoint": "registration_url",
    "jwks_uri": "jwks_url",
}
"""Member of the document → column."""

MOST_GRANTS = 30


def discover(url: str) -> dict[str, Any]:
    """Columns of a key manager, read from its discovery document. Raises outbound.Unreachable saying why not."""
    answer = outbound.call("GET", url)
    if answer.status != 200:
        raise outbound.Unreachable(f"{answer.address} answered {answer.status}, not 200.")
    document = answer.json()
    found: dict[str, Any] = {
        column: value
        for member, column in COLUMNS.items()
        if isinstance(value := document.get(member), str) and 0 < len(value) <= 500
    }
    if "issuer" not in found:
        raise outbound.Unreachable(f"{answer.address} is no discovery document: it names no issuer.")
    grants = document.get("grant_types_supported")
    if isinstance(grants, list):
        found["grant_types"] = [one for one in grants if isinstance(one, str) and 0 < len(one) <= 200][:MOST_GRANTS]
    return found


def complete(manager: KeyManager) -> None:
    """Fill what is still empty from the discovery document, when there is one to ask. Raises outbound.Unreachable."""
    if not manager.well_known_url or not _lacks(manager):
        return
    for column, value in discover(manager.well_known_url).items():
        # A certificate that was given is there instead of published keys.
        if not getattr(manager, column) and not (column == "jwks_url" and _has_keys(manager)):
            setattr(manager, column, value)


def suggested(kind: str, url: str) -> KeyManager:
    """A key manager, not saved, as its document and its connector's defaults describe it. Raises outbound.Unreachable."""
    connector = connectors.of(kind) or connectors.GENERIC
    return KeyManager(
        name=connector.display_name,
        kind=connector.type,
        well_known_url=url,
        client_claim=connector.client_claim,
        scope_claim=connector.scope_claim,
        token_validation=[dict(one) for one in connector.validation],
        **discover(url),
    )


def _lacks(manager: KeyManager) -> bool:
    return not (manager.issuer and manager.token_url and (_has_keys(manager) or manager.jwks_url))


def _has_keys(manager: KeyManager) -> bool:
    return bool(manager.jwks.strip() or manager.certificate_pem.strip())
