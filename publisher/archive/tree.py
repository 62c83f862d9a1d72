"""An archive as files in memory. What a zip may hold is bounded here, so that nothing behind this file sees a hostile one."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator

from apim.errors import FieldError, Invalid

MOST_PACKED = 20 * 1024 * 1024
"""Bytes of an uploaded archive."""

MOST_BYTES = 60 * 1024 * 1024
"""Bytes of its files together, unpacked."""

MOST_IN_FILE = 20 * 1024 * 1024
MOST_FILES = 2_000
MOST_RATIO = 150
"""How much longer than its packed form a file of more than SMALL bytes may be; text reaches about 20."""

SMALL = 1024 * 1024
LONGEST_NAME = 400
MOST_FOLDERS = 12
SOURCE = "SourceArchive.zip"
_BESIDE = ("Deployment/", "intermediate_params.")
_ABSURD = re.compile(r"[\x00-\x1f\x7f<>:\"|?*]")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How files may be packed: of the other methods the library unpacks all there is before it looks at any bound."""

_STAMP = (1980, 1, 1, 0, 0, 0)
"""Archives of equal content are equal, whenever they were made."""


class BadArchive(Invalid):
    """The archive, or a file in it, cannot be taken; `fields` name file and field."""

    code, message = 900755, "The archive is not valid"


class Tree:
    """Files by path. Paths have `/`, no folder above, and do not begin with the archive's own folder."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files: dict[str, bytes] = files if files is not None else {}

    def put(self, path: str, content: bytes | str) -> None:
        """Add or replace a file."""
        self.files[path] = content.encode() if isinstance(content, str) else content

    def first(self, *paths: str) -> str:
        """The first of `paths` that is there; empty when none is."""
        return next((path for path in paths if path in self.files), "")

    def text(self, path: str) -> str:
        """A file's text. Raises BadArchive when it is missing or not UTF-8."""
        if path not in self.files:
            raise bad(path, "Is missing.")
        try:
            return self.files[path].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise bad(path, f"Is not UTF-8 text: {error.reason} at byte {error.start}.") from error

    def below(self, folder: str) -> Tree:
        """The files of a folder, with paths from there."""
        start = f"{folder}/"
        return Tree({path[len(start) :]: data for path, data in self.files.items() if path.startswith(start)})

    def folders(self) -> list[str]:
        """The names of the folders at the top, sorted."""
        return sorted({path.partition("/")[0] for path in self.files if "/" in path})

    def rooted(self, *main: str) -> Tree:
        """From the folder that holds one of the files `main`: this one, or the only one below it. Raises BadArchive."""
        if self.first(*main):
            return self
        holders = [folder for folder in self.folders() if self.below(folder).first(*main)]
        if len(holders) == 1:
            return self.below(holders[0])
        wanted = " or ".join(main)
        raise bad("file", f"The archive holds {'several folders with' if holders else 'no'} {wanted}.")


def bad(file: str, message: str, field: str = "") -> BadArchive:
    """The refusal of a file in an archive, or of a field in it."""
    place = f"{file}: {field}" if field else file
    return BadArchive(f"{place}: {message}", [FieldError(place, message)])


def pack(tree: Tree, folder: str) -> bytes:
    """A zip archive with everything in one folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(tree.files):
            entry = zipfile.ZipInfo(f"{folder}/{path}", _STAMP)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, tree.files[path])
    return buffer.getvalue()


def unpack(data: bytes) -> Tree:
    """The files of a zip archive. Raises BadArchive for one that is damaged, too large, or holds what no archive needs.

    The tool's form for deployments is taken apart: a folder `Deployment`, or only the parameters it chose from a file, beside
    the archive proper, which they are put into.
    """
    if len(data) > MOST_PACKED:
        raise bad("file", f"Is larger than {MOST_PACKED // 1024 // 1024} MB.")
    tree = _unpacked(data)
    path = next((one for one in tree.files if one.rpartition("/")[2] == SOURCE), "")
    if not path:
        return tree
    outside = tree.below(path.rpartition("/")[0]) if "/" in path else tree
    inner = _unpacked(tree.files[path])
    inner = inner.below(inner.folders()[0]) if len(inner.folders()) == 1 and not _at_top(inner) else inner
    deployment = {name: held for name, held in outside.files.items() if name.startswith(_BESIDE)}
    return Tree(inner.files | deployment)


def _at_top(tree: Tree) -> bool:
    return any("/" not in path for path in tree.files)


def _unpacked(data: bytes) -> Tree:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return Tree(dict(_files(archive)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise bad("file", f"Is no zip archive that can be read: {error}.") from error
    except zlib.error as error:
        raise bad("file", f"Is a damaged zip archive: {error}.") from error


def _files(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise bad("file", f"Holds {len(entries)} entries; {MOST_FILES} at most.")
    if sum(one.file_size for one in entries) > MOST_BYTES:
        raise bad("file", f"Is larger than {MOST_BYTES // 1024 // 1024} MB when unpacked.")
    seen: dict[str, str] = {}
    for one in entries:
        path = _path(one)
        if one.is_dir():
            continue
        if seen.setdefault(path.lower(), one.filename) is not one.filename:
            raise bad(path, "Is in the archive twice.")
        _check(path, one)
        with archive.open(one) as held:
            yield path, held.read(MOST_IN_FILE)


def _path(one: zipfile.ZipInfo) -> str:
    name = one.orig_filename.replace("\\", "/")
    shown = repr(name[:80])
    parts = name.rstrip("/").split("/")
    if len(name) > LONGEST_NAME or len(parts) > MOST_FOLDERS:
        raise bad(shown, f"Names have at most {LONGEST_NAME} characters and {MOST_FOLDERS} folders.")
    if _ABSURD.search(name) or any(not part.strip() or part in (".", "..") for part in parts):
        raise bad(shown, "Is no name of a file below the archive's folder.")
    if any(character.isspace() and character != " " or "\ud800" <= character <= "\udfff" for character in name):
        raise bad(shown, "Holds characters that no name of a file has.")
    return "/".join(parts)


def _check(path: str, one: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(one.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise bad(path, "Is a link or a device; only files and folders are taken.")
    if one.flag_bits & 0x1:
        raise bad(path, "Is encrypted.")
    if one.compress_type not in METHODS:
        raise bad(path, "Is packed by a method that is not taken; use deflate.")
    if one.file_size > MOST_IN_FILE:
        raise bad(path, f"Is larger than {MOST_IN_FILE // 1024 // 1024} MB.")
    if one.file_size > SMALL and one.file_size > MOST_RATIO * max(one.compress_size, 1):
        raise bad(path, f"Is packed more than {MOST_RATIO} to one.")
