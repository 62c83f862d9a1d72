"""Writes on key managers: the issuers whose tokens an organisation's gateways accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require, require_same_organisation
from apim.accounts.queries import sees_every_organisation
from apim.errors import Conflict, FieldError, Invalid
from apim.eventhub.publish import publish_all, take_turn
from apim.keymanager import discovery, properties, vault
from apim.keymanager.manager_checks import problems
from apim.keymanager.manager_fields import KeyManagerDetails
from apim.keymanager.models import RESIDENT, KeyManager
from apim.keymanager.outbound import Unreachable
from apim.keymanager.residents import change

RESIDENT_MAY_CHANGE = ("enabled", "display_name", "description", "permission", "roles")
"""What people may say of the platform itself as a key manager."""

SECRET = ("properties_sealed", "introspection_sealed")
AUDITED = (
    "name", "kind", "issuer", "enabled", "client_claim", "scope_claim", "jwks", "jwks_url", "introspection_url",
    "introspection_user", *(field.name for field in KeyManagerDetails._meta.get_fields() if field.name not in SECRET),
)  # fmt: skip


def save_key_manager(
    *,
    by: User,
    manager: KeyManager,
    introspection_password: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> KeyManager:
    """Add `manager` or write its changes. Of the resident one only RESIDENT_MAY_CHANGE is written.

    What is empty is read from its discovery document, when it has one. `introspection_password` None leaves the stored one;
    `settings` (None: as they are) are what its connector needs, secret ones kept sealed.
    Raises Forbidden unless `by` is an administrator, NotFound, Invalid naming the field, Conflict for a taken name.
    """
    _admit(by, manager)
    if manager.name != RESIDENT:
        if settings is not None:
            properties.store(manager, settings)
        try:
            discovery.complete(manager)
        except Unreachable as error:
            raise Invalid(
                "The well-known endpoint is of no use.", [FieldError("well_known_url", str(error))]
            ) from error
    return _save(by, manager, introspection_password)


@transaction.atomic
def _save(by: User, manager: KeyManager, introspection_password: str | None) -> KeyManager:
    take_turn()
    stored = KeyManager.objects.select_for_update(of=("self",)).filter(pk=manager.pk).first()
    same_name = KeyManager.objects.filter(organisation=manager.organisation, name=manager.name).exclude(pk=manager.pk)
    if same_name.exists() or (stored is not None and stored.name != manager.name):
        raise Conflict(f"The name {manager.name!r} is taken, or would change.")
    before = stored and values(stored)
    if stored is not None and stored.name == RESIDENT:
        for name in RESIDENT_MAY_CHANGE:
            setattr(stored, name, getattr(manager, name))
        manager = stored
    elif introspection_password is not None:
        manager.introspection_sealed = vault.seal(introspection_password) if introspection_password else ""
    wrong = [] if manager.name == RESIDENT else problems(manager)
    if wrong:
        raise Invalid("The key manager is not valid.", wrong)
    manager.save()
    audit.record(by, "key_manager.save", manager, before=before, after=values(manager))
    publish_all([change(manager)])
    return manager


@transaction.atomic
def delete_key_manager(*, by: User, manager: KeyManager) -> None:
    """Accept its tokens no more. Raises Forbidden, NotFound, Conflict for the resident one and while applications have keys."""
    _admit(by, manager)
    if manager.name == RESIDENT:
        raise Conflict(f"The {RESIDENT} is the platform itself; switch it off instead.")
    audit.record(by, "key_manager.delete", manager, before=values(manager))
    publish_all([change(manager, deleted=True)])
    try:
        manager.delete()
    except ProtectedError as error:
        raise Conflict(f"Applications have keys at {manager.name}: switch it off, or remove the keys first.") from error


def values(manager: KeyManager) -> dict[str, Any]:
    """What the audit trail keeps: no secret."""
    return {name: getattr(manager, name) for name in AUDITED}


def _admit(by: User, manager: KeyManager) -> None:
    require(by)
    if not sees_every_organisation(by):
        require_same_organisation(by, manager.organisation)
