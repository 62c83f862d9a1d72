"""Which elements of the artifact language run here, and the test that proves it: makes docs/coverage/integration.md.

`ids.txt` names every element, attribute, property, error code and behaviour of the language. A test says which of them it proves:
a case of `tests/corpus/mediation` in its key `covers`, a test function by `@covers("id", ...)`. `reasons.tsv` says why the others
are missing (a pattern, a tab, the reason). `python -m tests.integrator.coverage --write` makes the page, `--check` fails when it
is stale, when a mark names no id, or when an id has neither a test nor a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def covers(*ids: str) -> Callable[[Any], Any]:
    """Says that a test function proves these ids."""
    return pytest.mark.covers(*ids)
