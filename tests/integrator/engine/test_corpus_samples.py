"""The corpus holds at least one running and one refused sample of each mediator."""

from __future__ import annotations

import re
from typing import Any

import pytest

from integrator.engine.mediators.base import known
from tests.integrator.engine.test_corpus import CASES, artifacts

ELSEWHERE = {"NTLM": "its handshake needs a server that keeps connections: tests/integrator/engine/more/test_ntlm.py"}
"""Mediators whose running sample is no case of the corpus, and where it is."""


def samples(name: str) -> tuple[int, int]:
    """Running and refused cases that hold the element."""
    running = refused = 0
    element = re.compile(rf"<{re.escape(name)}[\s/>]")
    for parameters in CASES:
        case: dict[str, Any] = parameters.values[0]
        texts = [text for items in artifacts(case).values() for text in items.values() if element.search(text)]
        running += bool(texts and case.get("steps"))
        refused += any(element.search(text) for text in texts) and bool(case.get("refused"))
    return running, refused


@pytest.mark.parametrize("name", known())
def test_each_mediator_has_a_running_and_a_refused_sample(name: str) -> None:
    running, refused = samples(name)
    assert running or name in ELSEWHERE, f"no case of tests/corpus/mediation runs <{name}>"
    assert refused, f"no case of tests/corpus/mediation refuses a <{name}>"
