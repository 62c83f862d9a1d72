"""The description of a portal theme: four colours for light and four for dark pages, a title, a logo; nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from apim.errors import FieldError, Invalid

COLOURS = ("accent", "background", "surface", "text")
MODES = ("light", "dark")
USUAL = {
    "light": {"accent": "#0b6870", "background": "#f6f7f8", "surface": "#ffffff", "text": "#172229"},
    "dark": {"accent": "#5ec8d0", "background": "#0f1316", "surface": "#161b1f", "text": "#e6ecef"},
}
"""What pages have without a theme; a colour that a theme does not name stays like this."""

LONGEST_TITLE = 40
LEAST_CONTRAST = {"text": 4.5, "accent": 3.0}
"""Against the surface (WCAG 2: body text, and large text or controls)."""

_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class _Plain(yaml.SafeLoader):
    """Without aliases: a few lines of them stand for more than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Raises YAMLError at an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class ThemeDescription:
    """A checked theme. `logo` is the path of an image inside the archive, empty for none."""

    light: dict[str, str]
    dark: dict[str, str]
    title: str = ""
    logo: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"title": self.title, "logo": self.logo, "light": self.light, "dark": self.dark}


def parse(text: bytes) -> ThemeDescription:
    """The theme in a file of an archive: our own form, or the original portal's palette. Raises Invalid naming the field."""
    try:
        found = json.loads(text) if text.lstrip()[:1] == b"{" else yaml.load(text, _Plain)  # noqa: S506 - a safe loader
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Invalid("The theme is neither JSON nor YAML.", [FieldError("theme.json", "not readable")]) from error
    return check(_translated(found) if isinstance(found, dict) else found)


def check(given: Any) -> ThemeDescription:
    """`given` as a theme. Raises Invalid naming every wrong field."""
    if not isinstance(given, dict):
        raise Invalid("A theme is an object.", [FieldError("theme", "must be an object")])
    wrong: list[FieldError] = []
    unknown = sorted(set(map(str, given)) - {"title", "logo", *MODES})
    wrong += [FieldError(name[:60], f"is none of title, logo, {', '.join(MODES)}") for name in unknown[:10]]
    title, logo = given.get("title") or "", given.get("logo") or ""
    if not isinstance(title, str) or len(title) > LONGEST_TITLE or not title.isprintable():
        wrong.append(FieldError("title", f"must be a text of at most {LONGEST_TITLE} characters"))
    if not isinstance(logo, str) or len(logo) > 200:
        wrong.append(FieldError("logo", "must be the path of an image in the archive"))
    colours = {mode: _colours(mode, given.get(mode) or {}, wrong) for mode in MODES}
    if not wrong:
        wrong += [one for mode in MODES for one in _unreadable(mode, colours[mode])]
    if wrong:
        raise Invalid(f"{wrong[0].field}: {wrong[0].message}.", wrong)
    return ThemeDescription(colours["light"], colours["dark"], title.strip(), logo.strip())


def contrast(one: str, other: str) -> float:
    """How far two colours (`#rrggbb`) are apart, from 1 to 21, as WCAG 2 measures it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _colours(mode: str, given: Any, wrong: list[FieldError]) -> dict[str, str]:
    if not isinstance(given, dict):
        wrong.append(FieldError(mode, f"must be an object of {', '.join(COLOURS)}"))
        return dict(USUAL[mode])
    for name in sorted(set(map(str, given)) - set(COLOURS))[:10]:
        wrong.append(FieldError(f"{mode}.{name[:60]}", f"is none of {', '.join(COLOURS)}"))
    found = dict(USUAL[mode])
    for name in COLOURS:
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, str) and _HEX.fullmatch(value):
            found[name] = _long(value)
        else:
            wrong.append(FieldError(f"{mode}.{name}", f"{str(value)[:40]!r} is not a colour like #0b6870"))
    return found


def _unreadable(mode: str, colours: dict[str, str]) -> Iterator[FieldError]:
    for name, least in LEAST_CONTRAST.items():
        for ground in ("surface", "background"):
            found = contrast(colours[name], colours[ground])
            if found < least:
                yield FieldError(
                    f"{mode}.{name}",
                    f"has a contrast of {found:.1f} to {ground} {colours[ground]}; people need at least {least}",
                )


def _long(value: str) -> str:
    return value.lower() if len(value) == 7 else "#" + "".join(2 * one for one in value[1:]).lower()


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _translated(found: dict[str, Any]) -> dict[str, Any]:
    """The original's `palette.primary.main`, `palette.background`, `palette.text`, `custom.appBar.logo`, `custom.title` in our
    words; the rest of such a file (fonts, measures, switches) has nothing here that it could mean."""
    palette = found.get("palette")
    if not isinstance(palette, dict):
        return found
    colours = {
        "accent": _at(palette, "primary", "main"),
        "background": _at(palette, "background", "default"),
        "surface": _at(palette, "background", "paper"),
        "text": _at(palette, "text", "primary"),
    }
    light = {name: value for name, value in colours.items() if isinstance(value, str) and _HEX.fullmatch(value)}
    logo, title = _at(found, "custom", "appBar", "logo"), _at(found, "custom", "title")
    return {
        "light": light,
        "logo": logo if isinstance(logo, str) else "",
        "title": title[:LONGEST_TITLE] if isinstance(title, str) else "",
    }


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
