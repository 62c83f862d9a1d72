"""Where people can go: sections of the header, links inside a section and tabs of a thing's page, filled in by the apps.

An app registers its links in `AppConfig.ready`; pages show only those whose roles the user has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import NoReverseMatch, get_script_prefix, reverse

from apim.accounts.roles import CATALOG_ROLES, PUBLISHER_ROLES

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from apim.accounts.models import User


@dataclass(frozen=True)
class Item:
    """A registered link. Without `roles` everybody sees it; `login` keeps it from anonymous visitors.

    Tabs with the same `group` share one tab of that name, below which they stand in a second row.
    """

    section: str
    label: str
    url_name: str
    roles: tuple[str, ...] = ()
    icon: str = ""
    order: int = 100
    login: bool = False
    group: str = ""

    def shown_to(self, user: User | AnonymousUser) -> bool:
        """Whether this user gets the link."""
        if not user.is_authenticated:
            return not (self.roles or self.login)
        return not self.roles or user.has_role(*self.roles)


@dataclass(frozen=True)
class Link:
    """A link ready to be drawn."""

    label: str
    url: str
    icon: str
    current: bool
    group: str = ""


@dataclass(frozen=True)
class Section:
    """One of the product's big parts, at a path of its own; pages below `also` belong to it too."""

    name: str
    label: str
    path: str
    icon: str
    roles: tuple[str, ...] = ()
    staff: bool = False
    also: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether the page at `path` (below the tenant's prefix) is in this section."""
        return path.startswith(tuple("/" + start for start in (self.path, *self.also)))

    def shown_to(self, user: User | AnonymousUser) -> bool:
        """Whether this user may enter the section."""
        if self.staff:
            return user.is_authenticated and user.is_staff
        return not self.roles or (user.is_authenticated and user.has_role(*self.roles))


SECTIONS = (
    Section("publisher", "Publisher", "publisher/", "edit", PUBLISHER_ROLES),
    Section("devportal", "Developer portal", "devportal/", "globe"),
    Section("catalog", "Service catalog", "service-catalog/", "box", CATALOG_ROLES, also=("integrator/",)),
    Section("admin", "Admin", "admin/", "settings", staff=True),
)
_items: dict[tuple[str, str], Item] = {}


def register(
    section: str,
    label: str,
    url_name: str,
    roles: tuple[str, ...] = (),
    *,
    icon: str = "",
    order: int = 100,
    login: bool = False,
    group: str = "",
) -> None:
    """Add a link to `section`: a name of SECTIONS, or a tab bar such as `publisher.api`. Registering twice changes nothing."""
    _items[section, url_name] = Item(section, label, url_name, tuple(roles), icon, order, login, group)


def sections(user: User | AnonymousUser, path: str) -> list[Link]:
    """The header's links for `user`; `path` is the path below the tenant's prefix, to mark where we are."""
    prefix = get_script_prefix()
    shown = [section for section in SECTIONS if section.shown_to(user)]
    return [Link(s.label, prefix + s.path, s.icon, s.holds(path)) for s in shown]


def section_of(path: str) -> str:
    """Name of the section that `path` is in, or an empty string."""
    return next((section.name for section in SECTIONS if section.holds(path)), "")


def links(section: str, user: User | AnonymousUser, here: str, *args: Any) -> list[Link]:
    """The links of `section` for `user`; `args` fill the addresses (the id of the thing whose tabs these are).

    The one with the longest address that `here` begins with is the current one.
    """
    shown = sorted(
        (item for item in _items.values() if item.section == section and item.shown_to(user)), key=lambda i: i.order
    )
    found = [(item, url) for item in shown if (url := _url(item, args))]
    best = max((url for _, url in found if here.startswith(url)), key=len, default=None)
    return [Link(item.label, url, item.icon, url == best, item.group) for item, url in found]


def grouped(found: list[Link]) -> tuple[list[Link], list[Link]]:
    """Two rows of tabs: the first with one tab for each group, leading to its first member; the second with the members
    of the group we are in, empty if we are in none."""
    inside = next((link.group for link in found if link.current), "")
    first: dict[str, Link] = {}
    for link in found:
        if link.group:
            first.setdefault(link.group, Link(link.group, link.url, link.icon, link.group == inside))
        else:
            first[link.url] = link
    return list(first.values()), [link for link in found if link.group and link.group == inside]


def _url(item: Item, args: tuple[Any, ...]) -> str | None:
    try:
        return reverse(item.url_name, args=args)
    except NoReverseMatch:
        return None
