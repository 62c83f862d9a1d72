"""APIs that were taken off this gateway by hand: kept in a small file, so that all its workers agree, also after a restart."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec


class Withdrawn:
    """The keys of the API records in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: frozenset[str] = frozenset()
        self._seen: tuple[int, int] | None = None

    def look(self) -> frozenset[str]:
        """Reads the file when it changed; the keys that came or went since the last look. A broken file counts as empty."""
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            seen = None
        if seen == self._seen:
            return frozenset()
        self._seen, before = seen, self.keys
        self.keys = self._read() if seen is not None else frozenset()
        return before ^ self.keys

    def put(self, key: str, gone: bool) -> None:
        """Notes that an API is off this gateway, or back. Raises OSError."""
        keys = self._read() | {key} if gone else self._read() - {key}
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        scratch.write_bytes(msgspec.json.encode(sorted(keys)))
        scratch.replace(self.path)

    def _read(self) -> frozenset[str]:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return frozenset(msgspec.json.decode(self.path.read_bytes(), type=list[str]))
        return frozenset()
