"""The file connector on the disk: every operation, and every way out of the folders that the operator allows."""

from __future__ import annotations

import asyncio
import io
import warnings
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from tests.integrator.connectors.world import Flows, flows_of

OUTSIDE = "secret of the house"


@asynccontextmanager
async def disk(tmp_path: Path, flows: dict[str, str], more: str = "") -> AsyncIterator[tuple[Flows, Path]]:
    """A world whose `file` connection works in HOME/data, the only folder allowed."""
    home = tmp_path / "home"
    data = home / "data"
    data.mkdir(parents=True, exist_ok=True)
    (tmp_path / "outside.txt").write_text(OUTSIDE)
    connection = "<file.init><connectionType>LOCAL</connectionType><workingDir>data</workingDir></file.init>"
    toml = f'[connectors]\nfile_roots = ["data"]\n{more}'
    async with flows_of(home, flows, {"F": connection}, toml) as world:
        yield world, data


def step(operation: str, **parameters: Any) -> str:
    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in parameters.items())
    return f'<file.{operation} configKey="F">{inner}</file.{operation}>'


async def test_write_append_read_and_facts(tmp_path: Path) -> None:
    flows = {
        "write": step("write", filePath="/a/b.txt", contentOrExpression="{json-eval($.text)}", appendNewLine="true"),
        "new": step("write", filePath="/a/b.txt", contentOrExpression="x", writeMode="Create New"),
        "append": step("append", filePath="/a/b.txt", contentOrExpression="three"),
        "at": step("write", filePath="a/b.txt", contentOrExpression="zero\n", writeMode="Append", appendPosition="1"),
        "read": step("read", path="/a/b.txt"),
        "line": step("read", path="/a/b.txt", readMode="Between Lines", startLineNum="2", endLineNum="3"),
        "facts": step("read", path="/a/b.txt", readMode="Metadata Only"),
        "body": step("write", filePath="/body.json"),
        "found": step("checkExist", path="/a/b.txt"),
        "missing": step("checkExist", path="/a/c.txt"),
        "nothing": step("read", path="/a/c.txt"),
    }
    async with disk(tmp_path, flows) as (world, data):
        assert await world.json("write", {"text": "one\ntwö"}) == {"success": True, "writtenBytes": 9}
        assert (data / "a/b.txt").read_text() == "one\ntwö\n"
        fault = await world.fault("new")
        assert (fault["code"], fault["message"].split(": ")[0]) == ("700103", "FILE:FILE_ALREADY_EXISTS")
        await world.json("append")
        await world.json("at")
        answer = await world.post("read")
        assert answer.body.decode() == "zero\none\ntwö\nthree"
        assert answer.headers["content-type"].startswith("text/plain")
        assert (await world.post("line")).body.decode() == "one\ntwö"
        facts = (await world.json("facts"))["result"]
        assert (facts["FILE_NAME"], facts["FILE_SIZE"], facts["FILE_IS_DIR"]) == ("b.txt", 19, False)
        await world.json("body", {"k": 1})
        assert (data / "body.json").read_bytes() == b'{"k": 1}'
        assert (await world.json("found"))["result"] is True
        assert (await world.json("missing"))["result"] is False
        assert (await world.fault("nothing"))["code"] == "700102"
        assert sorted(path.name for path in data.rglob("*")) == ["a", "b.txt", "body.json"], "no part files stay"


