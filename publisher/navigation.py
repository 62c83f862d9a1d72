"""The publisher's links in the header and the tabs of an API."""

from __future__ import annotations

from apim.accounts.roles import PUBLISHER_ROLES
from apim.ui import nav
from publisher.actions.access import DESIGNERS
from publisher.tabs import Tab, add


def register() -> None:
    """Fill the navigation; called once when the app is ready."""
    nav.register("publisher", "APIs", "publisher:apis", PUBLISHER_ROLES, icon="grid", order=10)
    nav.register("publisher", "Create API", "publisher:create", DESIGNERS, icon="plus", order=20)
    nav.register("publisher", "Policies", "publisher:policy_list", PUBLISHER_ROLES, icon="flow", order=30)
    nav.register("publisher", "Scopes", "publisher:scopes", PUBLISHER_ROLES, icon="key", order=40)
    add(Tab("overview", "Overview", "publisher:api", 10, "info"))
    add(Tab("info", "Basic info", "publisher:info", 20, "edit", group="Design"))
    add(Tab("operations", "Operations", "publisher:operations", 30, "list", group="Design"))
    add(Tab("definition", "Definition", "publisher:definition", 35, "file", group="Design"))
    add(Tab("endpoints", "Endpoints", "publisher:endpoints", 40, "settings", group="Configuration"))
    add(Tab("security", "Security", "publisher:security", 45, "lock", group="Configuration"))
    add(Tab("policies", "Policies", "publisher:policies", 47, "flow", group="Configuration"))
    add(Tab("runtime", "Runtime", "publisher:runtime", 48, "settings", group="Configuration"))
    add(Tab("plans", "Plans & limits", "publisher:plans", 50, "gauge", group="Configuration"))
    add(Tab("monetization", "Monetization", "publisher:monetization", 55, "chart", group="Configuration"))
    add(Tab("documents", "Documents", "publisher:documents", 62, "book"))
    add(Tab("comments", "Comments", "publisher:comments", 64, "mail"))
    add(Tab("deployments", "Deployments", "publisher:deployments", 70, "gateway"))
    add(Tab("lifecycle", "Life cycle", "publisher:lifecycle", 80, "refresh"))
