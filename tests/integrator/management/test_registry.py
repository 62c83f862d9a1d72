"""Registry resources: written, read and removed below their roots, and never anywhere else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integrator.coverage import covers
from tests.integrator.management.world import managed

CONTENT, PROPERTIES = "/registry-resources/content?path=registry/", "/registry-resources/properties?path=registry/"


@covers(
    "mgmt.registry-resources",
    "mgmt.registry-resources.content",
    "mgmt.registry-resources.metadata",
    "mgmt.registry-resources.properties",
)
async def test_life_of_a_resource(tmp_path: Path) -> None:
    """Added with media type and properties, listed, seen by messages, changed, removed."""
    async with managed(tmp_path) as session:
        registry = session.running.service.engine.deployment.registry
        listed = await session.get("/registry-resources?path=registry/config")
        note = {"name": "notes.txt", "mediaType": "text/plain", "properties": [{"name": "owner", "value": "ann"}]}
        assert listed == {"count": 1, "list": [note]}
        target = f"{CONTENT}config/deep/a.json"
        assert (await session.call("POST", f"{target}&mediaType=application/json", b'{"a": 1}'))[0] == 200
        assert (await session.call("POST", f"{target}&mediaType=application/json", b"{}"))[0] == 409
        assert registry.read("conf:/deep/a.json") == b'{"a": 1}'
        assert (await session.call("PUT", target, b'{"a": 2}'))[0] == 200
        assert registry.read("conf:/deep/a.json") == b'{"a": 2}'
        assert await session.call("GET", target) == (200, '{"a": 2}')
        meta = await session.get("/registry-resources/metadata?path=registry/config/deep/a.json")
        assert meta == {"name": "a.json", "mediaType": "application/json"}
        place = f"{PROPERTIES}config/deep/a.json"
        given = [{"name": "p", "value": "1"}, {"name": "q", "value": "2"}]
        assert (await session.call("POST", place, given))[0] == 200
        assert await session.get(f"{place}&name=q") == {"name": "q", "value": "2"}
        assert registry.read_property("conf:/deep/a.json@p") == "1"
        assert (await session.call("DELETE", f"{place}&name=p"))[0] == 200
        assert await session.get(place) == {"count": 1, "list": [{"name": "q", "value": "2"}]}
        tree = await session.get("/registry-resources?path=registry/config&expand=true")
        deep = next(one for one in tree["files"] if one["name"] == "deep")
        assert deep["type"] == "directory" and [one["name"] for one in deep["files"]] == ["a.json"]
        assert (await session.call("DELETE", target))[0] == 200
        assert (await session.call("GET", target))[0] == 404
        assert list((tmp_path / "home/registry/config/deep").rglob("*.*")) == [
            tmp_path / "home/registry/config/deep/.metadata"
        ]


@pytest.mark.parametrize(
    "path",
    [
        "registry/config/../../conf/deployment.toml",
        "registry/../conf/deployment.toml",
        "/etc/passwd",
        "registry/config/../governance/x",
        "registry/other/x",
        "conf/deployment.toml",
        "registry/config/out/passwd",
        "registry/config/a\0b",
        "registry/config/" + "a" * 300,
        "registry/config/" + "d/" * 40 + "x",
        "registry/config/.metadata/notes.txt.meta",
    ],
)
async def test_nothing_outside_is_reached(tmp_path: Path, path: str) -> None:
    """Whatever a path spells, each method refuses it and nothing outside changes."""
    async with managed(tmp_path) as session:
        (tmp_path / "home/registry/config/out").symlink_to("/etc")
        before = (tmp_path / "home/conf/deployment.toml").read_text()
        for method, resource in (
            ("GET", "/content"),
            ("POST", "/content"),
            ("PUT", "/content"),
            ("DELETE", "/content"),
            ("GET", "/metadata"),
            ("GET", "/properties"),
            ("GET", ""),
        ):
            target = f"/registry-resources{resource}?path={quote(path)}&mediaType=text/plain"
            status, answer = await session.call(method, target, b"x" if method in ("POST", "PUT") else None)
            assert status == 400, (method, resource, status, answer)
        assert (tmp_path / "home/conf/deployment.toml").read_text() == before


async def test_bad_properties_and_roots(tmp_path: Path) -> None:
    """Names that would break the file of properties are refused; a whole root is not removed."""
    async with managed(tmp_path) as session:
        for given in (
            {},
            [],
            [{"name": "a=b", "value": "c"}],
            [{"name": "a", "value": "b\nc=d"}],
            [{"name": "a", "value": "b\rc=d"}],
            [{"name": "a", "value": "b\u2028c=d"}],
            [{"name": "a"}],
            ["a"],
        ):
            assert (await session.call("POST", f"{PROPERTIES}config/notes.txt", given))[0] == 400, given
        assert (await session.call("DELETE", f"{CONTENT}config"))[0] == 404
        assert (await session.call("DELETE", f"{CONTENT}config/."))[0] == 404
        below = f"{CONTENT}config/notes.txt/a.txt&mediaType=text/plain"
        assert (await session.call("POST", below, b""))[0] == 409
        assert (await session.call("GET", CONTENT + "config/" + quote("ä" * 190)))[0] == 400
        assert (await session.call("GET", f"{CONTENT}config/none"))[0] == 404
        assert (await session.call("POST", f"{CONTENT}config/x&mediaType=no", b""))[0] == 400
