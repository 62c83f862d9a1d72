"""File systems behind one interface. Paths are absolute and clean: `/a/b`, without `..`, made by `clean`."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from integrator.connectors.file.faults import ILLEGAL_PATH, failed


@dataclass(frozen=True)
class Info:
    """What is known of a file or folder. `modified` in Unix seconds, `size` in bytes."""

    path: str
    folder: bool
    size: int = 0
    modified: float = 0.0

    @property
    def name(self) -> str:
        """Its last part."""
        return posixpath.basename(self.path)


class Files(Protocol):
    """What operations need of a file system. All raise ConnectorError. Links are never followed out of it."""

    async def info(self, path: str) -> Info | None:
        """Of a file or folder; None when there is none."""

    async def entries(self, path: str) -> list[Info]:
        """What a folder holds, by name."""

    async def read(self, path: str) -> bytes:
        """A whole file, at most as long as the operator allows."""

    async def write(self, path: str, data: bytes, mode: str) -> None:
        """`new` refuses a file that exists, `over` replaces it in one step where it can, `append` goes on behind it."""

    async def make(self, path: str) -> None:
        """A folder and those above it; one that exists is fine."""

    async def remove(self, info: Info) -> None:
        """A file, or a folder that is empty."""

    async def rename(self, source: str, target: str) -> None:
        """Within the file system; the target must not exist."""

    async def copy(self, source: str, target: str) -> None:
        """One file."""


def clean(working: str, path: str) -> str:
    """A path below the working folder. Raises ConnectorError for one that leaves it."""
    if "\0" in path or "\\" in path:
        raise failed(ILLEGAL_PATH, f"path {path!r}: no backslash and no NUL are allowed")
    base = posixpath.normpath("/" + working.removeprefix("file://").strip("/")) if working.strip("/") else "/"
    base = "/" + base.lstrip("/")
    joined = "/" + posixpath.normpath(f"{base}/{path.strip()}").lstrip("/")
    if ".." in path.split("/"):
        raise failed(ILLEGAL_PATH, f"path {path!r}: '..' is not allowed")
    return joined


async def walk(files: Files, folder: str, depth: int, most: int) -> AsyncIterator[Info]:
    """Everything below a folder, parents first, at most `most` of them and `depth` levels (-1: all)."""
    waiting = [(folder, 0)]
    count = 0
    while waiting:
        here, level = waiting.pop(0)
        for item in await files.entries(here):
            count += 1
            if count > most:
                raise failed(ILLEGAL_PATH, f"folder {folder!r} holds more than {most} entries")
            yield item
            if item.folder and (depth < 0 or level < depth):
                waiting.append((item.path, level + 1))


async def copy_all(files: Files, source: Info, target: str, most: int) -> None:
    """A file, or a folder with all below it."""
    if not source.folder:
        await files.copy(source.path, target)
        return
    if (target + "/").startswith(source.path + "/"):
        raise failed(ILLEGAL_PATH, f"target {target!r} lies in the source {source.path!r}")
    await files.make(target)
    async for item in walk(files, source.path, -1, most):
        there = target + item.path[len(source.path) :]
        await (files.make(there) if item.folder else files.copy(item.path, there))


async def remove_all(files: Files, info: Info, most: int) -> None:
    """A file, or a folder with all below it."""
    below = [item async for item in walk(files, info.path, -1, most)] if info.folder else []
    for item in [*reversed(below), info]:
        await files.remove(item)
