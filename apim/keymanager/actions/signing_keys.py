"""Writes on signing keys: rotation, and removal of keys whose last token has expired."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.accounts.queries import sees_every_organisation
from apim.errors import Forbidden
from apim.keymanager import signing
from apim.keymanager.models import SigningKey
from apim.keymanager.residents import refresh


@transaction.atomic
def rotate_key(*, by: User) -> SigningKey:
    """Sign with a new key from now on. Older ones stay published until their last token has expired.

    The keys serve all organisations, so only an administrator of the first one may do this. Raises Forbidden.
    """
    require(by)
    if not sees_every_organisation(by):
        raise Forbidden("Signing keys serve every organisation: an administrator of the first one rotates them.")
    retire = SigningKey.objects.filter(retired=None)
    retire.update(retired=timezone.now(), published_until=signing.last_token_of_today())
    key = signing.new_key()
    audit.record(by, "signing_key.rotate", key, after={"kid": key.kid})
    refresh()
    return key


@transaction.atomic
def remove_lapsed() -> int:
    """Delete keys that are no longer published, and tell the gateways; how many they were."""
    lapsed = SigningKey.objects.filter(published_until__lt=timezone.now()).delete()[0]
    if lapsed:
        refresh()
    return lapsed
