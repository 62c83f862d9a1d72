"""Operations that look: read, listFiles, checkExist, fetchDirectoryContent."""

from __future__ import annotations

import mimetypes
import posixpath
from datetime import UTC, datetime
from typing import Any

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
from integrator.connectors.file.faults import ILLEGAL_PATH, INVALID_CONFIGURATION, failed
from integrator.connectors.file.places import Info, walk
from integrator.engine.connectors.declare import Parameter, Result

MODES = ("Complete File", "Starting From Line", "Up To Line", "Between Lines", "Specific Line", "Metadata Only")
BY = {"Name": lambda item: item.name, "Size": lambda item: item.size, "LastModifiedTime": lambda item: item.modified}
SORTING = (
    Parameter("sortingAttribute", "What entries are sorted by.", default="Name", choices=tuple(BY)),
    Parameter("sortingOrder", "Which way.", default="Ascending", choices=("Ascending", "Descending")),
)


@operation(text("path", "File or folder."), *IGNORED)
async def checkExist(place: Place) -> Any:  # noqa: N802  (the artifact's name)
    """Whether a file or folder exists."""
    found = await place.files.info(place.path(place.call["path"]))
    return done(result=found is not None)


@operation(
    text("path", "File; or a folder, of which the first file that fits is read."),
    Parameter("filePattern", "Regular expression of the file's name in a folder."),
    Parameter("readMode", "Which part is read.", default=MODES[0], choices=MODES),
    Parameter("startLineNum", "First line, from 1.", "integer", default=0),
    Parameter("endLineNum", "Last line.", "integer", default=0),
    Parameter("lineNum", "The one line.", "integer", default=0),
    Parameter("contentType", "Content type of the body; by the file's name without it."),
    Parameter("encoding", "Charset of the file.", default="UTF-8"),
    Parameter("metadataOutputFormat", "Taken and ignored: times are ISO 8601."),
    *FILTERS,
    *RETRIES,
    *IGNORED,
)
async def read(place: Place) -> Any:
    """The content of a file becomes the body; its facts go into properties named FILE_…"""
    call = place.call
    info = await _file(place)
    facts = facts_of(info)
    call.message.properties.update(facts)
    if call["readMode"] == "Metadata Only":
        return Result(done(result=facts), attributes=facts)
    data = await place.files.read(info.path)
    kind = call["contentType"] or mimetypes.guess_type(info.name)[0] or "text/plain"
    charset = call["encoding"]
    if call["readMode"] != MODES[0]:
        data = _lines(place, data, charset)
    if kind.startswith("text/") or kind in ("application/json", "application/xml"):
        try:
            data = data.decode(charset).encode()
        except (LookupError, UnicodeDecodeError) as error:
            raise failed(INVALID_CONFIGURATION, f"encoding {charset!r}: {error}") from error
        kind = kind if "charset" in kind else f"{kind}; charset=UTF-8"
    return Result(data, kind, attributes=facts)


async def _file(place: Place) -> Info:
    call = place.call
    info = await place.existing(call["path"])
    if not info.folder:
        return info
    fits = chosen(call, call["filePattern"])
    found = next((item for item in await place.files.entries(info.path) if not item.folder and fits(item)), None)
    if found is None:
        raise failed(ILLEGAL_PATH, f"no file in {call['path']!r} fits")
    return found


def facts_of(info: Info) -> dict[str, Any]:
    """What the original tells of a file, by its names."""
    return {
        "FILE_NAME": info.name,
        "FILE_NAME_WITHOUT_EXTENSION": posixpath.splitext(info.name)[0],
        "FILE_PATH": info.path,
        "FILE_SIZE": info.size,
        "FILE_IS_DIR": info.folder,
        "FILE_LAST_MODIFIED_TIME": _time(info),
    }


def _time(info: Info) -> str:
    return datetime.fromtimestamp(info.modified, UTC).isoformat(timespec="seconds")


