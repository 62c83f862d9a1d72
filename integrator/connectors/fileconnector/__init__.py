"""fileconnector: the file connector's version 3, whose operations name files by address, without a connection."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from integrator.connectors.file.archives import opened, unpacked, zipped
from integrator.connectors.file.changing import parts_of
from integrator.connectors.file.connection import CONNECTOR as FILE
from integrator.connectors.file.connection import Place, pattern, place_of
from integrator.connectors.file.faults import ILLEGAL_PATH, INVALID_CONFIGURATION, failed
from integrator.connectors.file.places import Info, remove_all, walk
from integrator.engine.connectors.calls import Call, Described
from integrator.engine.connectors.declare import Connector, Parameter, Result
from integrator.engine.content.jsonxml import xml_text
from integrator.engine.content.payload import encode_json
from integrator.engine.content.writers import write as write_payload
from integrator.engine.expressions.values import text_of
from integrator.engine.xmltools import Element, serialise

NS = "http://org.wso2.esbconnectors.FileConnector"
KINDS = {"": "LOCAL", "file": "LOCAL", "ftp": "FTP", "ftps": "FTPS", "sftp": "SFTP"}

CONNECTOR = Connector(
    "fileconnector", "Files by address (version 3 of the file connector).", error_code=INVALID_CONFIGURATION[0],
    needs_connection=False,
)  # fmt: skip
ADDRESS = "A path, `file:///…`, or `ftp://`, `ftps://`, `sftp://` with `user:password@host`."
SOURCE, DESTINATION = (Parameter(name, ADDRESS, required=True) for name in ("source", "destination"))
PATTERN = Parameter("filePattern", "Regular expression of names.")
CONTENT = Parameter("inputContent", "Content; the message's body without it.", "any")
ENCODING = Parameter("encoding", "Charset of text.", default="UTF-8")
BELOW = Parameter("includeSubDirectories", "Whether folders below count too.", "boolean", default=True)
PARENT = Parameter("includeParentDirectory", "Whether a folder goes as a whole.", "boolean", default=False)
COMMON = (
    Parameter("setPassiveMode", "Whether FTP data connections are opened by the integrator.", "boolean", default=True),
    Parameter("setStrictHostKeyChecking", "Whether the SFTP server's key must be known.", "boolean", default=True),
    Parameter("knownHostsFile", "File of known host keys (ours)."),
    Parameter("sftpIdentities", "Private key file."),
    Parameter("sftpIdentityPassphrase", "Passphrase of that key.", secret=True),
    *(
        Parameter(name, "Taken and ignored.")
        for name in ("setTimeout", "setSoTimeout", "setUserDirIsRoot", "streaming")
    ),
)


@asynccontextmanager
async def at(call: Call, name: str) -> AsyncIterator[tuple[Place, str]]:
    """The file system and the path that a parameter's address names. Raises ConnectorError."""
    try:
        parts = urlsplit(call[name])
        port = parts.port
    except ValueError as error:
        raise failed(INVALID_CONFIGURATION, f"{name}: the address cannot be read") from error
    if parts.scheme not in KINDS:
        raise failed(INVALID_CONFIGURATION, f"{name}: allowed are a path, file, ftp, ftps and sftp addresses")
    values = {item.name: item.default for item in FILE.connection} | {
        "connectionType": KINDS[parts.scheme],
        "host": parts.hostname,
        "port": port,
        "username": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        "isPassive": call["setPassiveMode"],
        "strictHostKeyChecking": call["setStrictHostKeyChecking"],
        "knownHostsFile": call["knownHostsFile"],
        "privateKeyFilePath": call["sftpIdentities"],
        "privateKeyPassword": call["sftpIdentityPassphrase"],
    }
    path = unquote(parts.path) if parts.scheme else call[name]
    inner = Call(call.message, "file", call.operation, call.values, Described.of("file", values))
    async with place_of(inner) as place:
        yield place, path


def _operation(name: str, *parameters: Parameter, reads_content: bool = False) -> Callable[..., Any]:
    def decorate(run: Callable[[Call], Awaitable[Any]]) -> Callable[[Call], Awaitable[Any]]:
        CONNECTOR.operation(name, *parameters, *COMMON, reads_content=reads_content)(run)
        return run

    return decorate


def result(name: str = "success", value: object = "true") -> Element:
    """`<result>` with one child, as version 3 answers."""
    root = etree.Element("result")
    etree.SubElement(root, name).text = str(value)
    return root


def _listed(paths: list[str]) -> Element:
    root = etree.Element(f"{{{NS}}}result", nsmap={"ns": NS})
    for path in paths:
        etree.SubElement(root, f"{{{NS}}}file").text = xml_text(path)
    return root


