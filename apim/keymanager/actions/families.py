"""Ends refresh tokens with everything that came of them: each family's access tokens are revoked at the gateways."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from apim.keymanager.actions.tokens import revoke_ids

AccessToken, RefreshToken = get_access_token_model(), get_refresh_token_model()


@transaction.atomic
def end_families(members: QuerySet[RefreshToken]) -> int:
    """End the families of these refresh tokens; how many access tokens a gateway might still have taken."""
    families = {family for family in members.values_list("token_family", flat=True) if family}
    rows = list(
        AccessToken.objects.filter(refresh_token__token_family__in=families).values_list(
            "token", "expires", "application__client_id"
        )
    )
    for family in families:
        RefreshToken.revoke_family(family)
    by_client: dict[str, list[tuple[str, int]]] = {}
    for jti, expires, client_id in rows:
        by_client.setdefault(client_id, []).append((jti, int(expires.timestamp())))
    return sum(revoke_ids(tokens, client_id) for client_id, tokens in by_client.items())
