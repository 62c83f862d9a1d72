"""Writes on tokens: one for trying out, and revocation that every gateway hears of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from apim.eventhub.prune import forget
from apim.eventhub.publish import Change, publish_all
from apim.keymanager import issue
from apim.keymanager import scopes as scope_rules
from apim.keymanager.actions.clients import require_owner
from apim.keymanager.errors import InvalidToken
from apim.keymanager.models import OAuthClient, OpaqueToken, RevokedToken
from apim.keymanager.signing import LONGEST_TEST_TOKEN
from apim.keymanager.verify import verify_signature
from gateway import schema

GRACE = 60
"""Seconds past its expiry that a token's revocation matters: for gateways' leeway, and clocks that are behind."""


def issue_test_token(
    *, by: User, client: OAuthClient, scopes: Sequence[str] = (), lifetime: int | None = None
) -> dict[str, Any]:
    """An access token of `client` itself, as the client-credentials grant would answer it; `lifetime` in seconds.

    Raises Invalid naming the field, NotClientOwner, NotFound.
    """
    require_owner(by, client)
    seconds = client.lifetime if lifetime is None else lifetime
    most = max(client.lifetime, LONGEST_TEST_TOKEN)
    if not 0 < seconds <= most:
        raise Invalid(
            "No such lifetime.", [FieldError("validityPeriod", f"{seconds} is not between 1 and {most} seconds")]
        )
    granted = _granted(client, scopes)
    token, claims = issue.access_token(client, scopes=granted, lifetime=seconds)
    audit.record(by, "oauth_client.test_token", client, after={"jti": claims["jti"], "scope": claims["scope"]})
    return {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": claims["scope"]}


def revoke_token(*, token: str, client: OAuthClient | None = None) -> bool:
    """Make `token`, an access token of ours, invalid everywhere. With `client`, only when it is that client's.

    False for a token that is unknown, expired or somebody else's: there is nothing to do then (RFC 7009 2.2).
    """
    try:
        claims = verify_signature(token)
    except InvalidToken:
        return False
    if client is not None and claims["client_id"] != client.client_id:
        return False
    OpaqueToken.objects.filter(jti=claims["jti"]).delete()
    return bool(revoke_ids([(claims["jti"], claims["exp"])], claims["client_id"]))


@transaction.atomic
def revoke_ids(tokens: Iterable[tuple[str, int]], client_id: str) -> int:
    """Revoke access tokens known by (jti, expiry in Unix seconds); how many some gateway may still take."""
    oldest = timezone.now().timestamp() - GRACE
    live = {jti: expires for jti, expires in tokens if expires > oldest}
    rows = [
        RevokedToken(jti=jti, expires=datetime.fromtimestamp(expires, UTC), client_id=client_id)
        for jti, expires in live.items()
    ]
    RevokedToken.objects.bulk_create(rows, ignore_conflicts=True)
    if live:
        publish_all([Change("revocation", jti, schema.Revocation(jti, expires)) for jti, expires in live.items()])
    return len(live)


@transaction.atomic
def prune_revocations() -> int:
    """Forget revocations of tokens that have expired by themselves; how many they were."""
    old = RevokedToken.objects.filter(expires__lt=timezone.now() - timedelta(seconds=GRACE))
    forget("revocation", old.values_list("jti", flat=True))
    return old.delete()[0]


def _granted(client: OAuthClient, wanted: Sequence[str]) -> list[str]:
    return scope_rules.allowed(wanted, client, None) or [scope_rules.DEFAULT]