def _content(call: Call) -> bytes:
    given, charset = call["inputContent"], call.values.get("encoding") or "UTF-8"
    if given is None:
        return write_payload(call.message.payload, "")[0] or b""
    if isinstance(given, bytes):
        return given
    try:
        if hasattr(given, "tag"):
            return serialise(given).encode(charset)
        return encode_json(given) if isinstance(given, dict | list) else (text_of(given) or "").encode(charset)
    except (LookupError, UnicodeEncodeError) as error:
        raise failed(INVALID_CONFIGURATION, f"encoding {charset!r}: {error}") from error


@_operation("create", Parameter("filePath", ADDRESS, required=True), CONTENT, ENCODING,
            Parameter("isBinaryContent", "Taken and ignored.", "boolean"), reads_content=True)  # fmt: skip
async def create(call: Call) -> Any:
    """Write a file."""
    async with at(call, "filePath") as (place, path):
        await place.files.write(place.path(path), _content(call), "over")
    return result()


@_operation("append", DESTINATION, CONTENT, ENCODING, reads_content=True)
async def append(call: Call) -> Any:
    """Write behind what a file holds."""
    async with at(call, "destination") as (place, path):
        await place.files.write(place.path(path), _content(call), "append")
    return result()


@_operation("isFileExist", SOURCE)
async def exists(call: Call) -> Any:
    """Whether a file or folder exists."""
    async with at(call, "source") as (place, path):
        return result("fileExist", str(await place.files.info(place.path(path)) is not None).lower())


@_operation("getSize", SOURCE)
async def size(call: Call) -> Any:
    """Bytes of a file."""
    async with at(call, "source") as (place, path):
        return result("fileSize", (await place.existing(path)).size)


@_operation("getLastModifiedTime", SOURCE, ENCODING)
async def modified(call: Call) -> Any:
    """When a file was changed, in milliseconds since 1970."""
    async with at(call, "source") as (place, path):
        return result("lastModifiedTime", int((await place.existing(path)).modified * 1000))


async def _one(call: Call, place: Place, path: str) -> Info:
    info = await place.existing(path)
    if not info.folder:
        return info
    fits = pattern(call.values.get("filePattern"))
    found = next((item for item in await place.files.entries(info.path) if not item.folder and fits(item.name)), None)
    if found is None:
        raise failed(ILLEGAL_PATH, "no file of the folder fits")
    return found


async def _lines(call: Call, first: int, last: int | None, kind: str) -> Any:
    async with at(call, "source") as (place, path):
        data = await place.files.read((await _one(call, place, path)).path)
    if first < 1 or (last is not None and last < first):
        raise failed(INVALID_CONFIGURATION, f"lines {first} to {last}; they count from 1")
    return Result(b"".join(data.splitlines(keepends=True)[first - 1 : last]), kind)


@_operation("read", SOURCE, PATTERN, Parameter("contentType", "Content type of the body.", default="text/plain"),
            Parameter("numberOfLinesToSkip", "Lines left out at the begin.", "integer", default=0))  # fmt: skip
async def read(call: Call) -> Any:
    """The content of a file becomes the body."""
    return await _lines(call, call["numberOfLinesToSkip"] + 1, None, call["contentType"])


@_operation("readALine", SOURCE, Parameter("lineNumber", "Line, from 1.", "integer", required=True))
async def read_line(call: Call) -> Any:
    """One line of a file becomes the body."""
    return await _lines(call, call["lineNumber"], call["lineNumber"], "text/plain")


@_operation("readSpecifiedLines", SOURCE, Parameter("contentType", "Content type of the body.", default="text/plain"),
            Parameter("start", "First line, from 1.", "integer", default=1),
            Parameter("end", "Last line.", "integer"))  # fmt: skip
async def read_lines(call: Call) -> Any:
    """Lines of a file become the body."""
    return await _lines(call, call["start"], call["end"], call["contentType"])


@_operation("search", SOURCE, Parameter("filePattern", "Regular expression of names.", required=True),
            Parameter("recursiveSearch", "Whether folders below are searched too.", "boolean", default=False))  # fmt: skip
async def search(call: Call) -> Any:
    """Paths of the files of a folder that fit."""
    fits = pattern(call["filePattern"])
    async with at(call, "source") as (place, path):
        folder = await place.folder(path)
        found = walk(place.files, folder.path, -1 if call["recursiveSearch"] else 0, call.limits.most)
        return _listed([item.path async for item in found if not item.folder and fits(item.name)])


@_operation("delete", SOURCE, PATTERN, BELOW)
async def delete(call: Call) -> Any:
    """Delete a file, a folder, or the files of a folder that fit."""
    async with at(call, "source") as (place, path):
        info = await place.existing(path)
        if info.folder and call["filePattern"]:
            fits = pattern(call["filePattern"])
            depth = -1 if call["includeSubDirectories"] else 0
            found = [item async for item in walk(place.files, info.path, depth, call.limits.most)]
            for item in found:
                if not item.folder and fits(item.name):
                    await place.files.remove(item)
        else:
            await remove_all(place.files, info, call.limits.most)
    return result()


