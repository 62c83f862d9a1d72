"""The file-backed registry below <home>/registry, and resources that came in car files (reference 5.7)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from integrator.engine.errors import Fault

ROOTS = {"conf": "config", "gov": "governance", "local": "local"}
LONG = {"/_system/config": "conf:", "/_system/governance": "gov:", "/_system/local": "local:"}
CACHE_S = 15.0
MAX_ENTRIES = 2000


@dataclass
class Registry:
    """Reads `conf:/a/b`, `gov:/a/b`, `local:/a/b`. Content is kept for CACHE_S, then the file's time is checked."""

    home: Path
    packed: dict[str, bytes] = field(default_factory=dict)
    _cache: dict[str, tuple[float, float, bytes]] = field(default_factory=dict)

    def file(self, key: str) -> Path | None:
        """The file behind a key; None for a key of another form. Raises Fault for a path that leaves the root."""
        root, colon, rest = normal(key).partition(":")
        if not colon or root not in ROOTS:
            return None
        base = (self.home / "registry" / ROOTS[root]).resolve()
        path = (base / rest.lstrip("/")).resolve()
        if not path.is_relative_to(base):
            raise Fault(0, f"registry key {key!r} leaves its root")
        return path

    def read(self, key: str) -> bytes | None:
        """Content of a resource; None when there is none."""
        path = Path(unquote(urlsplit(key).path)) if key.startswith("file:") else self.file(key)
        if path is None:
            return None
        cached = self._cache.get(key)
        now = time.monotonic()
        if cached is not None and now - cached[0] < CACHE_S:
            return cached[2]
        try:
            changed = path.stat().st_mtime
            if cached is not None and cached[1] == changed:
                data = cached[2]
            else:
                data = path.read_bytes()
        except OSError:
            return self.packed.get(normal(key))
        if len(self._cache) > MAX_ENTRIES:
            self._cache.clear()
        self._cache[key] = (now, changed, data)
        return data

    def read_property(self, key: str) -> str | None:
        """Content of a resource, or with `@name` one of its properties."""
        path, at, name = key.partition("@")
        if not at:
            data = self.read(path)
            return None if data is None else data.decode("utf-8", "replace")
        file = self.file(path)
        return None if file is None else _properties(file.with_name(file.name + ".properties")).get(name)

    def write_property(self, key: str, value: str) -> None:
        """Write a resource, or with `@name` one of its properties. Raises Fault for a key of another form."""
        path, at, name = key.partition("@")
        file = self.file(path)
        if file is None:
            raise Fault(
                0, f"registry key {key!r}: allowed are keys that begin with {', '.join(f'{root}:' for root in ROOTS)}"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        if not at:
            file.write_text(value, "utf-8")
            self._cache.pop(path, None)
            return
        side = file.with_name(file.name + ".properties")
        values = _properties(side) | {name: value}
        side.write_text("".join(f"{key}={text}\n" for key, text in values.items()), "utf-8")


def normal(key: str) -> str:
    """A key with exactly one slash after the colon; the long form of a path becomes the short one."""
    for long, short in LONG.items():
        if key.startswith(long):
            key = short + key.removeprefix(long)
    root, _, rest = key.partition(":")
    return f"{root}:/{rest.lstrip('/')}"


def _properties(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, equals, value in (line.partition("=") for line in lines) if equals}
