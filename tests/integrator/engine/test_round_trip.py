"""Round trip of every artifact of the corpus: what is written of it reads as the same, compared by what it means.

Meaning is every field of every record, expressions by their text; places, compiled steps and elements are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import yaml

from integrator.engine import inject
from integrator.engine.artifacts import KINDS, read_artifact
from integrator.engine.deploy.build import INLINE
from integrator.engine.errors import DeploymentError, Place
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Mediator, known, parse_one
from integrator.engine.reader import Reader
from integrator.engine.sequence import Chain
from integrator.engine.xmltools import children, local, parse, serialise
from tests.integrator.coverage import covers
from tests.integrator.engine.test_corpus import CORPUS, artifacts

LEFT_OUT = ("place", "source", "compiled", "chain", "lock", "made", "held", "reader", "pool", "state")
FILES = sorted({str(file.relative_to(CORPUS)) for file in CORPUS.rglob("*.yaml")})


def meaning(value: Any, depth: int = 0) -> Any:
    """What a record says, as plain values."""
    assert depth < 60
    if isinstance(value, str | int | float | bool | bytes | type(None)):
        return value
    if isinstance(value, Place | Chain) or callable(value):
        return ""
    if isinstance(value, re.Pattern) or hasattr(value, "fullmatch"):
        return value.pattern
    if isinstance(value, Mapping):
        return {str(key): meaning(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [meaning(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    if isinstance(getattr(value, "tag", None), str) and hasattr(value, "nsmap"):
        return re.sub(r"\s+", " ", serialise(value))
    if isinstance(value, Expression):
        return [type(value).__name__, getattr(value, "text", "")]
    held = {item.name: getattr(value, item.name) for item in fields(value)} if is_dataclass(value) else vars_of(value)
    return [
        type(value).__name__,
        {key: meaning(item, depth + 1) for key, item in held.items() if key.lstrip("_") not in LEFT_OUT},
    ]


def vars_of(value: Any) -> dict[str, Any]:
    """Fields of an object that is no dataclass; nothing of one that does work, such as a lock."""
    if not type(value).__module__.startswith("integrator."):
        return {}
    return {key: item for key, item in getattr(value, "__dict__", {}).items() if not key.startswith("__")}


def cases(file: str) -> Iterator[tuple[str, str, str]]:
    """(kind, name, text) of every artifact of a file of the corpus."""
    for case in yaml.safe_load_all((CORPUS / file).read_text()):
        for kind, items in artifacts(case or {}).items():
            for name, text in items.items():
                filled = text.replace("{backend}", "http://backend.example").replace("{home}", "/home")
                if kind in KINDS:
                    yield kind, name, filled
                elif name == "synapse" and kind.endswith("default"):
                    yield from (
                        (INLINE[local(item)], name, serialise(item))
                        for item in children(parse(filled))
                        if local(item) in INLINE
                    )


def read(kind: str, text: str) -> Any:
    """The object of an artifact; None for one that is refused on purpose."""
    try:
        return read_artifact(kind, text, "f.xml").value
    except DeploymentError:
        return None


@pytest.fixture(autouse=True)
def _properties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(inject.file_properties, "backend", "http://backend.example")
    monkeypatch.setitem(inject.file_properties, "value", "v")


@pytest.mark.parametrize("file", FILES)
def test_written_and_read_again(file: str) -> None:
    """Each artifact, and each mediator of it by itself, says the same after write() and reading again."""
    for kind, name, text in cases(file):
        value = read(kind, text)
        if value is None:
            continue
        again = read(kind, serialise(parse(text)))
        assert meaning(again) == meaning(value), f"{kind} {name}"
        for mediator in inside(value):
            twin = parse_one(parse(serialise(mediator.write())), Reader("f.xml"))
            assert meaning(twin) == meaning(mediator), f"{kind} {name}: <{mediator.tag}> {mediator.place}"


def inside(value: Any, depth: int = 0) -> Iterator[Mediator]:
    """All mediators of an artifact."""
    if isinstance(value, Mediator):
        yield value
    if (
        depth > 40
        or isinstance(value, str | bytes | Chain | Expression)
        or not (is_dataclass(value) or isinstance(value, tuple | list | Mapping))
    ):
        return
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else None
    held = items if items is not None else [getattr(value, item.name) for item in fields(value)]
    for item in held:
        yield from inside(item, depth + 1)


@covers("artifact.sequence")
def test_every_kind_and_mediator_is_in_the_corpus() -> None:
    """The round trip above sees all kinds of artifacts and all mediators."""
    kinds, seen = set(), set()
    for file in FILES:
        for kind, _, text in cases(file):
            value = read(kind, text)
            if value is not None:
                kinds.add(kind)
                seen |= {local(mediator.source) for mediator in inside(value)}
    assert kinds >= KINDS.keys() - {"event-sources", "event-sinks"}
    assert {name for name in known() if name not in seen} <= {"NTLM"}  # proved by a test with a server of its own


def test_a_difference_is_seen() -> None:
    """The comparison tells records apart that differ in one value, one expression, or one child."""
    texts = (
        '<sequence name="s"><log level="full"/></sequence>',
        '<sequence name="s"><log level="simple"/></sequence>',
        '<sequence name="s"><log level="full"><property name="a" expression="//a"/></log></sequence>',
        '<sequence name="s"><log level="full"><property name="a" expression="//b"/></log></sequence>',
        '<sequence name="s"><filter xpath="//a"><then><log level="full"/></then></filter></sequence>',
        '<sequence name="s"><filter xpath="//a"><then><drop/></then></filter></sequence>',
    )
    found = [str(meaning(read("sequences", text))) for text in texts]
    assert len(set(found)) == len(texts)
