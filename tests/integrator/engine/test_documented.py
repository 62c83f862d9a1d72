"""The page of the engine names every mediator there is, and none that is not."""

from __future__ import annotations

import re
from pathlib import Path

from integrator.engine.mediators import base

PAGE = Path(__file__).parents[3] / "docs" / "integrator.md"


def test_the_list_of_mediators_is_that_of_the_engine() -> None:
    """Whoever adds an element adds it to the page."""
    found = re.search(r"Known now: (.*?)\. Anything else", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert {name.strip() for name in found[1].split(",")} == set(base._registry)  # noqa: SLF001
