"""The ldap connector against ldaptor's server; what stands in a value never becomes part of a filter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from integrator.connectors.ldap import NS, filter_of, pairs_of
from integrator.engine.connectors.calls import ConnectorError
from tests.integrator.connectors.world import Flows, flows_of
from tests.support.ldap_server import BASE, PASSWORD, SERVICE, SERVICE_PASSWORD, Directory, running_directory


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """One server for this file."""
    with running_directory(tmp_path_factory.mktemp("ldap")) as running:
        yield running


def connection(server: Directory, password: str = SERVICE_PASSWORD) -> str:
    return (
        f"<ldap.init><providerUrl>ldap://127.0.0.1:{server.port}</providerUrl>"
        f"<securityPrincipal>{SERVICE}</securityPrincipal><securityCredentials>{escape(password)}</securityCredentials></ldap.init>"
    )


def step(operation: str, key: str = "L", **parameters: str) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return f'<ldap.{operation} configKey="{key}">{inner}</ldap.{operation}>'


FIND = step(
    "searchEntry",
    dn=BASE,
    objectClass="person",
    filters="{json-eval($.f)}",
    attributes="uid",
    allowEmptySearchResult="true",
)


async def found(world: Flows, name: str, given: object) -> list[str]:
    answer = await world.post(name, {"f": given})
    assert answer.status == 200, answer
    return [str(item.text) for item in etree.fromstring(answer.body).iter(f"{{{NS}}}uid")]


async def test_entries_come_and_change_and_go(tmp_path: Path, directory: Directory) -> None:
    cat = f"uid=cat,{BASE}"
    flows = {
        "add": step(
            "addEntry", dn=cat, objectClass="person", attributes='{"uid":"cat","sn":"Cat","mail":["a@x","b@x"]}'
        ),
        "update": step("updateEntry", dn=cat, attributes="sn=Kat", mode="replace"),
        "find": FIND,
        "delete": step("deleteEntry", dn=cat),
        "one": step("searchEntry", dn=BASE, objectClass="person", onlyOneReference="true"),
        "none": step("searchEntry", dn=BASE, filters='{"uid":"nobody"}'),
        "in": step("authenticate", dn=f"uid=ann,{BASE}", password="{json-eval($.p)}"),
    }
    async with flows_of(tmp_path / "h", flows, {"L": connection(directory)}) as world:
        added = await world.post("add")
        assert (added.status, b"Success" in added.body) == (200, True)
        assert (await world.post("update")).status == 200
        assert await found(world, "find", {"sn": "Kat"}) == ["cat"]
        assert (await world.post("delete")).status == 200
        assert (await world.fault("delete"))["code"] == "7000006"
        assert "more than one" in (await world.fault("one"))["message"]
        assert (await world.fault("none"))["code"] == "7000001"
        assert b"Success" in (await world.post("in", {"p": PASSWORD})).body
        wrong = await world.fault("in", {"p": "wrong-word-7"})
        assert (wrong["code"], "wrong-word-7" in str(wrong)) == ("7000002", False)
        assert "required" in (await world.fault("in", {"p": ""}))["message"], "an empty password asks nobody"


async def test_a_filter_cannot_be_injected(tmp_path: Path, directory: Directory) -> None:
    flows = {"find": FIND, "wild": FIND.replace("<attributes>", "<allowWildcards>true</allowWildcards><attributes>")}
    async with flows_of(tmp_path / "h", flows, {"L": connection(directory)}) as world:
        assert await found(world, "find", {"uid": "ann"}) == ["ann"]
        for hostile in ("*", "ann)(|(uid=*)", "*)(objectClass=*", "a\\6e*", "ann\u0000*"):
            assert await found(world, "find", {"uid": hostile}) == []
        assert await found(world, "find", {"uid": "o(k)*"}) == ["o(k)*"]
        assert sorted(await found(world, "wild", {"uid": "b*"})) == ["bea", "ben"]
        assert await found(world, "wild", {"uid": "b*)(uid=ann"}) == []
        fault = await world.fault("find", {"f": {"uid=*)(|(uid": "x"}})
        assert "is no name of an attribute" in fault["message"]


async def test_the_service_password_is_in_no_error(tmp_path: Path, directory: Directory) -> None:
    async with flows_of(tmp_path / "h", {"f": FIND}, {"L": connection(directory, "not-the-word")}) as world:
        fault = await world.fault("f", {"f": {"uid": "ann"}})
        assert (fault["code"], "not-the-word" in str(fault)) == ("7000002", False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('{"a":"1","b":["2","3"]}', {"a": ["1"], "b": ["2", "3"]}),
        ('"a":"1","b":"2"', {"a": ["1"], "b": ["2"]}),
        ("a=1, b=two words", {"a": ["1"], "b": ["two words"]}),
        ("", {}),
    ],
)
def test_attributes_are_read_in_all_forms(given: str, expected: dict[str, list[str]]) -> None:
    assert pairs_of(given, "attributes") == expected


def test_filters() -> None:
    assert filter_of("", {}) == "(objectClass=*)"
    assert filter_of("person", {"a": ["x*(y)"]}) == "(&(objectClass=person)(a=x\\2a\\28y\\29))"
    assert filter_of("", {"a": ["x*)"]}, wildcards=True) == "(a=x*\\29)"
    with pytest.raises(ConnectorError):
        pairs_of({"a)(b": "x"}, "filters")


@pytest.mark.parametrize(
    "given", [{"p": "any"}, {"d": "", "p": "any"}, {"d": None, "p": "any"}, {"d": f"uid=ann,{BASE}", "p": ""}]
)
async def test_nobody_is_not_somebody(tmp_path: Path, directory: Directory, given: dict[str, str | None]) -> None:
    """Servers take a log-in without name or password as one of nobody, and say yes; here it does not get that far."""
    flows = {"in": step("authenticate", dn="{json-eval($.d)}", password="{json-eval($.p)}")}
    async with flows_of(tmp_path / "h", flows, {"L": connection(directory)}) as world:
        assert "is required" in (await world.fault("in", given))["message"]
