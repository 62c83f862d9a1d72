"""Keeps each organisation's resident key manager, the platform itself, in step with the published keys."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from apim.accounts.models import Organisation
from apim.eventhub.publish import Change, publish_all, take_turn
from apim.keymanager.issue import issuer
from apim.keymanager.manager_records import record
from apim.keymanager.models import RESIDENT, KeyManager
from apim.keymanager.signing import ensure_key, jwks_text


def change(manager: KeyManager, *, deleted: bool = False) -> Change:
    """What the event hub publishes when `manager` was written or deleted."""
    domain = manager.organisation.domain
    return Change("key_manager", manager.key, None if deleted else record(manager), organisation=domain)


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
