"""Every mediator of this room's corpus: parse, write, parse again gives the same record and the same XML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from integrator.engine.mediators import Mediator, mediators
from integrator.engine.reader import read_xml
from integrator.engine.xmltools import serialise

CORPUS = Path(__file__).parents[3] / "corpus" / "mediation" / "more"
CASES = [
    pytest.param(case["in"], id=f"{file.stem}-{number}")
    for file in sorted(CORPUS.glob("*.yaml"))
    for number, case in enumerate(yaml.safe_load_all(file.read_text()), 1)
    if "in" in case
]


NAMESPACE = "http://ws.apache.org/ns/synapse"


def records(text: str) -> tuple[Mediator, ...]:
    """The mediators of a sequence with this content."""
    return mediators(*read_xml(f'<sequence xmlns="{NAMESPACE}">{text}</sequence>', "x.xml"))


@pytest.mark.parametrize("text", CASES)
def test_round_trip(text: str) -> None:
    """The same elements, attributes and children, however often it is written."""
    first = records(text)
    written = [serialise(record.write()) for record in first]
    again = records("".join(written))
    assert [serialise(record.write()) for record in again] == written
    assert [record.tag for record in again] == [record.tag for record in first]
    assert len(list(walk(again))) == len(list(walk(first))) > 0


def walk(found: tuple[Mediator, ...]) -> Iterator[Mediator]:
    """All mediators, those inside others too."""
    for record in found:
        yield record
        yield from walk(record.children())
