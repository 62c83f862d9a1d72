"""Words stay readable: the contrast of the tokens of app.css in both themes (WCAG 2.2, 1.4.3: at least 4.5 to 1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import apim.ui

CSS = (Path(apim.ui.__file__).parent / "static" / "ui" / "app.css").read_text()
TOKENS = {name: pair for name, *pair in re.findall(r"--([a-z0-9-]+): light-dark\((#\w+), (#\w+)\);", CSS)}
PAIRS = [
    *[("text", ground) for ground in ("bg", "surface", "raised", "sunken")],
    *[("muted", ground) for ground in ("bg", "surface", "raised", "sunken")],
    *[("accent", ground) for ground in ("bg", "surface", "accent-soft")],
    *[(kind, f"{kind}-soft") for kind in ("ok", "warn", "bad", "info")],
    *[(kind, "surface") for kind in ("ok", "warn", "bad", "info")],
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-bad", "bad-solid"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_words_stand_out(ink: str, ground: str, theme: int) -> None:
    assert contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


def test_measure_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
