"""The integrator's own disk, inside the folders that the operator allows. Nothing leaves them, links included."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from integrator.connectors.file.faults import ACCESS_DENIED, ALREADY_EXISTS, OPERATION_ERROR, failed, of_os
from integrator.connectors.file.places import Info
from integrator.engine.connectors.calls import Call, ConnectorError

T = TypeVar("T")
NO_ROOTS = "no folder is allowed: name some in [connectors] file_roots of conf/deployment.toml"


class LocalFiles:
    """Paths of artifacts are the system's. Each is resolved first; what lies outside the roots is refused."""

    def __init__(self, call: Call):
        self._call = call
        self._roots = call.limits.folders(call.message.deployment.registry.home)
        self._largest = call.limits.largest
        if not self._roots:
            raise failed(ACCESS_DENIED, NO_ROOTS)

    async def info(self, path: str) -> Info | None:
        """Of a file or folder; None when there is none."""
        return await self._do(path, self._info)

    async def entries(self, path: str) -> list[Info]:
        """What a folder holds, by name; links that lead out of the roots are left out."""
        return await self._do(path, self._entries)

    async def read(self, path: str) -> bytes:
        """A whole file."""
        return await self._do(path, self._read)

    async def write(self, path: str, data: bytes, mode: str) -> None:
        """Write as the mode says."""
        await self._do(path, self._write, data, mode)

    async def make(self, path: str) -> None:
        """A folder and those above it."""
        await self._do(path, lambda real: real.mkdir(parents=True, exist_ok=True))

    async def remove(self, info: Info) -> None:
        """A file or an empty folder; a link itself, not what it points to."""
        await self._do(info.path, self._remove, links=True)

    async def rename(self, source: str, target: str) -> None:
        """Rename or move; the target must not exist."""
        await self._do(target, self._rename, source)

    async def copy(self, source: str, target: str) -> None:
        """One file, without holding it in memory."""
        await self._do(target, self._copy, source)

    async def _do(self, path: str, work: Callable[..., T], *more: Any, links: bool = False) -> T:
        def run() -> T:
            try:
                return work(self._real(path, links), *more)
            except OSError as error:
                raise of_os(error, path) from error

        return await self._call.blocking(run)

    def _real(self, path: str, links: bool = False) -> Path:
        """The path on the disk. A link in its last part counts as what it points to, unless the link itself is meant."""
        given = Path(path)
        real = Path(os.path.realpath(given.parent)) / given.name if links else Path(os.path.realpath(given))
        if not any(real == root or real.is_relative_to(root) for root in self._roots):
            raise failed(ACCESS_DENIED, f"{path!r} lies outside the folders of [connectors] file_roots")
        if links and real in self._roots:
            raise failed(ACCESS_DENIED, f"{path!r} is one of the folders of [connectors] file_roots")
        return real

    def _info(self, real: Path) -> Info | None:
        try:
            status = real.stat()
        except FileNotFoundError:
            return None
        return Info(str(real), stat.S_ISDIR(status.st_mode), status.st_size, status.st_mtime)

    def _entries(self, real: Path) -> list[Info]:
        found = []
        for path in sorted(real.iterdir()):
            try:
                info = self._info(self._real(str(path)))
            except ConnectorError:
                continue
            if info is not None and not (path.is_symlink() and info.folder):
                found.append(Info(str(path), info.folder, info.size, info.modified))
        return found

    def _read(self, real: Path) -> bytes:
        with os.fdopen(os.open(real, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            data = file.read(self._largest + 1)
        if len(data) > self._largest:
            raise failed(OPERATION_ERROR, f"{str(real)!r} is longer than the {self._largest} bytes allowed")
        return data

    @staticmethod
    def _write(real: Path, data: bytes, mode: str) -> None:
        real.parent.mkdir(parents=True, exist_ok=True)
        if mode == "append":
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with os.fdopen(os.open(real, flags, 0o644), "ab") as file:
                file.write(data)
            return
        if real.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            part.chmod(0o644)
            if mode == "new":
                real.hardlink_to(part)
            else:
                part.replace(real)
        finally:
            part.unlink(missing_ok=True)

    @staticmethod
    def _remove(real: Path) -> None:
        if real.is_dir() and not real.is_symlink():
            real.rmdir()
        else:
            real.unlink()

    def _rename(self, real: Path, source: str) -> None:
        if real.exists():
            raise failed(ALREADY_EXISTS, f"{str(real)!r} exists")
        real.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(str(self._real(source)), str(real))

    def _copy(self, real: Path, source: str) -> None:
        real.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._real(source), real, follow_symlinks=False)
