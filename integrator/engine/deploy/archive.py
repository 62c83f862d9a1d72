"""Opens zip archives that somebody else made: nothing is unpacked before names, counts and sizes are known to be sane."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

from integrator.engine.errors import DeploymentError, Place

MAX_UNPACKED = 100 * 1024 * 1024
MAX_ENTRIES = 10_000
MAX_DIRECTORY = 4 * 1024 * 1024
"""Bytes of the central directory: read before it is looked at, so that its length is what bounds the work."""
_END = b"PK\x05\x06"
_ENCRYPTED = 0x1


class Archive:
    """The files of one archive by name. Every mistake is a DeploymentError with the archive's name."""

    def __init__(self, data: bytes, file: str):
        """Raises DeploymentError for an archive that is not readable, or not fit to be read."""
        self.file = file
        self._bounded(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, OSError) as error:
            raise self.fail(f"not a readable archive: {error}") from error
        self.names = self._checked(self._zip.infolist())

    def fail(self, reason: str, name: str = "") -> DeploymentError:
        """The error for this archive, or for one of its files."""
        return DeploymentError(Place(f"{self.file}!{name}" if name else self.file), reason)

    def read(self, name: str) -> bytes:
        """The content of one file. Raises DeploymentError when it is not there or broken."""
        if name not in self.names:
            raise self.fail("the archive does not hold this file", name)
        try:
            return self._zip.read(name)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
            raise self.fail(f"not readable: {error}", name) from error

    def _bounded(self, data: bytes) -> None:
        at = data.rfind(_END, max(0, len(data) - 65_557))
        if at < 0 or len(data) < at + 22:
            raise self.fail("not a readable archive: it has no end record")
        size = int.from_bytes(data[at + 12 : at + 16], "little")
        if size > MAX_DIRECTORY:
            raise self.fail(f"its directory has {size} bytes; allowed are {MAX_DIRECTORY}")

    def _checked(self, items: list[zipfile.ZipInfo]) -> frozenset[str]:
        if len(items) > MAX_ENTRIES:
            raise self.fail(f"more than {MAX_ENTRIES} files")
        if sum(item.file_size for item in items) > MAX_UNPACKED:
            raise self.fail(f"more than {MAX_UNPACKED} bytes unpacked")
        seen: set[str] = set()
        for item in items:
            self._check(item)
            if item.filename in seen:
                raise self.fail("two files of this name", item.filename)
            seen.add(item.filename)
        return frozenset(name for name in seen if not name.endswith("/"))

    def _check(self, item: zipfile.ZipInfo) -> None:
        name = item.filename
        if not safe(name):
            raise self.fail(f"the name {name!r} leaves the archive")
        if stat.S_ISLNK(item.external_attr >> 16):
            raise self.fail("a symbolic link is not allowed", name)
        if item.flag_bits & _ENCRYPTED:
            raise self.fail("encrypted", name)
        # Of the other methods the library unpacks all there is before it looks at any bound.
        if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.fail("packed by a method that is not taken; use deflate", name)


def safe(path: str) -> bool:
    """Whether a relative path stays below the folder it is relative to."""
    return (
        bool(path)
        and not path.startswith("/")
        and "\\" not in path
        and "\0" not in path
        and ":" not in path.partition("/")[0]
        and ".." not in path.split("/")
    )
