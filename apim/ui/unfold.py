"""Looks of Django's admin as settings of django-unfold. Plain values only: Django's settings import this module."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static


def _file(path: str) -> Any:
    return lambda request: static(path)


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "APIM administration",
    "SITE_HEADER": "APIM",
    "SITE_SUBHEADER": "Administration",
    "SITE_URL": "/",
    "SITE_ICON": _file("ui/favicon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("ui/favicon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "9px",
    "DASHBOARD_CALLBACK": "apim.ui.admin_pages.dashboard",
    "STYLES": [_file("ui/admin.css")],
    "COLORS": {
        "base": {
            "50": "#f6f7f8", "100": "#eef1f3", "200": "#e0e5e8", "300": "#c6ced3", "400": "#93a2ab", "500": "#66767f",
            "600": "#4a5962", "700": "#37434b", "800": "#20292f", "900": "#161b1f", "950": "#0f1316",
        },
        "primary": {
            "50": "#eff9f9", "100": "#d9f0f1", "200": "#b5e1e4", "300": "#86dae0", "400": "#5ec8d0", "500": "#24929c",
            "600": "#0b6870", "700": "#084f56", "800": "#0a4248", "900": "#0c373c", "950": "#05262a",
        },
    },
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "apim.ui.admin_pages.sidebar"},
}  # fmt: skip
