"""Carbon applications are uploaded, served, downloaded, replaced and removed; hostile uploads change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrator.management_api.answers import Refusal
from integrator.management_api.uploads import files_of
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import SERVER
from tests.integrator.management.world import car, form, managed


@covers("mgmt.applications", "mgmt.applications.name")
async def test_life_of_an_application(tmp_path: Path) -> None:
    """What it holds is served as soon as the upload is answered, and gone as soon as it was removed."""
    async with managed(tmp_path) as session:
        assert (await session.call("DELETE", "/applications/App_1.0.0"))[0] == 200
        assert (await session.running.call("GET", "/carapi/a")).status == 404
        body, kind = form("Shop_2.1.0.car", car("Shop"))
        told = await session.call("POST", "/applications", body, kind)
        assert told == (200, {"Message": "Successfully added Carbon Application Shop_2.1.0.car"})
        assert (await session.running.call("GET", "/carapi/a")).status == 200
        found = await session.get("/applications?carbonAppName=Shop")
        assert found["version"] == "1.0.0" and found["artifacts"] == [{"name": "carapi", "type": "api"}]
        answer = await session.raw(
            "GET", "/applications?carbonAppName=Shop", headers={"accept": "application/octet-stream"}
        )
        assert answer.body == car("Shop") and 'filename="Shop_2.1.0.car"' in answer.headers["content-disposition"]
        assert (await session.call("DELETE", "/applications/Shop"))[0] == 200
        assert (await session.running.call("GET", "/carapi/a")).status == 404
        assert (await session.call("DELETE", "/applications/Shop"))[0] == 404


async def test_hostile_uploads(tmp_path: Path) -> None:
    """Paths, other files, no zip, no file: refused, and nothing is written."""
    async with managed(tmp_path) as session:
        home = tmp_path / "home"
        before = sorted(home.rglob("*"))
        for name, data in (
            ("../evil.car", car()),
            ("a/b.car", car()),
            ("evil.xml", car()),
            (".hidden.car", car()),
            ("evil.car", b"no zip"),
            ("evil\x00.car", car()),
        ):
            body, kind = form(name, data)
            assert (await session.call("POST", "/applications", body, kind))[0] == 400, name
        for name in ("..%2f..%2fx", "App_1.0.0.car%2f..", "%00", "none"):
            assert (await session.call("DELETE", f"/applications/{name}"))[0] == 404, name
        assert sorted(home.rglob("*")) == before
        assert (home / SERVER / "carbonapps" / "App_1.0.0.car").is_file()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"x", "multipart/form-data"),
        (b"--b\r\n\r\nx", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nx\r\n" * 50 + b"--b--", "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data; boundary=b"),
    ],
)
def test_broken_bodies(data: bytes, kind: str) -> None:
    """A body without boundary, end or bound is refused."""
    with pytest.raises(Refusal):
        files_of(data, kind)
