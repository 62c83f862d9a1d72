"""Lets the floors above say which scopes a client may get (the scopes of the APIs it subscribed to)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from apim.accounts.models import User
    from apim.keymanager.models import OAuthClient
    from apim.keymanager.trial import Choices, Continue

ScopeProvider = Callable[["OAuthClient", "User | None"], Mapping[str, str]]
"""Gives scope → description for this client and, when a person stands behind it, this user."""

_providers: list[ScopeProvider] = []


def provides_scopes(provider: ScopeProvider) -> ScopeProvider:
    """Register `provider` (in `AppConfig.ready`); registering twice changes nothing."""
    if provider not in _providers:
        _providers.append(provider)
    return provider


LastUse = Callable[[], "datetime | None"]
"""Gives the moment until which something signed today may still be shown; None when there is nothing."""

_last_uses: list[LastUse] = []


def signs_for_long(last_use: LastUse) -> LastUse:
    """Register what is signed with the platform's keys and lives longer than tokens (API keys), so that keys stay published."""
    if last_use not in _last_uses:
        _last_uses.append(last_use)
    return last_use


def last_uses() -> list[datetime]:
    """The moments that all of them name."""
    return [moment for last_use in _last_uses if (moment := last_use()) is not None]


def provided_scopes(client: OAuthClient, user: User | None) -> dict[str, str]:
    """What all providers allow together."""
    return {name: text for provider in _providers for name, text in provider(client, user).items()}


_explainer: list[tuple[Continue, Choices]] = []


def explains_clients(go_on: Continue, choices: Choices) -> None:
    """Register (in `AppConfig.ready`) what goes on with a token whose client is known, for the page that explains tokens."""
    _explainer[:] = [(go_on, choices)]


def explainer() -> tuple[Continue, Choices] | None:
    """What was registered; None without the floors above."""
    return _explainer[0] if _explainer else None