async def _transfer(call: Call, remove: bool) -> Any:
    fits = pattern(call["filePattern"])
    async with at(call, "source") as (source, path), at(call, "destination") as (target, folder):
        info = await source.existing(path)
        base, there = info.path, target.path(folder)
        if not info.folder:
            found, base = [info], posixpath.dirname(info.path)
        else:
            depth = -1 if call["includeSubDirectories"] else 0
            found = [item async for item in walk(source.files, info.path, depth, call.limits.most)]
            there = posixpath.join(there, info.name) if call["includeParentDirectory"] else there
            if source.files.__class__ is target.files.__class__ and (there + "/").startswith(info.path + "/"):
                raise failed(ILLEGAL_PATH, "the destination lies in the source")
        for item in found:
            if not item.folder and fits(item.name):
                goal = posixpath.join(there, posixpath.relpath(item.path, base))
                await target.files.write(goal, await source.files.read(item.path), "over")
                if remove:
                    await source.files.remove(item)
        if remove and info.folder and not call["filePattern"]:
            await remove_all(source.files, info, call.limits.most)
    return result()


@_operation("copy", SOURCE, DESTINATION, PATTERN, PARENT, BELOW)
async def copy(call: Call) -> Any:
    """Copy a file or what is in a folder into a folder, also from one server to another."""
    return await _transfer(call, False)


@_operation("move", SOURCE, DESTINATION, PATTERN, PARENT, BELOW)
async def move(call: Call) -> Any:
    """Move a file or what is in a folder into a folder, also from one server to another."""
    return await _transfer(call, True)


@_operation("mergeFiles", SOURCE, DESTINATION, PATTERN)
async def merge(call: Call) -> Any:
    """Put the files of a folder into one."""
    fits, parts = pattern(call["filePattern"]), []
    async with at(call, "source") as (source, path), at(call, "destination") as (target, goal):
        folder = await source.folder(path)
        for item in await source.files.entries(folder.path):
            if not item.folder and fits(item.name):
                parts.append(await source.files.read(item.path))
        await target.files.write(target.path(goal), b"".join(parts), "over")
    return result()


@_operation(
    "splitFile", SOURCE, DESTINATION, Parameter("chunkSize", "Bytes of a part.", "integer"),
    Parameter("numberOfLines", "Lines of a part.", "integer"), Parameter("xpathExpression", "XPath of the parts of an XML file."),
)  # fmt: skip
async def split(call: Call) -> Any:
    """Split a file into parts, named like the file with a number."""
    async with at(call, "source") as (source, path), at(call, "destination") as (target, folder):
        info = await source.existing(path)
        data = await source.files.read(info.path)
        parts = parts_of(
            data, call["chunkSize"] or 0, call["numberOfLines"] or 0, call["xpathExpression"], call.limits.most
        )
        stem, suffix = posixpath.splitext(info.name)
        for number, part in enumerate(parts, 1):
            await target.files.write(posixpath.join(target.path(folder), f"{stem}{number}{suffix}"), part, "over")
    return result()


@_operation(
    "archives", SOURCE, DESTINATION, CONTENT, Parameter("fileName", "Name of `inputContent` in the zip file."), BELOW
)
async def archive(call: Call) -> Any:
    """Put a file or folder into a zip file."""
    parts, left = [], call.limits.largest
    async with at(call, "source") as (source, path), at(call, "destination") as (target, goal):
        info = await source.existing(path)
        depth = -1 if call["includeSubDirectories"] else 0
        found = (
            [item async for item in walk(source.files, info.path, depth, call.limits.most)] if info.folder else [info]
        )
        base = info.path if info.folder else posixpath.dirname(info.path)
        for item in found:
            if item.folder:
                continue
            left -= item.size
            if left < 0:
                raise failed(ILLEGAL_PATH, f"the source holds more than {call.limits.largest} bytes")
            parts.append((posixpath.relpath(item.path, base), await source.files.read(item.path)))
        await target.files.write(target.path(goal), await call.blocking(zipped, parts), "over")
    return result()


@_operation("listFileZip", SOURCE)
async def list_zip(call: Call) -> Any:
    """Names of what a zip file holds."""
    async with at(call, "source") as (place, path):
        return _listed((await opened(place, path)).namelist())


@_operation("unzip", SOURCE, DESTINATION)
async def unzip(call: Call) -> Any:
    """Unpack a zip file into a folder; none of it when a name leaves the folder or it is too large."""
    async with at(call, "source") as (source, path), at(call, "destination") as (target, folder):
        parts = await call.blocking(unpacked, await opened(source, path), call.limits.largest, posixpath.basename(path))
        for name, data in parts:
            goal = posixpath.join(target.path(folder), name)
            await (
                target.files.make(goal.rstrip("/")) if name.endswith("/") else target.files.write(goal, data, "over")
            )
    return result()
