"""Writes on consents: remembered for good, and taken back with every token that came of them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from oauth2_provider.models import get_grant_model, get_refresh_token_model

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Forbidden
from apim.keymanager.actions.families import end_families
from apim.keymanager.grant_models import Consent
from apim.keymanager.models import OAuthClient


@transaction.atomic
def remember(*, by: User, client: OAuthClient, scopes: Iterable[str]) -> Consent:
    """Do not ask `by` again about these scopes. Raises Forbidden for a client of another organisation."""
    if client.organisation_id != by.organisation_id:
        raise Forbidden(f"The client {client.name!r} is for people of another organisation.")
    consent, _ = Consent.objects.select_for_update().get_or_create(user=by, client=client)
    before = list(consent.scopes)
    consent.scopes = sorted({*before, *scopes})
    consent.save()
    audit.record(by, "consent.remember", client, before={"scopes": before}, after={"scopes": consent.scopes})
    return consent


@transaction.atomic
def take_back(*, by: User, client: OAuthClient) -> int:
    """`client` may not act for `by` any more: it is asked again, and its tokens end. How many gateways might have taken."""
    Consent.objects.filter(user=by, client=client).delete()
    get_grant_model().objects.filter(user=by, application=client).delete()
    mine = get_refresh_token_model().objects.filter(user=by, application=client, revoked=None)
    ended = end_families(mine)
    audit.record(by, "consent.take_back", client, after={"access_tokens": ended})
    return ended
