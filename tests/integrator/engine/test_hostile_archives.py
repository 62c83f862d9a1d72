"""Archives that mean harm: bombs, names that leave, links, twins, absurd counts. None is unpacked, all else runs."""

from __future__ import annotations

import io
import resource
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from integrator.engine.deploy.archive import MAX_ENTRIES, Archive, safe
from integrator.engine.deploy.capp import read_car
from integrator.engine.deploy.connectors import read_library
from integrator.engine.errors import DeploymentError
from tests.integrator.engine.archives import car, packed, put, text_api
from tests.integrator.engine.harness import integrator, write

GOOD = {"a": ("synapse/api", text_api("a", "x"))}


def again(data: bytes, change: Callable[[zipfile.ZipFile], None]) -> bytes:
    """An archive with something appended."""
    held = io.BytesIO(data)
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        change(archive)
    return held.getvalue()


def link(archive: zipfile.ZipFile) -> None:
    """A symbolic link."""
    item = zipfile.ZipInfo("a_1.0.0/link.xml")
    item.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(item, "/etc/passwd")


def named(*names: str) -> Callable[[zipfile.ZipFile], None]:
    """Files of these names."""

    def change(archive: zipfile.ZipFile) -> None:
        for name in names:
            archive.writestr(name, "x")

    return change


def bomb(archive: zipfile.ZipFile) -> None:
    """120 MB of nothing, which are 120 KB packed."""
    with archive.open("a_1.0.0/big", "w") as stream:
        for _ in range(120):
            stream.write(bytes(1024 * 1024))


def lzma(archive: zipfile.ZipFile) -> None:
    """Packed by a method that unpacks all at once."""
    archive.writestr("a_1.0.0/x", "x" * 1000, zipfile.ZIP_LZMA)


def lying(data: bytes) -> bytes:
    """An archive whose directory says that a file is much smaller than it is."""
    made = packed({"artifacts.xml": "<artifacts>" + " " * 100_000 + "</artifacts>"})
    at = made.rfind(b"PK\x01\x02")
    return made[: at + 24] + struct.pack("<I", 20) + made[at + 28 :]


def directory(data: bytes) -> bytes:
    """An archive whose end record promises a directory of gigabytes."""
    at = data.rfind(b"PK\x05\x06")
    return data[: at + 12] + struct.pack("<I", 0xF0000000) + data[at + 16 :]


CASES = {
    "climbs": (lambda data: again(data, named("../../evil.xml")), "leaves the archive"),
    "absolute": (lambda data: again(data, named("/etc/cron.d/evil")), "leaves the archive"),
    "backslash": (lambda data: again(data, named("..\\evil.xml")), "leaves the archive"),
    "drive": (lambda data: again(data, named("C:/evil.xml")), "leaves the archive"),
    "link": (lambda data: again(data, link), "a symbolic link is not allowed"),
    "twins": (lambda data: again(data, named("a_1.0.0/x", "a_1.0.0/x")), "two files of this name"),
    "bomb": (lambda data: again(data, bomb), "bytes unpacked"),
    "method": (lambda data: again(data, lzma), "packed by a method"),
    "count": (
        lambda data: again(data, named(*(f"f{n}" for n in range(MAX_ENTRIES)))),
        f"more than {MAX_ENTRIES} files",
    ),
    "directory": (directory, "its directory has"),
    "lies": (lying, "not readable|does not hold"),
    "cut": (lambda data: data[: len(data) // 2], "no end record"),
    "not": (lambda _: b"PK\x03\x04 and then nothing", "no end record"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", CASES)
def test_no_archive_gets_in(case: str) -> None:
    """The same bounds hold for cars and connectors; refusing costs next to no memory."""
    change, reason = CASES[case]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = change(car(GOOD))
    for read in (read_car, read_library):
        with pytest.raises(DeploymentError, match=reason):
            read(data, "evil")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"connector.xml": "<connector><component name='x'><dependency component='../..'/></component></connector>"},
            "no ../../",
        ),
        (
            {
                "connector.xml": "<connector><component name='x'><dependency component='c'/></component></connector>",
                "c/component.xml": "<component type='synapse/template'><subComponents><component name='o'>"
                "<file>../../../etc/passwd</file></component></subComponents></component>",
            },
            "a file of this folder is expected",
        ),
        (
            {
                "connector.xml": "<connector><component name='x'><dependency component='c'/></component></connector>",
                "c/component.xml": "<component type='lib/java'/>",
            },
            "allowed is synapse/template",
        ),
        ({"connector.xml": "<!DOCTYPE c [<!ENTITY a 'aaaa'>]><connector>&a;</connector>"}, "document type declaration"),
        ({"connector.xml": "<connector/>"}, "child <component> is required"),
        ({"other.xml": "<connector/>"}, "does not hold this file"),
    ],
)
def test_a_connector_that_names_what_it_does_not_hold(files: dict[str, str], reason: str) -> None:
    """Names in its descriptors reach nothing outside, entities are not expanded."""
    with pytest.raises(DeploymentError, match=reason):
        read_library(packed(files), "evil.zip")


def test_a_bomb_within_a_car() -> None:
    """A connector in a car is held to the same bounds."""
    inner = again(packed({"connector.xml": "<connector/>"}), bomb)
    application = read_car(car({"c": ("synapse/lib", inner)}), "App.car")
    assert application is not None
    with pytest.raises(DeploymentError, match="bytes unpacked"):
        Archive(application.parts[0].data, "inner")


@pytest.mark.parametrize("path", ["a/../../b", "/a", "", "a\\b", "c:/x", "a\0b", ".."])
def test_paths_that_leave(path: str) -> None:
    """None is safe."""
    assert not safe(path)
    assert safe("a/b..c/d.xml")


async def test_all_else_runs(tmp_path: Path) -> None:
    """Hostile archives are listed as refused; nothing is written outside, the good ones are deployed."""
    home = tmp_path / "home"
    for case in ("climbs", "link", "lies"):
        put(home, "carbonapps", f"{case}.car", CASES[case][0](car(GOOD)))
        put(home, "synapse-libs", f"{case}.zip", CASES[case][0](car(GOOD)))
    put(home, "carbonapps", "Good.car", car({"b": ("synapse/api", text_api("b", "runs"))}))
    write(home, "api", "c", text_api("c", "too"))
    files = {str(path) for path in tmp_path.rglob("*")}
    async with integrator(home) as running:
        assert len(running.service.engine.deployment.errors) == 6
        assert [(await running.call("GET", f"/{name}")).body for name in "bc"] == [b"runs", b"too"]
        assert {str(path) for path in tmp_path.rglob("*") if "/var" not in str(path)} <= files
