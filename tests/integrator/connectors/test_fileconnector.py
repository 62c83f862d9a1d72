"""Version 3 of the file connector: addresses instead of connections, the same limits."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from integrator.connectors.fileconnector import NS
from tests.integrator.connectors.world import Flows, flows_of


def step(operation: str, **parameters: str) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return f"<fileconnector.{operation}>{inner}</fileconnector.{operation}>"


async def text(world: Flows, name: str, body: object = None) -> str:
    answer = await world.post(name, body)
    assert answer.status == 200, answer
    return answer.body.decode()


async def test_files_by_address(tmp_path: Path) -> None:
    data = tmp_path / "h" / "data"
    data.mkdir(parents=True)
    at = f"file://{data}"
    flows = {
        "create": step("create", filePath=f"{at}/in/a.txt", inputContent="one\ntwo\nthree\n"),
        "append": step("append", destination=f"{at}/in/a.txt", inputContent="four"),
        "body": step("create", filePath=f"{data}/b.json"),
        "read": step("read", source=f"{at}/in", filePattern=r".*\.txt", numberOfLinesToSkip="1"),
        "line": step("readALine", source=f"{at}/in/a.txt", lineNumber="2"),
        "lines": step("readSpecifiedLines", source=f"{at}/in/a.txt", start="2", end="3"),
        "exists": step("isFileExist", source=f"{at}/in/nothing"),
        "size": step("getSize", source=f"{at}/in/a.txt"),
        "search": step("search", source=at, filePattern=".*txt", recursiveSearch="true"),
        "copy": step("copy", source=f"{at}/in", destination=f"{at}/out", includeParentDirectory="true"),
        "move": step("move", source=f"{at}/out/in/a.txt", destination=f"{at}/moved"),
        "into": step("copy", source=f"{at}/in", destination=f"{at}/in/deeper"),
        "split": step("splitFile", source=f"{at}/in/a.txt", destination=f"{at}/parts", numberOfLines="2"),
        "merge": step("mergeFiles", source=f"{at}/parts", destination=f"{at}/merged.txt"),
        "zip": step("archives", source=f"{at}/parts", destination=f"{at}/p.zip"),
        "names": step("listFileZip", source=f"{at}/p.zip"),
        "unzip": step("unzip", source=f"{at}/p.zip", destination=f"{at}/again"),
        "evil": step("unzip", source=f"{at}/evil.zip", destination=f"{at}/again"),
        "delete": step("delete", source=f"{at}/again"),
        "any": step("read", source="{json-eval($.p)}"),
    }
    (tmp_path / "outside.txt").write_text("secret")
    toml = '[connectors]\nfile_roots = ["data"]\n'
    async with flows_of(tmp_path / "h", flows, toml=toml) as world:
        assert "<success>true</success>" in await text(world, "create")
        await text(world, "append")
        assert await text(world, "read") == "two\nthree\nfour"
        assert await text(world, "line") == "two\n"
        assert await text(world, "lines") == "two\nthree\n"
        assert "<fileExist>false</fileExist>" in await text(world, "exists")
        assert "<fileSize>18</fileSize>" in await text(world, "size")
        await text(world, "body", {"k": 1})
        assert (data / "b.json").read_bytes() == b'{"k": 1}'
        found = etree.fromstring((await text(world, "search")).encode())
        assert [item.text for item in found.iter(f"{{{NS}}}file")] == [f"{data}/in/a.txt"]
        await text(world, "copy")
        await text(world, "move")
        assert (data / "moved/a.txt").read_text() == (data / "in/a.txt").read_text()
        assert not (data / "out/in/a.txt").exists()
        assert (await world.fault("into"))["code"] == "700102"
        await text(world, "split")
        await text(world, "merge")
        assert (data / "merged.txt").read_text() == (data / "in/a.txt").read_text()
        await text(world, "zip")
        assert "a1.txt" in await text(world, "names")
        await text(world, "unzip")
        assert (data / "again/a1.txt").read_text() == "one\ntwo\n"
        with zipfile.ZipFile(data / "evil.zip", "w") as archive:
            archive.writestr("../../evil.txt", "x")
        assert (await world.fault("evil"))["code"] == "700102"
        await text(world, "delete")
        assert not (data / "again").exists()
        (data / "link").symlink_to(tmp_path / "outside.txt")
        for path, code in (
            (f"{data}/../../outside.txt", "700102"), (f"{at}/%2e%2e/%2e%2e/outside.txt", "700102"),
            (str(tmp_path / "outside.txt"), "700105"), (f"{data}/link", "700105"), ("http://x.example/a", "700107"),
            ("/etc/passwd", "700105"),
        ):  # fmt: skip
            assert (await world.fault("any", {"p": path}))["code"] == code, path
        fault = await world.fault("any", {"p": "sftp://u:url-word-8@127.0.0.1:1/x"})
        assert (fault["code"], "url-word-8" in str(fault)) == ("700101", False)
