"""Lets the floors above say which scopes a client may get (the scopes of the APIs it subscribed to)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apim.accounts.models import User
    from apim.keymanager.models import OAuthClient

ScopeProvider = Callable[["OAuthClient", "User | None"], Mapping[str, str]]
"""Gives scope → description for this client and, when a person stands behind it, this user."""

_providers: list[ScopeProvider] = []


def provides_scopes(provider: ScopeProvider) -> ScopeProvider:
    """Register `provider` (in `AppConfig.ready`); registering twice changes nothing."""
    if provider not in _providers:
        _providers.append(provider)
    return provider


def provided_scopes(client: OAuthClient, user: User | None) -> dict[str, str]:
    """What all providers allow together."""
    return {name: text for provider in _providers for name, text in provider(client, user).items()}