async def test_lists_folders_copies_moves_renames_and_deletes(tmp_path: Path) -> None:
    flows = {
        "make": step("createDirectory", directoryPath="/in/sub"),
        "list": step("listFiles", directoryPath="/in", recursive="true"),
        "flat": step("listFiles", directoryPath="/in", matchingPattern=r".*\.csv", responseFormat="flat",
                     recursive="true", sortingAttribute="size", sortingOrder="descending", appendFileAttributes="true"),
        "ant": step("listFiles", directoryPath="/in", includeFiles="*.txt", excludeFiles="b*", responseFormat="Flat"),
        "content": step("fetchDirectoryContent", directoryPath="/in"),
        "copy": step("copy", sourcePath="/in", targetPath="/out", includeParent="true"),
        "again": step("copy", sourcePath="/in/a.txt", targetPath="/out/in"),
        "over": step("copy", sourcePath="/in/a.txt", targetPath="/out/in", overwrite="true"),
        "move": step("move", sourcePath="/out/in/a.txt", targetPath="/moved", renameTo="z.txt"),
        "into": step("move", sourcePath="/out", targetPath="/out/in", includeParent="true"),
        "rename": step("rename", path="/moved/z.txt", renameTo="y.txt"),
        "escape": step("rename", path="/moved/y.txt", renameTo="../y.txt"),
        "some": step("delete", path="/in", matchingPattern=r".*\.csv"),
        "all": step("delete", path="/out"),
    }  # fmt: skip
    async with disk(tmp_path, flows) as (world, data):
        await world.json("make")
        (data / "in/a.txt").write_text("a")
        (data / "in/b.txt").write_text("b")
        (data / "in/c.csv").write_text("cc")
        (data / "in/sub/d.csv").write_text("ddd")
        tree = (await world.json("list"))["directory"]
        assert tree == {
            "name": "in",
            "file": ["a.txt", "b.txt", "c.csv"],
            "directory": [{"name": "sub", "file": ["d.csv"]}],
        }
        flat = (await world.json("flat"))["files"]
        assert [(item["name"], item["size"]) for item in flat] == [("d.csv", 3), ("c.csv", 2)]
        assert [item["name"] for item in (await world.json("ant"))["files"]] == ["a.txt"]
        assert (await world.json("content"))["files"][0] == {"name": "a.txt", "content": "a"}
        await world.json("copy")
        assert (data / "out/in/sub/d.csv").read_text() == "ddd"
        assert (await world.fault("again"))["code"] == "700103"
        await world.json("over")
        await world.json("move")
        await world.json("rename")
        assert (data / "moved/y.txt").read_text() == "a"
        assert not (data / "out/in/a.txt").exists()
        assert (await world.fault("into"))["code"] == "700102"
        assert (await world.fault("escape"))["code"] == "700102"
        assert (await world.json("some"))["numberOfDeletedFiles"] == 1
        await world.json("all")
        assert sorted(path.name for path in data.iterdir()) == ["in", "moved"]


async def test_merge_split_compress_explore_unzip(tmp_path: Path) -> None:
    flows = {
        "merge": step("mergeFiles", sourceDirectoryPath="/in", targetFilePath="/all.txt", filePattern=r".*\.txt"),
        "lines": step("splitFile", sourceFilePath="/all.txt", targetDirectory="/parts", splitMode="Line Count", lineCount="2"),
        "bytes": step("splitFile", sourceFilePath="/all.txt", targetDirectory="/bytes", chunkSize="4"),
        "xml": step("splitFile", sourceFilePath="x.xml", targetDirectory="/xml",
                    splitMode="XPATH Expression", xpathExpression="//i"),
        "zip": step("compress", sourceDirectoryPath="/in", targetFilePath="/in.zip"),
        "names": step("exploreZipFile", zipFilePath="/in.zip"),
        "unzip": step("unzip", sourceFilePath="/in.zip", targetDirectory="/again"),
        "zipped": step("write", filePath="/w.txt", contentOrExpression="hello", compress="true"),
        "nozip": step("unzip", sourceFilePath="/all.txt", targetDirectory="/x"),
    }  # fmt: skip
    async with disk(tmp_path, flows) as (world, data):
        (data / "in/sub").mkdir(parents=True)
        (data / "in/1.txt").write_text("a\nb\n")
        (data / "in/2.txt").write_text("c\n")
        (data / "in/sub/3.bin").write_bytes(b"\0\1")
        (data / "x.xml").write_text("<r><i>1</i><i>2</i></r>")
        assert (await world.json("merge"))["result"] == {"numberOfMergedFiles": 2, "totalWrittenBytes": 6}
        assert (await world.json("lines"))["numberOfSplits"] == 2
        assert (data / "parts/all1.txt").read_text() == "a\nb\n"
        assert (await world.json("bytes"))["numberOfSplits"] == 2
        await world.json("xml")
        assert (data / "xml/x2.xml").read_text() == "<i>2</i>"
        await world.json("zip")
        assert sorted((await world.json("names"))["zipFileContent"]) == ["1.txt", "2.txt", "sub/3.bin"]
        await world.json("unzip")
        assert (data / "again/sub/3.bin").read_bytes() == b"\0\1"
        await world.json("zipped")
        assert zipfile.ZipFile(data / "w.txt.zip").read("w.txt") == b"hello"
        assert (await world.fault("nozip"))["code"] == "700108"


HOSTILE = ["../../outside.txt", "/../../outside.txt", "a/../../../outside.txt", "..", "a\\..\\b", "x\u0000y"]