def _lines(place: Place, data: bytes, charset: str) -> bytes:
    call, mode = place.call, place.call["readMode"]
    first, last = 1, None
    if mode in ("Starting From Line", "Between Lines"):
        first = call["startLineNum"]
    if mode in ("Up To Line", "Between Lines"):
        last = call["endLineNum"]
    if mode == "Specific Line":
        first = last = call["lineNum"]
    if first < 1 or (last is not None and last < first):
        raise failed(INVALID_CONFIGURATION, f"{mode}: lines {first} to {last}; they count from 1")
    try:
        lines = data.decode(charset).splitlines()[first - 1 : last]
    except (LookupError, UnicodeDecodeError) as error:
        raise failed(INVALID_CONFIGURATION, f"encoding {charset!r}: {error}") from error
    return "\n".join(lines).encode(charset)


@operation(
    text("directoryPath", "Folder."),
    Parameter("matchingPattern", "Regular expression of names."),
    Parameter("recursive", "Whether folders below are listed too.", "boolean", default=False),
    Parameter("subDirectoryMaxDepth", "How many levels below.", "integer"),
    Parameter("responseFormat", "Form of the answer.", default="Hierarchical", choices=("Hierarchical", "Flat")),
    Parameter("appendFileAttributes", "Whether size and time are told.", "boolean", default=False),
    *SORTING,
    *FILTERS,
    *RETRIES,
    *IGNORED,
)
async def listFiles(place: Place) -> Any:  # noqa: N802
    """Names of the files in a folder."""
    call = place.call
    folder = await place.folder(call["directoryPath"])
    fits = chosen(call, call["matchingPattern"])
    given = call["subDirectoryMaxDepth"]
    depth = (given if given is not None else -1) if call["recursive"] else 0
    found = [item async for item in walk(place.files, folder.path, depth, call.limits.most)]
    wanted = sorted((item for item in found if not item.folder and fits(item)), key=BY[call["sortingAttribute"]])
    if call["sortingOrder"] == "Descending":
        wanted.reverse()
    if call["responseFormat"] == "Flat":
        return done(files=[_entry(item, call["appendFileAttributes"], True) for item in wanted])
    return done(directory=_tree(folder, wanted, found, call["recursive"], call["appendFileAttributes"]))


def _entry(item: Info, attributes: bool, path: bool = False) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": item.name} | ({"path": item.path} if path else {})
    return entry | ({"size": item.size, "lastModifiedTime": _time(item)} if attributes else {})


def _tree(folder: Info, wanted: list[Info], found: list[Info], recursive: bool, attributes: bool) -> dict[str, Any]:
    here = [item for item in wanted if posixpath.dirname(item.path) == folder.path]
    tree: dict[str, Any] = {"name": folder.name}
    if here:
        tree["file"] = [_entry(item, True) if attributes else item.name for item in here]
    below = [item for item in found if item.folder and posixpath.dirname(item.path) == folder.path]
    if recursive and below:
        tree["directory"] = [_tree(item, wanted, found, recursive, attributes) for item in below]
    return tree


@operation(
    text("directoryPath", "Folder."),
    Parameter("matchingPattern", "Regular expression of names."),
    Parameter("recursive", "Whether folders below are read too.", "boolean", default=False),
    *SORTING,
    *IGNORED,
)
async def fetchDirectoryContent(place: Place) -> Any:  # noqa: N802
    """Names and text of the files in a folder, as many bytes together as the operator allows."""
    call = place.call
    folder = await place.folder(call["directoryPath"])
    fits = chosen(call, call["matchingPattern"])
    left, contents = call.limits.largest, []
    found = [item async for item in walk(place.files, folder.path, -1 if call["recursive"] else 0, call.limits.most)]
    wanted = sorted((item for item in found if not item.folder and fits(item)), key=BY[call["sortingAttribute"]])
    for item in reversed(wanted) if call["sortingOrder"] == "Descending" else wanted:
        left -= item.size
        if left < 0:
            raise failed(ILLEGAL_PATH, f"{call['directoryPath']!r} holds more than {call.limits.largest} bytes")
        data = await place.files.read(item.path)
        contents.append({"name": item.name, "content": data.decode("utf-8", "replace")})
    return done(files=contents)
