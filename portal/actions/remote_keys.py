"""Keys of applications at key managers elsewhere: the client lives there, and the gateway is told whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction

from apim.accounts.models import User
from apim.errors import Conflict
from apim.keymanager.actions import remote_clients
from apim.keymanager.models import RemoteClient
from portal.models import Application, ApplicationKey, KeyMode, KeyState

Tie = Callable[[ApplicationKey], ApplicationKey]
"""Stores a key, notes it and tells gateways, in one transaction."""


def client_name(application: Application, key_type: str) -> str:
    """What the client is called there."""
    return f"{application.owner.get_username()}_{application.name}_{key_type}"


def generate(key: ApplicationKey, tie: Tie) -> tuple[ApplicationKey, str]:
    """Register a client there, then store the key; when that fails, the client goes again. Raises ApimError."""
    request = key.request
    row, secret = remote_clients.register(
        key.key_manager, client_name(key.application, key.key_type), request["grant_types"], request["callback_url"]
    )
    try:
        return _store(key, row, KeyMode.CREATED, tie), secret
    except Exception:
        remote_clients.undo(row)
        raise


def map_existing(by: User, key: ApplicationKey, consumer_key: str, consumer_secret: str, tie: Tie) -> ApplicationKey:
    """Use a client that exists there. Raises ApimError."""
    row = remote_clients.adopt(by, key.key_manager, consumer_key, consumer_secret)
    return _store(key, row, KeyMode.MAPPED, tie)


@contextmanager
def client_for(key: ApplicationKey) -> Iterator[RemoteClient]:
    """The client, not saved, of a key that is about to be approved; when nobody has stored it by the end, it goes again.

    Its secret is kept sealed until the owner asks for a new one. Raises ApimError.
    """
    request = key.request
    row, secret = remote_clients.register(
        key.key_manager, client_name(key.application, key.key_type), request["grant_types"], request["callback_url"]
    )
    remote_clients.hide_secret(row, secret)
    try:
        yield row
    finally:
        if not RemoteClient.objects.filter(pk=row.pk).exists():
            remote_clients.undo(row)


def complete(key: ApplicationKey, row: RemoteClient, tie: Tie) -> None:
    """Give a key that was approved its client."""
    _store(key, row, KeyMode.CREATED, tie)


def client_of(key: ApplicationKey) -> RemoteClient:
    """The client of a key. Raises Conflict when it is not known any more."""
    found = find(key)
    if found is None:
        raise Conflict(f"The client {key.consumer_key} lives at {key.key_manager.label}: change it there.")
    return found


def find(key: ApplicationKey) -> RemoteClient | None:
    """The client of a key at a key manager elsewhere; None for other keys."""
    if key.client_id is not None or not key.consumer_key:
        return None
    rows = RemoteClient.objects.filter(key_manager=key.key_manager_id, client_id=key.consumer_key)
    return rows.select_related("key_manager__organisation").first()


def settings_of(key: ApplicationKey) -> dict[str, Any]:
    """Grants and call-back address of a key's client, wherever it lives."""
    if key.client is not None:
        return {"grant_types": list(key.client.grant_types), "callback_url": key.client.redirect_uris}
    row = find(key)
    return (
        {"grant_types": list(row.grant_types), "callback_url": row.callback_url}
        if row
        else {"grant_types": [], "callback_url": ""}
    )


@transaction.atomic
def _store(key: ApplicationKey, row: RemoteClient, mode: KeyMode, tie: Tie) -> ApplicationKey:
    key.consumer_key, key.mode, key.state, key.request = row.client_id, mode, KeyState.APPROVED, {}
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"The OAuth client {row.client_id} belongs to an application already.") from error
    return tie(key)
