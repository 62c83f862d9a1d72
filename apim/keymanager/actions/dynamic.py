"""Writes of dynamic client registration (RFC 7591) and of its management by the client itself (RFC 7592)."""

from __future__ import annotations

import secrets

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, User
from apim.errors import Forbidden, NotFound
from apim.eventhub.publish import take_turn
from apim.keymanager import client_metadata
from apim.keymanager.actions import clients
from apim.keymanager.client_metadata import Metadata
from apim.keymanager.models import OAuthClient
from apim.keymanager.opaque import checksum
from apim.keymanager.residents import follow_opaque

MOST_CLIENTS = 200
"""Clients that one person may register this way."""


@transaction.atomic
def register(*, by: User, metadata: Metadata) -> tuple[OAuthClient, str, str]:
    """A new client of `by`, its secret and its registration access token, neither of which is kept.

    Raises Forbidden unless `by` may have applications and has not too many of these clients, Invalid naming the field.
    """
    if not by.has_role(BuiltinRole.SUBSCRIBER):
        raise Forbidden("Registering clients needs the role Internal/subscriber.")
    if OAuthClient.objects.filter(user=by).exclude(registration_token="").count() >= MOST_CLIENTS:
        raise Forbidden(f"One person may register {MOST_CLIENTS} clients.")
    client, secret = clients.create_client(
        by=by,
        organisation=by.organisation,
        name=metadata.name or "Client",
        grant_types=metadata.grants,
        callback_url=" ".join(metadata.redirects),
        public=metadata.public,
    )
    access = secrets.token_urlsafe(32)
    client_metadata.apply(client, metadata)
    client.registration_token = checksum(access)
    client.save()
    follow_opaque(client)
    audit.record(by, "oauth_client.register", client, after=security(client))
    return client, secret, access


def registered(client_id: str, access: str) -> OAuthClient:
    """The client whose registration access token this is. Raises NotFound: who has no right to it need not know of it."""
    rows = OAuthClient.objects.select_related("organisation", "user")
    known = rows.filter(registration_token=checksum(access)).first() if access else None
    if known is None or known.client_id != client_id or known.user is None or not known.is_usable(None):
        raise NotFound("There is no such client, or the registration access token is not its own.")
    return known


@transaction.atomic
def replace(*, client: OAuthClient, metadata: Metadata) -> str:
    """Write the whole metadata anew (RFC 7592 2.2), and a new registration access token, which is returned.

    Raises Invalid naming the field. The kind of a client, public or not, stays: its secret would come from nowhere.
    """
    if metadata.public != (client.client_type == OAuthClient.CLIENT_PUBLIC):
        raise Forbidden("A client cannot change between public and confidential: register another one.")
    # Gateways may have to be told: the queue comes before the row, as it does for whoever deletes the client.
    take_turn()
    before = security(client)
    clients.update_client(
        by=client.user,
        client=client,
        grant_types=metadata.grants,
        callback_url=" ".join(metadata.redirects),
        name=metadata.name or client.name,
    )
    access = secrets.token_urlsafe(32)
    client_metadata.apply(client, metadata)
    client.registration_token = checksum(access)
    client.save()
    follow_opaque(client)
    audit.record(client.user, "oauth_client.replace", client, before=before, after=security(client))
    return access


@transaction.atomic
def set_security(*, by: User, client: OAuthClient) -> OAuthClient:
    """Write how `client` proves itself and what its tokens look like. Raises Invalid, NotClientOwner, NotFound."""
    clients.require_owner(by, client)
    client_metadata.check(client)
    take_turn()
    stored = OAuthClient.objects.get(pk=client.pk)
    client.save(
        update_fields=[
            "token_format",
            "auth_method",
            "jwks",
            "tls_subject",
            "bound_tokens",
            "post_logout_redirect_uris",
        ]
    )
    follow_opaque(client)
    audit.record(by, "oauth_client.security", client, before=security(stored), after=security(client))
    return client


def security(client: OAuthClient) -> dict[str, object]:
    """What the audit trail keeps of these columns."""
    names = ("token_format", "auth_method", "tls_subject", "bound_tokens", "post_logout_redirect_uris", "scopes")
    return {name: getattr(client, name) for name in names}
