"""The portal's places in the navigation: its own section, the tab bars of its pages, and one tab in the publisher."""

from __future__ import annotations

from apim.ui import nav
from publisher import tabs


def register() -> None:
    """Fill the navigation; called once when the app is ready."""
    nav.register("devportal", "APIs", "portal:apis", icon="grid", order=10)
    nav.register("devportal", "My applications", "portal:applications", icon="key", order=20, login=True)
    nav.register("portal.api", "Overview", "portal:api", icon="info", order=10)
    nav.register("portal.api", "Documents", "portal:documents", icon="book", order=12)
    nav.register("portal.api", "Comments", "portal:talk", icon="star", order=14)
    nav.register("portal.api", "SDKs", "portal:clients", icon="code", order=16)
    nav.register("portal.api", "Try out", "portal:tryout", icon="play", order=20)
    nav.register("portal.application", "Overview", "portal:application", icon="info", order=10)
    nav.register("portal.application", "Production keys", "portal:production_keys", icon="key", order=20)
    nav.register("portal.application", "Sandbox keys", "portal:sandbox_keys", icon="box", order=30)
    nav.register("portal.application", "Subscriptions", "portal:application_subscriptions", icon="link", order=40)
    tabs.add(tabs.Tab("subscriptions", "Subscriptions", "portal_publisher:subscriptions", order=600, icon="users"))
