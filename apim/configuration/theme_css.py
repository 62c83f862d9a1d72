"""A theme as what browsers load: a style sheet that gives the design system's tokens other values."""

from __future__ import annotations

from django.urls import reverse

from apim.accounts.models import Organisation
from apim.configuration.models import Theme
from apim.configuration.theme import MODES, contrast
from apim.ui.themes import Look


def sheet(description: dict[str, dict[str, str]]) -> str:
    """The style sheet of a checked description. Shades that a theme does not name are mixed from those it names."""
    light, dark = (description[mode] for mode in MODES)
    tokens = {
        "--accent": _pair(light["accent"], dark["accent"]),
        "--accent-hover": _pair(_mix(light["accent"], "#000000", 78), _mix(dark["accent"], "#ffffff", 78)),
        "--accent-soft": _pair(_mix(light["accent"], light["surface"], 13), _mix(dark["accent"], dark["surface"], 20)),
        "--on-accent": _pair(_on(light["accent"]), _on(dark["accent"])),
        "--focus": _pair(light["accent"], dark["accent"]),
        "--bg": _pair(light["background"], dark["background"]),
        "--surface": _pair(light["surface"], dark["surface"]),
        "--raised": _pair(light["surface"], _mix(dark["surface"], dark["text"], 96)),
        "--sunken": _pair(_mix(light["surface"], light["text"], 94), _mix(dark["surface"], dark["text"], 95)),
        "--text": _pair(light["text"], dark["text"]),
        "--muted": _pair(_mix(light["text"], light["surface"], 72), _mix(dark["text"], dark["surface"], 68)),
    }
    return ":root {\n" + "".join(f"  {name}: {value};\n" for name, value in tokens.items()) + "}\n"


def of_organisation(organisation: Organisation) -> Look | None:
    """Addresses of the organisation's style sheet and logo; None without a theme."""
    row = Theme.objects.filter(organisation=organisation).defer("logo").first()
    if row is None:
        return None
    version = f"?v={row.updated:%Y%m%d%H%M%S%f}"
    logo = reverse("configuration:logo") + version if row.logo_type else ""
    return Look(reverse("configuration:style") + version, logo, row.description.get("title", ""))


def _pair(light: str, dark: str) -> str:
    return f"light-dark({light}, {dark})"


def _mix(one: str, other: str, percent: int) -> str:
    return f"color-mix(in srgb, {one} {percent}%, {other})"


def _on(colour: str) -> str:
    return max(("#ffffff", "#05262a"), key=lambda ink: contrast(ink, colour))
