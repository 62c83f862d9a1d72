"""Operations on zip files: compress, unzip, exploreZipFile. Names stay in the target, sizes within the operator's limits."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterable
from typing import Any

from integrator.connectors.file.connection import FILTERS, IGNORED, Place, chosen, done, operation, text
from integrator.connectors.file.faults import ILLEGAL_PATH, OPERATION_ERROR, failed
from integrator.connectors.file.places import walk
from integrator.engine.connectors.declare import Parameter


def zipped(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip file of names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return buffer.getvalue()


@operation(
    text("sourceDirectoryPath", "Folder, or one file."),
    text("targetFilePath", "The zip file."),
    Parameter("includeSubDirectories", "Whether folders below go in too.", "boolean", default=True),
    Parameter("subDirectoryMaxDepth", "How many levels below.", "integer"),
    *FILTERS,
    *IGNORED,
)
async def compress(place: Place) -> Any:
    """Put a folder or file into a zip file."""
    call = place.call
    source, target = await place.existing(call["sourceDirectoryPath"]), place.path(call["targetFilePath"])
    fits, left, parts = chosen(call), call.limits.largest, []
    given = call["subDirectoryMaxDepth"]
    depth = (given if given is not None else -1) if call["includeSubDirectories"] else 0
    found = (
        [item async for item in walk(place.files, source.path, depth, call.limits.most)] if source.folder else [source]
    )
    for item in found:
        if item.folder or not fits(item) or item.path == target:
            continue
        left -= item.size
        if left < 0:
            raise failed(
                OPERATION_ERROR, f"{call['sourceDirectoryPath']!r} holds more than {call.limits.largest} bytes"
            )
        base = source.path if source.folder else posixpath.dirname(source.path)
        parts.append((posixpath.relpath(item.path, base), await place.files.read(item.path)))
    data = await call.blocking(zipped, parts)
    await place.files.write(target, data, "over")
    return done(numberOfFilesAdded=len(parts))


async def opened(place: Place, path: str) -> zipfile.ZipFile:
    """A zip file of a bounded number of entries. Raises ConnectorError."""
    data = await place.files.read((await place.existing(path)).path)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise failed(OPERATION_ERROR, f"{path!r} is no zip file: {error}") from error
    if len(archive.infolist()) > place.call.limits.most:
        raise failed(OPERATION_ERROR, f"{path!r} holds more than {place.call.limits.most} entries")
    return archive


@operation(text("zipFilePath", "The zip file."), *IGNORED)
async def exploreZipFile(place: Place) -> Any:  # noqa: N802
    """Names of what a zip file holds."""
    return done(zipFileContent=(await opened(place, place.call["zipFilePath"])).namelist())


@operation(
    text("sourceFilePath", "The zip file."),
    text("targetDirectory", "Folder that gets its files."),
    Parameter("fileNameEncoding", "Taken and ignored: names are read as the archive says."),
    *IGNORED,
)
async def unzip(place: Place) -> Any:
    """Unpack a zip file into a folder; none of it when a name leaves the folder or it is too large."""
    call = place.call
    archive, folder = await opened(place, call["sourceFilePath"]), place.path(call["targetDirectory"])
    parts = await call.blocking(unpacked, archive, call.limits.largest, call["sourceFilePath"])
    await place.files.make(folder)
    for name, data in parts:
        target = posixpath.join(folder, name)
        await (place.files.make(target.rstrip("/")) if name.endswith("/") else place.files.write(target, data, "over"))
    return done(zipFileContent=[name for name, _ in parts])


def unpacked(archive: zipfile.ZipFile, largest: int, path: str) -> list[tuple[str, bytes]]:
    """Names and contents, when every name stays in its folder and all fit. Raises ConnectorError."""
    for name in archive.namelist():
        if name.startswith(("/", "\\")) or "\\" in name or ".." in name.split("/") or "\0" in name or ":" in name:
            raise failed(ILLEGAL_PATH, f"entry {name!r} of {path!r} leaves the folder")
    left, found = largest, []
    for entry in archive.infolist():
        if entry.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):  # others unpack beyond what is asked for
            raise failed(OPERATION_ERROR, f"{path!r}: entry {entry.filename!r} is packed by a method that is not taken")
        try:
            with archive.open(entry) as stream:
                data = stream.read(left + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
            raise failed(OPERATION_ERROR, f"{path!r}: entry {entry.filename!r}: {error}") from error
        left -= len(data)
        if left < 0:
            raise failed(OPERATION_ERROR, f"{path!r} unpacks to more than {largest} bytes")
        found.append((entry.filename, data))
    return found
