"""Writes on key managers: the issuers whose tokens an organisation's gateways accept."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require, require_same_organisation
from apim.accounts.queries import sees_every_organisation
from apim.errors import Conflict, FieldError, Invalid
from apim.eventhub.publish import publish_all, take_turn
from apim.keymanager import vault
from apim.keymanager.models import RESIDENT, KeyManager
from apim.keymanager.residents import change

ASYMMETRIC = ("RSA", "EC", "OKP")


@transaction.atomic
def save_key_manager(*, by: User, manager: KeyManager, introspection_password: str | None = None) -> KeyManager:
    """Add `manager` or write its changes; the resident one can only be switched on and off.

    `introspection_password` None leaves the stored one. It is kept sealed, and goes to gateways only.
    Raises Forbidden unless `by` is an administrator, NotFound, Invalid naming the field, Conflict for a taken name.
    """
    _admit(by, manager)
    take_turn()
    stored = KeyManager.objects.select_for_update(of=("self",)).filter(pk=manager.pk).first()
    same_name = KeyManager.objects.filter(organisation=manager.organisation, name=manager.name).exclude(pk=manager.pk)
    if same_name.exists() or (stored is not None and stored.name != manager.name):
        raise Conflict(f"The name {manager.name!r} is taken, or would change.")
    if stored is not None and stored.name == RESIDENT:
        stored.enabled, manager = manager.enabled, stored
    else:
        _check(manager)
        if introspection_password is not None:
            manager.introspection_sealed = vault.seal(introspection_password) if introspection_password else ""
    manager.save()
    audit.record(by, "key_manager.save", manager, before=stored and values(stored), after=values(manager))
    publish_all([change(manager)])
    return manager


@transaction.atomic
def delete_key_manager(*, by: User, manager: KeyManager) -> None:
    """Accept its tokens no more. Raises Forbidden, NotFound, Conflict for the resident one."""
    _admit(by, manager)
    if manager.name == RESIDENT:
        raise Conflict(f"The {RESIDENT} is the platform itself; switch it off instead.")
    audit.record(by, "key_manager.delete", manager, before=values(manager))
    publish_all([change(manager, deleted=True)])
    manager.delete()


def values(manager: KeyManager) -> dict[str, Any]:
    """What the audit trail keeps."""
    names = (
        "name",
        "issuer",
        "enabled",
        "client_claim",
        "scope_claim",
        "jwks",
        "jwks_url",
        "introspection_url",
        "introspection_user",
    )
    return {name: getattr(manager, name) for name in names}


def _admit(by: User, manager: KeyManager) -> None:
    require(by)
    if not sees_every_organisation(by):
        require_same_organisation(by, manager.organisation)


def _check(manager: KeyManager) -> None:
    wrong = []
    if urlsplit(manager.issuer).scheme not in ("http", "https"):
        wrong.append(FieldError("issuer", f"{manager.issuer!r} is not an address"))
    for name in ("jwks_url", "introspection_url"):
        url = getattr(manager, name)
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
            wrong.append(FieldError(name, f"{url!r} is not an address of the form https://host/path"))
    elsewhere = manager.jwks_url or manager.introspection_url
    if (manager.jwks.strip() or not elsewhere) and (problem := _jwks_problem(manager.jwks)):
        wrong.append(FieldError("jwks", problem))
    if wrong:
        raise Invalid("The key manager is not valid.", wrong)


def _jwks_problem(text: str) -> str:
    try:
        keys = KeySet.import_key_set(json.loads(text)).keys
    except (JoseError, ValueError, TypeError, KeyError) as error:
        return f"is not an RFC 7517 document: {error}"
    if not keys or any(key.key_type not in ASYMMETRIC for key in keys):
        return f"needs at least one key, and only of the types {', '.join(ASYMMETRIC)}"
    return "must not hold private keys" if any(key.is_private for key in keys) else ""
