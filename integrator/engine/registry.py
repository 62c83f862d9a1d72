"""The file-backed registry below <home>/registry, and resources that came in car files (reference 5.7)."""

from __future__ import annotations

import base64
import os
import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from integrator.engine.errors import Fault

ROOTS = {"conf": "config", "gov": "governance", "local": "local"}
SHORT = {"resources:": "gov:/mi-resources/"}
"""Where the resources of a project lie that 4.4 names by `resources:`."""
LONG = {"/_system/config": "conf:", "/_system/governance": "gov:", "/_system/local": "local:"}
CACHE_S = 15.0
MAX_ENTRIES = 2000
_TEXT = re.compile(
    r"text/|.*[/+](xml|json|yaml|javascript|ecmascript|csv|wsdl|xsd|xslt?)\b|application/(sql|x-sh|vnd\.wso2\.)"
)


@dataclass(frozen=True)
class Resource:
    """A resource of a car. A collection has no content of its own."""

    data: bytes
    media_type: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    collection: bool = False


@dataclass
class Registry:
    """Reads `conf:/a/b`, `gov:/a/b`, `local:/a/b`. Content is kept for `cache_s` seconds, then the file's time is checked."""

    home: Path
    packed: dict[str, Resource] = field(default_factory=dict)
    cache_s: float = CACHE_S
    _cache: dict[str, tuple[float, float, bytes]] = field(default_factory=dict)
    _types: dict[str, tuple[float, str]] = field(default_factory=dict)

    def file(self, key: str) -> Path | None:
        """The file behind a key; None for a key of another form. Raises Fault for a path that leaves the root."""
        root, colon, rest = normal(key).partition(":")
        if not colon or root not in ROOTS:
            return None
        base = (self.home / "registry" / ROOTS[root]).resolve()
        path = base if "\0" in rest else (base / rest.lstrip("/")).resolve()
        if "\0" in rest or not path.is_relative_to(base):
            raise Fault(0, f"registry key {key!r} leaves its root")
        return path

    def read(self, key: str) -> bytes | None:
        """Content of a resource; None when there is none."""
        cached, now = self._cache.get(key), time.monotonic()
        if cached is not None and now - cached[0] < self.cache_s:
            return cached[2]
        path = Path(unquote(urlsplit(key).path)) if key.startswith("file:") else self.file(key)
        if path is None:
            return None
        try:
            changed = path.stat().st_mtime
            if cached is not None and cached[1] == changed and self.cache_s:
                data = cached[2]
            else:
                data = path.read_bytes()
        except OSError:
            held = self.packed.get(normal(key))
            return None if held is None or held.collection else held.data
        if len(self._cache) > MAX_ENTRIES:
            self._cache.clear()
            self._types.clear()
        self._cache[key] = (now, changed, data)
        return data

    def media_type(self, key: str) -> str:
        """Media type of a resource: of `.metadata/NAME.meta` beside it, or as its car says; empty when nobody said."""
        known, now = self._types.get(key), time.monotonic()
        if known is not None and now - known[0] < self.cache_s:
            return known[1]
        file = self.file(key)
        if file is None:
            return ""
        said = _properties(file.parent / ".metadata" / f"{file.name}.meta").get("mediaType")
        held = self.packed.get(normal(key))
        found = said or (held.media_type if held is not None else "")
        self._types[key] = (now, found)
        return found

    def text(self, key: str) -> str | None:
        """Content as text: what the media type calls binary is given as base64; None when there is none."""
        data = self.read(key)
        if data is None:
            return None
        kind = self.media_type(key)
        if kind and not _TEXT.match(kind.lower()):
            return base64.b64encode(data).decode()
        return data.decode("utf-8-sig", "replace")

    def read_property(self, key: str) -> str | None:
        """Content of a resource, or with `@name` one of its properties; never a file: address."""
        path, at, name = key.partition("@")
        if not at:
            return None if path.startswith("file:") else self.text(path)
        return self.properties(path).get(name)

    def properties(self, key: str) -> dict[str, str]:
        """Properties of a resource or collection: those of its car, and those written since."""
        file, held = self.file(key), self.packed.get(normal(key).rstrip("/"))
        said = held.properties if held is not None else {}
        return said if file is None else said | _properties(file.with_name(file.name + ".properties"))

    def write_property(self, key: str, value: str) -> None:
        """Write a resource, or with `@name` one of its properties.

        Raises Fault for a key of another form, and when the file cannot be written: then the old content stays.
        """
        path, at, name = key.partition("@")
        file = self.file(path)
        if file is None:
            raise Fault(
                0, f"registry key {key!r}: allowed are keys that begin with {', '.join(f'{root}:' for root in ROOTS)}"
            )
        if not at:
            _replace(file, value)
            self._cache.pop(path, None)
            return
        side = file.with_name(file.name + ".properties")
        values = _properties(side) | {_one_line(name): _one_line(value)}
        _replace(side, "".join(f"{key}={text}\n" for key, text in values.items()))


def normal(key: str) -> str:
    """A key with exactly one slash after the colon; the long form of a path becomes the short one."""
    for long, short in (LONG | SHORT).items():
        if key.startswith(long):
            key = short + key.removeprefix(long).lstrip("/")
    root, _, rest = key.partition(":")
    return f"{root}:/{rest.lstrip('/')}"


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all: what it held stays when the disk is full. Raises Fault."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=file.parent, prefix=".writing-", delete=False
        ) as new:
            try:
                new.write(text)
                new.flush()
                os.fchmod(new.fileno(), 0o644)
                Path(new.name).replace(file)
            except BaseException:
                Path(new.name).unlink()
                raise
    except OSError as error:
        raise Fault(0, f"registry: {file.name} cannot be written: {error.strerror or error}") from error


def _one_line(text: str) -> str:
    """A property is a line: what breaks it would make others."""
    return " ".join(text.splitlines())


def _properties(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, equals, value in (line.partition("=") for line in lines) if equals}
