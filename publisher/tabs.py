"""The tab bar of an API's pages. Floors above add theirs in `AppConfig.ready` with `add`."""

from __future__ import annotations

from dataclasses import dataclass

from apim.ui import nav

BAR = "publisher.api"


@dataclass(frozen=True)
class Tab:
    """One tab: `url_name` takes the API's id as its one argument; a low `order` stands left.

    Tabs of the same `group` stand below a tab of that name, which has the icon of the first of them.
    """

    name: str
    label: str
    url_name: str
    order: int = 500
    icon: str = ""
    roles: tuple[str, ...] = ()
    group: str = ""


def add(tab: Tab) -> None:
    """Show `tab` on every API's pages; adding it twice changes nothing."""
    nav.register(BAR, tab.label, tab.url_name, tab.roles, icon=tab.icon, order=tab.order, group=tab.group)
