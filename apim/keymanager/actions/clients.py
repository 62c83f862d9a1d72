"""Writes on OAuth clients. Their secrets are shown once, by the call that made them, and stored as hashes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require_same_organisation
from apim.accounts.queries import sees_every_organisation
from apim.errors import FieldError, Forbidden, Invalid
from apim.keymanager.errors import NotClientOwner
from apim.keymanager.grants import KEY_TYPES, problems, redirect_uris
from apim.keymanager.models import OAuthClient

UNCHANGED: Any = object()
"""Stands for "leave it as it is" where None has a meaning of its own."""


@transaction.atomic
def create_client(
    *,
    by: User,
    organisation: Organisation,
    name: str,
    grant_types: Sequence[str],
    key_type: str = "PRODUCTION",
    callback_url: str = "",
    token_lifetime: int | None = None,
    owner: User | None = None,
    scopes: Sequence[str] = (),
    public: bool = False,
    management: bool = False,
    vouched: bool = False,
) -> tuple[OAuthClient, str]:
    """A new client of `organisation` and its secret, which is not kept.

    `token_lifetime` in seconds; None: the platform's. `owner` (default `by`) is the subject of its own tokens.
    `vouched`: the caller has made sure that `by` may act for `owner`; else only administrators do.
    `public`: it can keep no secret and proves itself by PKCE. `management`: it is for the platform's REST APIs.
    Raises Invalid naming the fields, NotFound for another organisation.
    """
    _admit(by, organisation, owner, vouched=vouched)
    _check(grant_types, callback_url, token_lifetime, key_type, management=management)
    sources, types = OAuthClient.RegistrationSource, OAuthClient
    secret = new_secret()
    client = OAuthClient(
        organisation=organisation,
        user=owner or by,
        name=name[:255],
        client_id=secrets.token_urlsafe(21),
        client_secret=secret,
        client_type=types.CLIENT_PUBLIC if public else types.CLIENT_CONFIDENTIAL,
        authorization_grant_type=types.GRANT_CLIENT_CREDENTIALS,
        registration_source=sources.DCR if management else sources.MANUAL,
        grant_types=list(grant_types),
        redirect_uris=" ".join(redirect_uris(callback_url)),
        token_lifetime=token_lifetime,
        key_type=key_type,
        scopes=list(scopes),
    )
    client.save()
    audit.record(by, "oauth_client.create", client, after=values(client))
    return client, secret


@transaction.atomic
def update_client(
    *,
    by: User,
    client: OAuthClient,
    grant_types: Sequence[str] | None = None,
    callback_url: str | None = None,
    token_lifetime: int | None = UNCHANGED,
    name: str | None = None,
) -> OAuthClient:
    """Change a client; what is not given stays. Raises Invalid naming the fields, NotClientOwner, NotFound."""
    require_owner(by, client)
    before = values(client)
    grants = client.grant_types if grant_types is None else list(grant_types)
    callback = client.redirect_uris if callback_url is None else callback_url
    lifetime = client.token_lifetime if token_lifetime is UNCHANGED else token_lifetime
    _check(grants, callback, lifetime, client.key_type, management=client.is_management)
    client.grant_types, client.token_lifetime = grants, lifetime
    client.redirect_uris = " ".join(redirect_uris(callback))
    client.name = client.name if name is None else name[:255]
    client.save(update_fields=["grant_types", "token_lifetime", "redirect_uris", "name", "updated"])
    audit.record(by, "oauth_client.update", client, before=before, after=values(client))
    return client


@transaction.atomic
def regenerate_secret(*, by: User, client: OAuthClient) -> str:
    """Replace the secret and return the new one; the old one stops working at once. Raises NotClientOwner, NotFound."""
    require_owner(by, client)
    secret = new_secret()
    client.client_secret = secret
    client.save(update_fields=["client_secret", "updated"])
    audit.record(by, "oauth_client.regenerate_secret", client)
    return secret


@transaction.atomic
def delete_client(*, by: User, client: OAuthClient) -> None:
    """Remove a client with its refresh tokens and codes. Raises NotClientOwner, NotFound."""
    require_owner(by, client)
    audit.record(by, "oauth_client.delete", client, before=values(client))
    client.delete()


def require_owner(by: User, client: OAuthClient) -> None:
    """Let the client's owner, administrators of its organisation and of the platform pass. Raises NotClientOwner, NotFound."""
    if not sees_every_organisation(by):
        require_same_organisation(by, client.organisation)
    if not by.is_active or not (client.user_id == by.pk or by.has_role()):
        raise NotClientOwner(client.client_id)


def new_secret() -> str:
    """256 random bits: enough that a quick hash protects it."""
    return secrets.token_urlsafe(32)


def values(client: OAuthClient) -> dict[str, Any]:
    """What the audit trail keeps of a client; never the secret."""
    names = ("client_id", "name", "grant_types", "redirect_uris", "token_lifetime", "key_type", "scopes")
    return {name: getattr(client, name) for name in names}


def check(grant_types: Sequence[str], callback_url: str, token_lifetime: int | None, key_type: str) -> None:
    """Refuse a wish for a client that could not be made; for wishes that wait. Raises Invalid naming the fields."""
    _check(grant_types, callback_url, token_lifetime, key_type, management=False)


def _admit(by: User, organisation: Organisation, owner: User | None, *, vouched: bool) -> None:
    require_same_organisation(by, organisation)
    if not by.is_active:
        raise Forbidden(f"{by.get_username()} is not active.")
    if owner is not None and owner != by:
        require_same_organisation(owner, organisation)
        if not vouched and not by.has_role():
            raise Forbidden("Only administrators register OAuth clients for others.")


def _check(
    grant_types: Sequence[str], callback_url: str, token_lifetime: int | None, key_type: str, *, management: bool
) -> None:
    wrong = problems(grant_types, callback_url, token_lifetime, management=management)
    if key_type not in KEY_TYPES:
        wrong.append(FieldError("keyType", f"{key_type!r} is not one of: {', '.join(KEY_TYPES)}"))
    if wrong:
        raise Invalid("The OAuth client is not valid.", wrong)