async def test_no_path_leaves_the_folder(tmp_path: Path) -> None:
    dynamic = "{json-eval($.p)}"
    flows = {
        "read": step("read", path=dynamic),
        "write": step("write", filePath=dynamic, contentOrExpression="mine"),
        "delete": step("delete", path=dynamic),
        "list": step("listFiles", directoryPath=dynamic),
        "copy": step("copy", sourcePath="/here.txt", targetPath=dynamic),
        "from": step("copy", sourcePath=dynamic, targetPath="/"),
        "move": step("move", sourcePath="/here.txt", targetPath=dynamic),
        "unzip": step("unzip", sourceFilePath="/z.zip", targetDirectory=dynamic),
    }
    async with disk(tmp_path, flows) as (world, data):
        (data / "here.txt").write_text("here")
        with zipfile.ZipFile(data / "z.zip", "w") as archive:
            archive.writestr("outside.txt", "mine")
        for name in flows:
            for path in HOSTILE:
                assert (await world.fault(name, {"p": path}))["code"] == "700102", (name, path)
        assert (tmp_path / "outside.txt").read_text() == OUTSIDE
        assert sorted(path.name for path in data.iterdir()) == ["here.txt", "z.zip"]


async def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    dynamic = "{json-eval($.p)}"
    flows = {
        "read": step("read", path=dynamic),
        "write": step("write", filePath=dynamic, contentOrExpression="mine"),
        "append": step("append", filePath=dynamic, contentOrExpression="mine"),
        "list": step("listFiles", directoryPath=dynamic, recursive="true"),
        "copy": step("copy", sourcePath="/here.txt", targetPath=dynamic, overwrite="true"),
    }
    async with disk(tmp_path, flows) as (world, data):
        (data / "here.txt").write_text("here")
        (data / "file").symlink_to(tmp_path / "outside.txt")
        (data / "folder").symlink_to(tmp_path)
        (data / "inside").symlink_to(data / "here.txt")
        for name, path in (
            ("read", "/file"), ("read", "/folder/outside.txt"), ("write", "/file"), ("append", "/file"),
            ("write", "/folder/new.txt"), ("list", "/folder"), ("copy", "/folder"),
        ):  # fmt: skip
            assert (await world.fault(name, {"p": path}))["code"] == "700105", (name, path)
        assert (tmp_path / "outside.txt").read_text() == OUTSIDE
        assert not (tmp_path / "new.txt").exists()
        assert (await world.post("read", {"p": "/inside"})).body == b"here"
        assert (await world.json("list", {"p": "/"}))["directory"]["file"] == ["here.txt", "inside"]


async def test_archives_neither_leave_the_folder_nor_swell(tmp_path: Path) -> None:
    flows = {"f": step("unzip", sourceFilePath="{json-eval($.z)}", targetDirectory="/to")}
    async with disk(tmp_path, flows, "max_bytes = 100000\n") as (world, data):
        for number, name in enumerate(["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:evil.txt"]):
            with zipfile.ZipFile(data / f"{number}.zip", "w") as archive:
                archive.writestr("good.txt", "x")
                archive.writestr(name, "x")
            assert (await world.fault("f", {"z": f"/{number}.zip"}))["code"] == "700102", name
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("big.txt", b"0" * 5_000_000)
        (data / "bomb.zip").write_bytes(bomb.getvalue())
        assert "unpacks to more than 100000 bytes" in (await world.fault("f", {"z": "/bomb.zip"}))["message"]
        for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):  # of these the library unpacks all at once
            with zipfile.ZipFile(data / "odd.zip", "w", method) as archive:
                archive.writestr("a.txt", "x")
            assert "a method that is not taken" in (await world.fault("f", {"z": "/odd.zip"}))["message"]
        assert not (data / "to").exists()
        assert not list(tmp_path.rglob("evil.txt"))


async def test_without_folders_named_by_the_operator_nothing_is_read(tmp_path: Path) -> None:
    flows = {"f": step("read", path="/etc/hostname")}
    connection = "<file.init><connectionType>LOCAL</connectionType></file.init>"
    async with flows_of(tmp_path / "h", flows, {"F": connection}) as world:
        fault = await world.fault("f")
        assert (fault["code"], "[connectors] file_roots" in fault["message"]) == ("700105", True)
    async with flows_of(tmp_path / "i", flows, {"F": connection}, '[connectors]\nfile_roots = ["data"]\n') as world:
        assert (await world.fault("f"))["code"] == "700105"


async def test_files_longer_than_allowed_are_not_read(tmp_path: Path) -> None:
    async with disk(tmp_path, {"f": step("read", path="/long.txt")}, "max_bytes = 10\n") as (world, data):
        (data / "long.txt").write_text("x" * 11)
        assert "longer than the 10 bytes allowed" in (await world.fault("f"))["message"]


