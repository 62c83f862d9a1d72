"""The admin site's start page: cards and figures that the apps fill in, in `AppConfig.ready`, without `ui` knowing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apim.accounts.queries import sees_every_organisation

if TYPE_CHECKING:
    from apim.accounts.models import User


@dataclass(frozen=True)
class Table:
    """What a card shows. A cell is text, or safe markup such as a badge of `apim.ui.templatetags.ui`."""

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str = "Nothing yet."
    more: str = ""
    """Address of the whole list; empty for none."""


@dataclass(frozen=True)
class Figure:
    """One number. `tone` is ok, warn or bad and colours it; `more` is where the number comes from."""

    label: str
    value: Any
    tone: str = ""
    more: str = ""


Content = Table | Figure | None


@dataclass(frozen=True)
class Card:
    """A registered builder: it gets the user and gives what to show, or None for nothing."""

    title: str
    build: Callable[[User], Content] = field(compare=False)
    order: int = 100
    platform: bool = False


_cards: dict[str, Card] = {}


def card(title: str, *, order: int = 100, platform: bool = False) -> Callable[[Callable[[User], Content]], Any]:
    """Decorate `build(user) -> Table | Figure | None`. With `platform` only administrators of the platform see it."""

    def register(build: Callable[[User], Content]) -> Callable[[User], Content]:
        _cards[title] = Card(title, build, order, platform)
        return build

    return register


def contents(user: User) -> tuple[list[Figure], list[dict[str, Any]]]:
    """Figures, and titled tables, for `user`, in their order."""
    everything = sees_every_organisation(user)
    built = [
        (one.title, one.build(user))
        for one in sorted(_cards.values(), key=lambda c: c.order)
        if everything or not one.platform
    ]
    figures = [content for _, content in built if isinstance(content, Figure)]
    return figures, [{"title": title, "table": content} for title, content in built if isinstance(content, Table)]
