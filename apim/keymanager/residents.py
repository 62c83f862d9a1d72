"""Keeps each organisation's resident key manager, the platform itself, in step with the published keys."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from apim.accounts.models import Organisation
from apim.eventhub.publish import Change, publish_all, take_turn
from apim.keymanager import vault
from apim.keymanager.issue import issuer
from apim.keymanager.models import RESIDENT, KeyManager
from apim.keymanager.signing import ensure_key, jwks_text
from gateway import schema


def change(manager: KeyManager, *, deleted: bool = False) -> Change:
    """What the event hub publishes when `manager` was written or deleted."""
    domain = manager.organisation.domain
    record = schema.KeyManager(
        organisation=domain,
        name=manager.name,
        issuer=manager.issuer,
        jwks=manager.jwks,
        client_claim=manager.client_claim,
        scope_claim=manager.scope_claim,
        enabled=manager.enabled,
        jwks_url=manager.jwks_url,
        introspection_url=manager.introspection_url,
        introspection_user=manager.introspection_user,
        introspection_password=vault.unseal(manager.introspection_sealed) if manager.introspection_sealed else "",
        resident=manager.name == RESIDENT,
    )
    return Change("key_manager", manager.key, None if deleted else record, organisation=domain)


@transaction.atomic
def seed(organisation: Organisation) -> None:
    """Give `organisation` its resident key manager, and the platform its first signing key."""
    ensure_key()
    KeyManager.objects.get_or_create(organisation=organisation, name=RESIDENT, defaults={"issuer": issuer()})
    refresh()


@transaction.atomic
def refresh(**_signal: Any) -> None:
    """Write the issuer and the public keys into every resident key manager that has others, and tell the gateways."""
    take_turn()
    residents = KeyManager.objects.select_for_update(of=("self",)).filter(name=RESIDENT).select_related("organisation")
    if not residents.exists():
        return
    now = {"issuer": issuer(), "jwks": jwks_text()}
    stale = list(residents.filter(~Q(**now)))
    for manager in stale:
        manager.issuer, manager.jwks = now["issuer"], now["jwks"]
    KeyManager.objects.bulk_update(stale, list(now))
    if stale:
        publish_all([change(manager) for manager in stale])
