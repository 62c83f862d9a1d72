"""Authorization codes that were used: shown again, everything that was given for them is revoked (RFC 6749 4.1.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from oauth2_provider.models import get_refresh_token_model, refresh_token_expire_timedelta

from apim.keymanager.actions.families import end_families
from apim.keymanager.actions.tokens import revoke_ids
from apim.keymanager.grant_models import SpentCode
from apim.keymanager.opaque import checksum

if TYPE_CHECKING:
    from apim.keymanager.models import OAuthClient

RefreshToken = get_refresh_token_model()


def remember(code: str, client: OAuthClient, claims: dict[str, Any], refresh_token: str) -> None:
    """Keep what was given for `code` as long as any of it is good for something."""
    family = None
    token_expires = timezone.now() + timedelta(seconds=claims["exp"] - claims["iat"])
    expires = token_expires
    if refresh_token:
        family = (
            RefreshToken.objects.filter(token_checksum=checksum(refresh_token))
            .values_list("token_family", flat=True)
            .first()
        )
        expires += refresh_token_expire_timedelta() or timedelta()
    SpentCode.objects.get_or_create(
        checksum=checksum(code),
        defaults={
            "client": client,
            "jti": claims["jti"],
            "token_expires": token_expires,
            "family": family,
            "expires": expires,
        },
    )


def punish_replay(code: str, client: OAuthClient) -> None:
    """Revoke what was given for `code`, if it was used before: one of the two who showed it is a thief."""
    spent = SpentCode.objects.filter(checksum=checksum(code), client=client).first()
    if spent is None:
        return
    revoke_ids([(spent.jti, int(spent.token_expires.timestamp()))], client.client_id)
    if spent.family:
        end_families(RefreshToken.objects.filter(token_family=spent.family))


def prune() -> int:
    """Forget codes of which nothing is left that could be revoked; how many they were."""
    return SpentCode.objects.filter(expires__lt=timezone.now()).delete()[0]
