"""The zip that integrators send and `/services/export` answers: a folder per service with metadata and definition.

Everything is read in memory and within bounds, so that no archive can fill the disk or leave its folder.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from apim.errors import Invalid
from catalog.definitions import check_definition, file_name
from catalog.metadata import ServiceMetadata, as_document, parse_metadata
from catalog.models import Service

LARGEST_ARCHIVE = 10 * 1024 * 1024
LARGEST_FILE = 4 * 1024 * 1024
LARGEST_TOTAL = 40 * 1024 * 1024
MOST_ENTRIES = 2000
LARGEST_RATIO = 200
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Bounds: bytes of the archive, of one file and of all files unpacked; entries; unpacked bytes for a packed one; methods of
packing: of the other ones the library unpacks all there is before it looks at any bound."""


UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,  # with NotImplementedError: a method or version that the library does not know
)
"""What the zip library raises for damaged archives."""


@dataclass(frozen=True)
class Entry:
    """One service of an archive. `md5` is that of the definition followed by that of the metadata, in hex."""

    folder: str
    metadata: ServiceMetadata
    definition: str
    md5: str


def read_archive(archive: bytes) -> list[Entry]:
    """The services of a zip, in the order of their folders. Raises Invalid naming the entry and the bound it breaks."""
    if len(archive) > LARGEST_ARCHIVE:
        raise Invalid(f"file: the archive has {len(archive)} bytes; at most {LARGEST_ARCHIVE} are allowed.")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            files = _unpack(opened)
    except UNREADABLE as error:
        raise Invalid(f"file: not a readable zip archive ({error}).") from error
    entries = [_entry(folder, members) for folder, members in sorted(_folders(files).items())]
    if not entries:
        raise Invalid(
            "file: the archive holds no service; each needs a folder with metadata.yaml and a definition file."
        )
    _refuse_twins(entries)
    return entries


def write_archive(services: Iterable[Service]) -> bytes:
    """The archive of these services, which `read_archive` accepts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for service in services:
            folder = PurePosixPath(f"{service.name}-{service.version}".replace("/", "_").replace("\\", "_")).name
            archive.writestr(f"{folder}/metadata.yaml", yaml.safe_dump(as_document(service), sort_keys=False))
            archive.writestr(f"{folder}/{file_name(service.definition_type)}", service.definition)
    return target.getvalue()


def fingerprint(definition: bytes, metadata: bytes) -> str:
    """The md5 by which clients see whether a service changed."""
    return "".join(hashlib.md5(part, usedforsecurity=False).hexdigest() for part in (definition, metadata))


def _unpack(opened: zipfile.ZipFile) -> dict[PurePosixPath, bytes]:
    members = opened.infolist()
    if len(members) > MOST_ENTRIES:
        raise Invalid(f"file: the archive has {len(members)} entries; at most {MOST_ENTRIES} are allowed.")
    files: dict[PurePosixPath, bytes] = {}
    total = 0
    for member in members:
        path = _safe_path(member)
        if member.is_dir() or "__MACOSX" in path.parts:
            continue
        if path in files:
            raise Invalid(f"file: the entry {member.filename!r} is there twice.")
        files[path] = _read(opened, member)
        total += len(files[path])
        if total > LARGEST_TOTAL:
            raise Invalid(f"file: the entries unpack to more than {LARGEST_TOTAL} bytes.")
    return files


def _safe_path(member: zipfile.ZipInfo) -> PurePosixPath:
    name = member.filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts or len(name) > 1000:
        raise Invalid(f"file: the entry {name[:200]!r} leaves the archive or has no usable name.")
    mode = member.external_attr >> 16
    if mode and stat.S_ISLNK(mode):
        raise Invalid(f"file: the entry {name[:200]!r} is a symbolic link.")
    return path


def _read(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & 0x1:
        raise Invalid(f"file: the entry {member.filename!r} is encrypted.")
    if member.compress_type not in METHODS:
        raise Invalid(f"file: the entry {member.filename!r} is packed by a method that is not taken; use deflate.")
    try:
        with opened.open(member) as source:
            data = source.read(LARGEST_FILE + 1)  # what is really there, whatever the header claims
    except (NotImplementedError, RuntimeError) as error:
        raise Invalid(f"file: the entry {member.filename!r} cannot be unpacked ({error}).") from error
    if len(data) > LARGEST_FILE:
        raise Invalid(f"file: the entry {member.filename!r} unpacks to more than {LARGEST_FILE} bytes.")
    if len(data) > LARGEST_RATIO * max(member.compress_size, 1) and len(data) > 100_000:
        raise Invalid(f"file: the entry {member.filename!r} is packed more than {LARGEST_RATIO} to one.")
    return data


def _folders(files: dict[PurePosixPath, bytes]) -> dict[str, dict[str, bytes]]:
    folders: dict[str, dict[str, bytes]] = {}
    for path, data in files.items():
        folders.setdefault(str(path.parent), {})[path.name] = data
    return {folder: members for folder, members in folders.items() if any(_kind(name) for name in members)}


def _kind(name: str) -> str:
    stem, _, extension = name.partition(".")
    if stem == "metadata" and extension in ("yaml", "yml", "json"):
        return "metadata"
    return "definition" if stem == "definition" and extension else ""


def _entry(folder: str, members: dict[str, bytes]) -> Entry:
    parts: dict[str, bytes] = {}
    for name, data in sorted(members.items()):
        kind = _kind(name)
        if kind in parts:
            raise Invalid(f"file: the folder {folder} holds more than one {kind} file.")
        if kind:
            parts[kind] = data
    for kind in ("metadata", "definition"):
        if kind not in parts:
            raise Invalid(f"file: the folder {folder} has no {kind} file.")
    metadata = parse_metadata(text_of(parts["metadata"], f"{folder}/metadata"), f"{folder}/metadata")
    definition = text_of(parts["definition"], f"{folder}/definition")
    check_definition(metadata.definition_type, definition, f"{folder}/definition")
    return Entry(folder, metadata, definition, fingerprint(parts["definition"], parts["metadata"]))


def text_of(data: bytes, where: str) -> str:
    """UTF-8 text without byte order mark. Raises Invalid naming `where`; NUL cannot be stored and is refused."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"{where} is not UTF-8 text (byte {error.start}).") from error
    if "\0" in text:
        raise Invalid(f"{where} holds a NUL character.")
    return text


def _refuse_twins(entries: list[Entry]) -> None:
    seen: dict[object, str] = {}
    for entry in entries:
        for identity in (("key", entry.metadata.key), (entry.metadata.name, entry.metadata.version)):
            if identity in seen:
                raise Invalid(
                    f"file: {seen[identity]} and {entry.folder} describe the same service {entry.metadata.key!r}."
                )
            seen[identity] = entry.folder
