"""What people allowed clients for good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from apim.keymanager.grant_models import Consent

if TYPE_CHECKING:
    from apim.accounts.models import User
    from apim.keymanager.models import OAuthClient


def covers(user: User, client: OAuthClient, scopes: Iterable[str]) -> bool:
    """Whether `user` allowed `client` all of `scopes` before, and did not take it back."""
    given = Consent.objects.filter(user=user, client=client).values_list("scopes", flat=True).first()
    return given is not None and set(scopes) <= set(given)
