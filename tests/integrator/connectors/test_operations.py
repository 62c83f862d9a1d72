"""Every operation of every connector: read, written and read again, with literals and expressions; connections that change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from integrator.connectors import NAMES
from integrator.connectors.reference import built_in
from integrator.engine.connectors import finding
from integrator.engine.connectors.connections import Connections
from integrator.engine.connectors.declare import ANSWER, Connector, Parameter
from integrator.engine.errors import DeploymentError
from integrator.engine.mediators.base import parse_one
from integrator.engine.reader import read_xml
from integrator.engine.xmltools import serialise
from tests.integrator.connectors.world import NS, flows_of
from tests.integrator.engine.harness import backend, eventually, write

VALUES = {
    "string": "word",
    "integer": "3",
    "number": "1.5",
    "boolean": "true",
    "json": '{"a":[1]}',
    "xml": "<a>1</a>",
    "any": "x",
}
EVERY = [(connector, name) for connector in built_in() for name in ("init", *connector.operations)]


@pytest.fixture(autouse=True)
def _built_in() -> Iterator[None]:
    finding.use(["integrator.connectors"])
    yield


def parameters(connector: Connector, name: str) -> list[Parameter]:
    if name == "init":
        return list(connector.connection)
    operation = connector.operations[name]
    return [*operation.parameters.values(), *(ANSWER if operation.answers else ())]


def element(connector: Connector, name: str, expressions: bool) -> str:
    root = etree.Element(f"{{{NS}}}{connector.name}.{name}", nsmap={None: NS})
    for parameter in parameters(connector, name):
        child = etree.SubElement(root, f"{{{NS}}}{parameter.name}")
        literal = parameter.choices[0] if parameter.choices else VALUES[parameter.kind]
        child.text = "{json-eval($.x)}" if expressions else literal
    return etree.tostring(root).decode()


@pytest.mark.parametrize("expressions", [False, True])
@pytest.mark.parametrize(("connector", "name"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_round_trip(connector: Connector, name: str, expressions: bool) -> None:
    first = parse_one(*read_xml(element(connector, name, expressions), "a.xml"))
    again = parse_one(*read_xml(serialise(first.write()), "a.xml"))
    assert serialise(again.write()) == serialise(first.write())
    shown = [
        [(parameter.name, type(value).__name__, value.text) for parameter, value in record.arguments]  # type: ignore[attr-defined]
        for record in (first, again)
    ]
    assert shown[0] == shown[1]
    common = {"name", "connectionType"} if name == "init" else set()
    assert {shown_name for shown_name, *_ in shown[0]} == common | {item.name for item in parameters(connector, name)}


@pytest.mark.parametrize(("connector", "name"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_an_unknown_parameter_and_a_wrong_literal_are_refused(connector: Connector, name: str) -> None:
    text = f'<{connector.name}.{name} xmlns="{NS}"><nonsense/></{connector.name}.{name}>'
    with pytest.raises(DeploymentError, match=f"<nonsense> is not allowed in <{connector.name}.{name}>"):
        parse_one(*read_xml(text, "a.xml"))
    for parameter in parameters(connector, name):
        if parameter.kind in ("integer", "number", "boolean", "json") or parameter.choices:
            wrong = f'<{connector.name}.{name} xmlns="{NS}"><{parameter.name}>%no%</{parameter.name}></{connector.name}.{name}>'
            with pytest.raises(DeploymentError, match=f"parameter '{parameter.name}'"):
                parse_one(*read_xml(wrong, "a.xml"))


def test_all_are_found_by_name_and_only_those() -> None:
    for name in (*NAMES, "salesforce"):
        assert finding.find(name) is not None
    for name in ("reference", "asking", "tokens", "kafka.evil", "../x", "__init__", "os", ""):
        assert finding.find(name) is None, name


async def test_a_changed_connection_counts_from_the_next_message(tmp_path: Path) -> None:
    def entry(path: str, port: int) -> str:
        return f'<localEntry xmlns="{NS}" key="H"><http.init><baseUrl>http://127.0.0.1:{port}/{path}</baseUrl></http.init></localEntry>'

    async with backend([{"body": "x"}]) as stub:
        home = tmp_path / "h"
        write(home, "local-entries", "H", entry("one", stub.port))
        async with flows_of(home, {"f": '<http.get configKey="H"/>'}) as world:
            await world.post("f")
            write(home, "local-entries", "H", entry("another", stub.port))

            async def changed() -> bool:
                await world.post("f")
                return stub.seen[-1].target == "/another"

            await eventually(changed)
            assert stub.seen[0].target == "/one"


async def test_connections_are_shared_bounded_and_closed() -> None:
    made, closed = [], []

    async def make(name: str) -> str:
        made.append(name)
        return name

    held = Connections(most=2)
    for name in ("a", "a", "b", "a", "c"):
        assert await held.get(name, lambda name=name: make(name), closed.append) == name  # type: ignore[misc]
    assert (made, closed) == (["a", "b", "c"], ["b"])

    async def fail() -> str:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await held.get("d", fail)
    await held.drop("a")
    await held.close()
    assert closed == ["b", "a", "c"]


async def test_those_who_wait_behind_a_failed_connection_make_one() -> None:
    """However many wait while the first cannot connect, one of them connects for all: nothing is left open."""
    made = 0

    async def make() -> int:
        nonlocal made
        made += 1
        mine = made
        for _ in range(5):
            await asyncio.sleep(0)
        if mine == 1:
            raise OSError("no")
        return mine

    held = Connections()
    first = asyncio.gather(*(held.get("a", make) for _ in range(2)), return_exceptions=True)
    for _ in range(6):  # the first fails, the second goes on; now others come
        await asyncio.sleep(0)
    while made < 2:
        await asyncio.sleep(0)
    later = await asyncio.gather(*(held.get("a", make) for _ in range(3)))
    assert [type(one) for one in await first] == [OSError, int]
    assert later == [2, 2, 2] and made == 2
