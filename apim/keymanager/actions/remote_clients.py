"""Writes on clients at key managers elsewhere. Calls go out before anything is written here, so no lock is held meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import structlog
from django.db import transaction

from apim.accounts.models import User
from apim.errors import ApimError, Conflict, FieldError, Forbidden, Invalid
from apim.keymanager import connectors, outbound, vault
from apim.keymanager.connectors.base import Clients, Found, Wanted, basic, send
from apim.keymanager.grants import GRANTS, redirect_uris, uri_problem
from apim.keymanager.models import KeyManager, RemoteClient
from apim.keymanager.properties import access

log = structlog.get_logger(__name__)

UNSEEN = "unseen_secret"
"""Member of a handle: a secret that nobody has been shown yet, because somebody else approved the client."""

LONGEST_ID = 100


def elsewhere(manager: KeyManager) -> bool:
    """Whether clients of this key manager are made and kept there; else they are ours, and exchange its tokens."""
    return not manager.resident and manager.token_type != "EXCHANGED"  # noqa: S105 - a kind, not a secret


def check(manager: KeyManager, grant_types: Sequence[str], callback_url: str) -> None:
    """Raises Invalid naming the field, Conflict when the key manager is not set up to make clients."""
    if not manager.enable_app_creation:
        raise Conflict(f"{manager.label} makes no clients from here: use one that exists there.")
    known = manager.grant_types or list(GRANTS)
    wrong = [
        FieldError("grantTypes", f"{one!r} is not one of: {', '.join(known)}")
        for one in grant_types
        if one not in known
    ]
    if not grant_types:
        wrong.append(FieldError("grantTypes", f"choose at least one of: {', '.join(known)}"))
    uris = redirect_uris(callback_url)
    wrong += [FieldError("callbackUrl", f"{uri!r} {why}") for uri in uris if (why := uri_problem(uri))]
    if "authorization_code" in grant_types and not uris:
        wrong.append(FieldError("callbackUrl", "the authorization code grant needs an address to return to"))
    if wrong:
        raise Invalid("The OAuth client is not valid.", wrong)


def register(manager: KeyManager, name: str, grant_types: Sequence[str], callback_url: str) -> tuple[RemoteClient, str]:
    """Make a client there. The row comes unsaved, with the secret, which is not kept. Raises ApimError."""
    check(manager, grant_types, callback_url)
    wanted = Wanted(name[:255], tuple(grant_types), tuple(redirect_uris(callback_url)))
    found = _clients(manager).create(access(manager), wanted)
    row = RemoteClient(
        key_manager=manager,
        client_id=found.client_id,
        name=wanted.name,
        grant_types=list(found.grant_types or wanted.grant_types),
        callback_url=" ".join(wanted.callback_urls),
        handle_sealed=_sealed(found),
    )
    if len(found.client_id) > LONGEST_ID:
        undo(row)
        raise connectors.KeyManagerFails(f"{manager.label} makes client ids of more than {LONGEST_ID} characters.")
    return row, found.secret


def undo(row: RemoteClient) -> None:
    """Remove a client there that could not be kept here; what goes wrong is logged."""
    try:
        _clients(row.key_manager).delete(access(row.key_manager), row.client_id, _handle(row))
    except ApimError as error:
        log.warning(
            "remote_client.left_behind",
            key_manager=row.key_manager.name,
            client=row.client_id,
            reason=error.description,
        )


def adopt(by: User, manager: KeyManager, client_id: str, secret: str) -> RemoteClient:
    """A client that exists there, not saved. Its secret shows that it is the caller's; administrators may go without.

    Raises Invalid for a wrong secret, Conflict when mapping is off or the client is in use, Forbidden without proof.
    """
    if not manager.enable_mapping:
        raise Conflict(f"{manager.label} takes no clients that exist there.")
    if not 0 < len(client_id) <= LONGEST_ID or not client_id.isprintable():
        raise Invalid("There is no such client.", [FieldError("consumerKey", f"give 1 to {LONGEST_ID} characters")])
    if RemoteClient.objects.filter(key_manager=manager, client_id=client_id).exists():
        raise Conflict(f"The OAuth client {client_id} belongs to an application already.")
    if secret and manager.token_url:
        _prove(manager, client_id, secret)
    elif not by.has_role():
        raise Forbidden("Only administrators map a client without showing its secret.")
    return RemoteClient(key_manager=manager, client_id=client_id, created_here=False)


def update(row: RemoteClient, grant_types: Sequence[str], callback_url: str) -> None:
    """Change it there, then here. Raises ApimError."""
    manager = row.key_manager
    if not row.created_here:
        raise Conflict(f"The client {row.client_id} lives at {manager.label}: change it there.")
    check(manager, grant_types, callback_url)
    wanted = Wanted(row.name, tuple(grant_types), tuple(redirect_uris(callback_url)))
    found = _clients(manager).update(access(manager), row.client_id, _handle(row), wanted)
    row.grant_types = list(found.grant_types or wanted.grant_types)
    row.callback_url = " ".join(wanted.callback_urls)
    row.handle_sealed = _sealed(found, _handle(row))
    row.save(update_fields=["grant_types", "callback_url", "handle_sealed"])


def renew_secret(row: RemoteClient) -> str:
    """A new secret there, or the one that nobody has seen yet. Raises ApimError."""
    handle = _handle(row)
    unseen = handle.pop(UNSEEN, "")
    if unseen:
        row.handle_sealed = vault.seal(json.dumps(handle))
        row.save(update_fields=["handle_sealed"])
        return unseen
    if not row.created_here:
        raise Conflict(f"The client {row.client_id} lives at {row.key_manager.label}: renew its secret there.")
    found = _clients(row.key_manager).renew_secret(access(row.key_manager), row.client_id, handle)
    row.handle_sealed = _sealed(found, handle)
    row.save(update_fields=["handle_sealed"])
    return found.secret


def hide_secret(row: RemoteClient, secret: str) -> None:
    """Keep the secret sealed until its owner asks for it: it was made by an approval that the owner did not see."""
    row.handle_sealed = vault.seal(json.dumps({**_handle(row), UNSEEN: secret}))


def forget(row: RemoteClient) -> None:
    """Remove the row, and after commit the client there when it was made from here."""
    row.delete()
    if row.created_here:
        transaction.on_commit(lambda: undo(row))


def test_token(row: RemoteClient, secret: str, scopes: Sequence[str]) -> dict[str, Any]:
    """A token of the client itself, from its key manager. The secret is needed, as it is not kept. Raises ApimError."""
    manager = row.key_manager
    if not manager.enable_token_generation or not manager.token_url:
        raise Conflict(f"{manager.label} gives no test tokens from here.")
    if not secret:
        raise Invalid(
            "The secret is needed.", [FieldError("consumerSecret", "is kept nowhere here: give it once more")]
        )
    form = {"grant_type": "client_credentials", **({"scope": " ".join(scopes)} if scopes else {})}
    audience = manager.properties.get("audience", "")
    if audience:
        form["audience"] = audience
    answer = send("POST", manager.token_url, {"authorization": basic(row.client_id, secret)}, form=form)
    token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
    if not isinstance(token, str) or not token:
        raise connectors.KeyManagerFails(f"{manager.label} gave no access token.")
    lasts = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else 0
    return {"access_token": token, "token_type": "Bearer", "expires_in": lasts, "scope": str(answer.get("scope", ""))}


def _clients(manager: KeyManager) -> Clients:
    connector = connectors.of(manager.kind)
    if connector is None or connector.clients is None:
        raise Conflict(f"Clients of {manager.label} cannot be made from here.")
    return connector.clients


def _prove(manager: KeyManager, client_id: str, secret: str) -> None:
    """Raises Invalid unless the key manager knows this pair: any answer but `invalid_client` shows that it does."""
    try:
        form = {"grant_type": "client_credentials"}
        answer = outbound.call(
            "POST", manager.token_url, headers={"authorization": basic(client_id, secret)}, form=form
        )
        known = answer.status == 200 or (answer.status == 400 and answer.json().get("error") in AUTHENTICATED)
    except outbound.Unreachable as error:
        raise connectors.KeyManagerFails(str(error)) from error
    if not known:
        wrong = FieldError("consumerKey", f"{manager.label} knows no client with this key and secret")
        raise Invalid("There is no such OAuth client.", [wrong])


AUTHENTICATED = ("unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target", "access_denied")
"""Errors of a token endpoint (RFC 6749 5.2) that come after the client has proved who it is."""


def _handle(row: RemoteClient) -> dict[str, str]:
    found: dict[str, str] = json.loads(vault.unseal(row.handle_sealed)) if row.handle_sealed else {}
    return found


def _sealed(found: Found, before: dict[str, str] | None = None) -> str:
    handle = {**(before or {}), **found.handle}
    return vault.seal(json.dumps(handle)) if handle else ""
