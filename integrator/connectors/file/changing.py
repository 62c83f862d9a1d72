"""Operations that change: write, append, copy, move, rename, delete, createDirectory, mergeFiles, splitFile."""

from __future__ import annotations

import posixpath
from typing import Any

from lxml import etree

from integrator.connectors.file.connection import (
    FILTERS,
    IGNORED,
    RETRIES,
    Place,
    chosen,
    done,
    operation,
    text,
)
from integrator.connectors.file.faults import ALREADY_EXISTS, ILLEGAL_PATH, INVALID_CONFIGURATION, failed
from integrator.connectors.file.places import Info, copy_all, remove_all, walk
from integrator.engine.connectors.declare import Parameter
from integrator.engine.content.payload import encode_json
from integrator.engine.content.writers import write as write_payload
from integrator.engine.expressions.values import text_of
from integrator.engine.xmltools import XmlError, parse, serialise

NAMES = {"Overwrite": "over", "Append": "append", "Create New": "new"}
OVERWRITE = Parameter("overwrite", "Whether a target that exists is replaced.", "boolean", default=False)


def _content(place: Place) -> bytes:
    call, charset = place.call, place.call["encoding"]
    given = call["contentOrExpression"]
    try:
        if isinstance(given, bytes):
            return given
        if isinstance(given, dict | list) and not any(hasattr(item, "tag") for item in given):
            return encode_json(given)
        if given is not None:
            return (serialise(given) if hasattr(given, "tag") else text_of(given) or "").encode(charset)
        kind = call.values.get("mimeType") or "Automatic"
        return write_payload(call.message.payload, "" if kind == "Automatic" else kind)[0] or b""
    except (LookupError, UnicodeEncodeError) as error:
        raise failed(INVALID_CONFIGURATION, f"encoding {charset!r}: {error}") from error


WRITTEN = (
    text("filePath", "File."),
    Parameter("contentOrExpression", "What is written; the message's body without it.", "any"),
    Parameter("encoding", "Charset of text.", default="UTF-8"),
    Parameter("mimeType", "Form in which the body is written; Automatic leaves it as it is.", default="Automatic"),
    Parameter("appendNewLine", "Whether a line end is written behind it.", "boolean", default=False),
    Parameter("updateLastModified", "Taken and ignored.", "boolean"),
    Parameter("updateFilePermission", "Taken and ignored."),
    *RETRIES,
    *IGNORED,
)


@operation(
    *WRITTEN,
    Parameter("writeMode", "What happens to a file that exists.", default="Overwrite", choices=tuple(NAMES)),
    Parameter("appendPosition", "Line before which Append writes; 0 is the end.", "integer", default=0),
    Parameter("compress", "Whether a zip file with the content is written.", "boolean", default=False),
    reads_content=True,
)
async def write(place: Place) -> Any:
    """Write a file."""
    from integrator.connectors.file.archives import zipped  # noqa: PLC0415  (archives use this module's operations)

    call = place.call
    path, data, mode = place.path(call["filePath"]), _content(place), call["writeMode"]
    if call["appendNewLine"]:
        data += b"\n"
    if call["compress"]:
        path, data = f"{path}.zip", zipped([(posixpath.basename(path), data)])
    if mode == "Append" and call["appendPosition"] > 0:
        lines = (await place.files.read(path)).splitlines(keepends=True)
        lines.insert(call["appendPosition"] - 1, data)
        await place.files.write(path, b"".join(lines), "over")
    else:
        await place.files.write(path, data, NAMES[mode])
    return done(writtenBytes=len(data))


@operation(*WRITTEN, reads_content=True)
async def append(place: Place) -> Any:
    """Write behind what a file holds."""
    data = _content(place) + (b"\n" if place.call["appendNewLine"] else b"")
    await place.files.write(place.path(place.call["filePath"]), data, "append")
    return done(writtenBytes=len(data))


@operation(text("directoryPath", "Folder."), Parameter("autoCreate", "Taken and ignored.", "boolean"),
           Parameter("permissions", "Taken and ignored."), *IGNORED)  # fmt: skip
