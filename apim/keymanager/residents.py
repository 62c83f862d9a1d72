"""Keeps each organisation's resident key manager, the platform itself, in step with the published keys."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apim.accounts.models import Organisation
from apim.eventhub.publish import Change, publish_all, take_turn
from apim.keymanager import vault
from apim.keymanager.issue import issuer
from apim.keymanager.manager_records import record
from apim.keymanager.models import RESIDENT, KeyManager, OAuthClient
from apim.keymanager.signing import ensure_key, jwks_text

GATEWAY = "gateway@"
"""Before an organisation's domain: the name that its gateways have at our introspection endpoint."""


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
    ensure_key()
    now = {"issuer": issuer(), "jwks": jwks_text()}
    stale = list(residents.filter(~Q(**now)))
    for manager in stale:
        manager.issuer, manager.jwks = now["issuer"], now["jwks"]
    KeyManager.objects.bulk_update(stale, list(now))
    if stale:
        publish_all([change(manager) for manager in stale])


@transaction.atomic
def follow_opaque(client: OAuthClient) -> None:
    """Let gateways ask about opaque tokens from the first client on that gets some; before, none is asked about."""
    if not client.is_opaque:
        return
    take_turn()
    rows = KeyManager.objects.select_for_update(of=("self",)).filter(name=RESIDENT, organisation=client.organisation)
    for manager in rows.select_related("organisation"):
        domain = manager.organisation.domain
        known = (settings.APIM.introspection, gateway_name(domain))
        if (manager.introspection_url, manager.introspection_user) != known:
            manager.introspection_url, manager.introspection_user = known
            manager.introspection_sealed = vault.seal(gateway_password(domain))
            manager.save(update_fields=["introspection_url", "introspection_user", "introspection_sealed"])
            publish_all([change(manager)])


def gateway_name(domain: str) -> str:
    """As whom gateways ask about opaque tokens of an organisation."""
    return f"{GATEWAY}{domain}"


def gateway_password(domain: str) -> str:
    """What they show: it follows from the cluster secret, so that there is nothing to keep, and opens this one thing."""
    return hmac.new(settings.CLUSTER_SECRET.encode(), f"introspect {domain}".encode(), hashlib.sha256).hexdigest()
