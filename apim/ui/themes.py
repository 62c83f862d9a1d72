"""Lets a floor above say how an organisation's developer portal looks; pages ask through the tag `portal_theme`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apim.accounts.models import Organisation


@dataclass(frozen=True)
class Look:
    """Addresses of an organisation's style sheet and logo (empty: the usual), and the words beside the logo."""

    style: str
    logo: str = ""
    title: str = ""


Provider = Callable[["Organisation"], Look | None]
_providers: list[Provider] = []


def themes_by(provider: Provider) -> None:
    """Register `provider(organisation)` (in `AppConfig.ready`)."""
    if provider not in _providers:
        _providers.append(provider)


def look_of(organisation: Organisation | None) -> Look | None:
    """How the organisation's portal looks; None for the usual look."""
    if organisation is None:
        return None
    return next((look for provider in _providers if (look := provider(organisation)) is not None), None)