async def createDirectory(place: Place) -> Any:  # noqa: N802
    """Make a folder and those above it."""
    path = place.path(place.call["directoryPath"])
    if await place.files.info(path) is not None:
        raise failed(ALREADY_EXISTS, f"{place.call['directoryPath']!r} exists")
    await place.files.make(path)
    return done()


@operation(
    text("path", "File or folder; a folder goes with all that is in it."),
    Parameter("matchingPattern", "Delete the files of the folder whose names fit, not the folder."),
    *FILTERS,
    *RETRIES,
    *IGNORED,
)
async def delete(place: Place) -> Any:
    """Delete a file or folder, or some files of a folder."""
    call = place.call
    info = await place.existing(call["path"])
    filtered = call["matchingPattern"] or call["includeFiles"] or call["excludeFiles"] or call["maxFileAge"]
    if not (info.folder and filtered):
        await remove_all(place.files, info, call.limits.most)
        return done(numberOfDeletedFiles=1)
    fits = chosen(call, call["matchingPattern"])
    found = [item for item in await place.files.entries(info.path) if not item.folder and fits(item)]
    for item in found:
        await place.files.remove(item)
    return done(numberOfDeletedFiles=len(found))


TARGETS = (
    text("sourcePath", "File or folder."),
    text("targetPath", "Folder it goes to."),
    Parameter("includeParent", "Whether a folder goes as a whole, not only what is in it.", "boolean", default=False),
    Parameter("renameTo", "Its new name."),
    OVERWRITE,
    *FILTERS,
    *RETRIES,
    *IGNORED,
)


async def _pairs(place: Place, expression: str | None) -> list[tuple[Info, str]]:
    call = place.call
    info, target = await place.existing(call["sourcePath"]), place.path(call["targetPath"])
    rename = call["renameTo"]
    if rename and "/" in rename:
        raise failed(ILLEGAL_PATH, f"renameTo {rename!r}: a name is expected, not a path")
    if not info.folder:
        return [(info, posixpath.join(target, rename or info.name))]
    if call["includeParent"]:
        target = posixpath.join(target, rename or info.name)
    fits = chosen(call, expression)
    found = await place.files.entries(info.path)
    return [(item, posixpath.join(target, item.name)) for item in found if item.folder or fits(item)]


async def _clear(place: Place, target: str) -> None:
    held = await place.files.info(target)
    if held is None or held.folder:
        return
    if not place.call["overwrite"]:
        raise failed(ALREADY_EXISTS, f"{target!r} exists")
    await place.files.remove(held)


@operation(*TARGETS, Parameter("sourceFilePattern", "Regular expression of the files of a folder."))
async def copy(place: Place) -> Any:
    """Copy a file or folder into a folder."""
    for item, target in await _pairs(place, place.call["sourceFilePattern"]):
        await _clear(place, target)
        await copy_all(place.files, item, target, place.call.limits.most)
    return done()


@operation(
    *TARGETS,
    Parameter("filePattern", "Regular expression of the files of a folder."),
    Parameter("createParentDirectories", "Taken and ignored: they are made.", "boolean"),
    Parameter("isSourceMounted", "Taken and ignored.", "boolean"),
    Parameter("isTargetMounted", "Taken and ignored.", "boolean"),
)
async def move(place: Place) -> Any:
    """Move a file or folder into a folder."""
    for item, target in await _pairs(place, place.call["filePattern"]):
        if item.folder and (target + "/").startswith(item.path + "/"):
            raise failed(ILLEGAL_PATH, f"target {target!r} lies in the source {item.path!r}")
        await _clear(place, target)
        await place.files.rename(item.path, target)
    return done()