REMOTE = {
    "write": step("write", filePath="/d/a.txt", contentOrExpression="one\n"),
    "append": step("write", filePath="/d/a.txt", contentOrExpression="two\n", writeMode="Append"),
    "new": step("write", filePath="/d/a.txt", contentOrExpression="x", writeMode="Create New"),
    "read": step("read", path="/d/a.txt"),
    "list": step("listFiles", directoryPath="/", recursive="true"),
    "copy": step("copy", sourcePath="/d/a.txt", targetPath="/e"),
    "move": step("move", sourcePath="/e/a.txt", targetPath="/e", renameTo="b.txt"),
    "zip": step("compress", sourceDirectoryPath="/d", targetFilePath="/d.zip"),
    "gone": step("read", path="/nothing.txt"),
    "hostile": step("read", path="{json-eval($.p)}"),
    "delete": step("delete", path="/e"),
}


async def _remote(world: Flows, folder: Path) -> None:
    await world.json("write")
    await world.json("append")
    assert (folder / "d/a.txt").read_text() == "one\ntwo\n"
    assert (await world.fault("new"))["code"] == "700103"
    assert (await world.post("read")).body == b"one\ntwo\n"
    await world.json("copy")
    await world.json("move")
    assert (folder / "e/b.txt").read_text() == "one\ntwo\n"
    await world.json("zip")
    assert zipfile.ZipFile(folder / "d.zip").namelist() == ["a.txt"]
    tree = (await world.json("list"))["directory"]
    assert (tree["file"], [item["name"] for item in tree["directory"]]) == (["d.zip"], ["d", "e"])
    assert (await world.fault("gone"))["code"] == "700102"
    assert (await world.fault("hostile", {"p": "../../x"}))["code"] == "700102"
    assert (await world.fault("hostile", {"p": "a\r\nDELE d.zip"}))["code"] in ("700102", "700108")
    await world.json("delete")
    assert sorted(path.name for path in folder.iterdir()) == ["d", "d.zip"]


def _connection(kind: str, port: int, more: str = "", password: str = "pa55-word") -> str:
    return (
        f"<file.init><connectionType>{kind}</connectionType><host>127.0.0.1</host><port>{port}</port>"
        f"<username>ann</username><password>{password}</password>{more}</file.init>"
    )


async def test_sftp_against_a_real_server(tmp_path: Path) -> None:
    import asyncssh  # noqa: PLC0415  (heavy, and only this test needs it)

    folder = tmp_path / "served"
    folder.mkdir()

    class Doors(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("ann", "pa55-word")

    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(
        Doors, "127.0.0.1", 0, server_host_keys=[key],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder)),
    )  # fmt: skip
    port = server.sockets[0].getsockname()[1]
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    hosts = f"<knownHostsFile>{known}</knownHostsFile>"
    connections = {
        "F": _connection("SFTP", port, hosts),
        "W": _connection("SFTP", port, hosts, "wrong-word"),
        "U": _connection("SFTP", port),
    }
    read = {name: REMOTE["read"].replace('"F"', f'"{name}"') for name in ("W", "U")}
    async with server, flows_of(tmp_path / "h", {**REMOTE, **read}, connections) as world:
        await _remote(world, folder)
        for name in ("W", "U"):
            fault = await world.fault(name)
            assert fault["code"] == "700101"
            assert "word" not in fault["message"].lower().replace("password", "")


@pytest.fixture
def ftp(tmp_path: Path) -> Any:
    """Folder and port of an FTP server in a thread."""
    import threading  # noqa: PLC0415

    with warnings.catch_warnings():  # it stands on asyncore, which warns
        warnings.simplefilter("ignore")
        from pyftpdlib.authorizers import DummyAuthorizer  # noqa: PLC0415
        from pyftpdlib.handlers import FTPHandler  # noqa: PLC0415
        from pyftpdlib.servers import FTPServer  # noqa: PLC0415

    folder = tmp_path / "served"
    folder.mkdir()
    authorizer = DummyAuthorizer()
    authorizer.add_user("ann", "pa55-word", str(folder), perm="elradfmwMT")

    class Handler(FTPHandler):  # type: ignore[misc]
        auth_failed_timeout = 0

    Handler.authorizer = authorizer
    server = FTPServer(("127.0.0.1", 0), Handler)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            server.serve_forever(timeout=0.05, blocking=False)

    thread = threading.Thread(target=serve)
    thread.start()
    yield folder, server.socket.getsockname()[1]
    ended.set()
    thread.join(5)
    server.close_all()


async def test_ftp_against_a_real_server(tmp_path: Path, ftp: tuple[Path, int]) -> None:
    folder, port = ftp
    connections = {"F": _connection("FTP", port), "W": _connection("FTP", port, "", "wrong-word")}
    flows = {**REMOTE, "W": REMOTE["read"].replace('"F"', '"W"')}
    async with flows_of(tmp_path / "h", flows, connections) as world:
        await asyncio.wait_for(_remote(world, folder), 30)
        fault = await world.fault("W")
        assert fault["code"] == "700101"
        assert "wrong-word" not in str(fault)