@operation(text("path", "File or folder."), text("renameTo", "Its new name."), OVERWRITE, *IGNORED)
async def rename(place: Place) -> Any:
    """Give a file or folder another name in its folder."""
    call = place.call
    info = await place.existing(call["path"])
    if "/" in call["renameTo"] or call["renameTo"] in (".", ".."):
        raise failed(ILLEGAL_PATH, f"renameTo {call['renameTo']!r}: a name is expected, not a path")
    target = posixpath.join(posixpath.dirname(info.path), call["renameTo"])
    await _clear(place, target)
    await place.files.rename(info.path, target)
    return done()


@operation(
    text("sourceDirectoryPath", "Folder of the files."),
    text("targetFilePath", "File they are written to, one behind the other by name."),
    Parameter("filePattern", "Regular expression of names."),
    Parameter("writeMode", "What happens to a target that exists.", default="Overwrite", choices=("Overwrite", "Append")),
    *FILTERS,
    *IGNORED,
)  # fmt: skip
async def mergeFiles(place: Place) -> Any:  # noqa: N802
    """Put the files of a folder into one."""
    call = place.call
    folder, target = await place.folder(call["sourceDirectoryPath"]), place.path(call["targetFilePath"])
    fits = chosen(call, call["filePattern"])
    found = [item async for item in walk(place.files, folder.path, 0, call.limits.most) if not item.folder]
    wanted = [item for item in found if fits(item) and item.path != target]
    total, mode = 0, NAMES[call["writeMode"]]
    for item in wanted:
        data = await place.files.read(item.path)
        await place.files.write(target, data, mode)
        mode, total = "append", total + len(data)
    return done(result={"numberOfMergedFiles": len(wanted), "totalWrittenBytes": total})


@operation(
    text("sourceFilePath", "File."),
    text("targetDirectory", "Folder of the parts, named like the file with a number."),
    Parameter("splitMode", "How it is split.", default="Chunk Size",
              choices=("Chunk Size", "Line Count", "XPATH Expression")),
    Parameter("chunkSize", "Bytes of a part.", "integer", default=0),
    Parameter("lineCount", "Lines of a part.", "integer", default=0),
    Parameter("xpathExpression", "XPath whose elements become the parts of an XML file."),
    *IGNORED,
)  # fmt: skip
async def splitFile(place: Place) -> Any:  # noqa: N802
    """Split a file into parts."""
    call = place.call
    info = await place.existing(call["sourceFilePath"])
    parts = _split(place, await place.files.read(info.path))
    stem, suffix = posixpath.splitext(info.name)
    folder = place.path(call["targetDirectory"])
    await place.files.make(folder)
    for number, data in enumerate(parts, 1):
        await place.files.write(posixpath.join(folder, f"{stem}{number}{suffix}"), data, "over")
    return done(numberOfSplits=len(parts))


def _split(place: Place, data: bytes) -> list[bytes]:
    call, most = place.call, place.call.limits.most
    if call["splitMode"] == "XPATH Expression":
        return parts_of(data, 0, 0, call["xpathExpression"] or "/*", most)
    if call["splitMode"] == "Chunk Size":
        return parts_of(data, call["chunkSize"], 0, None, most)
    return parts_of(data, 0, call["lineCount"], None, most)


def parts_of(data: bytes, size: int, lines: int, expression: str | None, most: int) -> list[bytes]:
    """A file's content by bytes, by lines, or by an XPath. Raises ConnectorError for more than `most` parts."""
    if expression:
        try:
            found = parse(data).xpath(expression)
        except (XmlError, etree.XPathError) as error:
            raise failed(INVALID_CONFIGURATION, f"the file cannot be split: {error}") from error
        parts = [serialise(item).encode() for item in found if hasattr(item, "tag")] if isinstance(found, list) else []
    elif size > 0:
        parts = [data[start : start + size] for start in range(0, len(data), size)]
    elif lines > 0:
        every = data.splitlines(keepends=True)
        parts = [b"".join(every[start : start + lines]) for start in range(0, len(every), lines)]
    else:
        raise failed(INVALID_CONFIGURATION, "bytes or lines of a part must be 1 or more")
    if len(parts) > most:
        raise failed(INVALID_CONFIGURATION, f"more than {most} parts")
    return parts
