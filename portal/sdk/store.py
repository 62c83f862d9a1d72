"""Clients that were made already, on disk: the same definition in the same language is generated once."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings

from apim.errors import NotFound
from portal.addresses import addresses
from portal.definition import definition
from portal.sdk import generator
from portal.sdk.languages import LANGUAGES
from publisher import kinds
from publisher.models import Api

MOST = 200
"""Archives kept; the oldest go."""


def offered(api: Api) -> list[str]:
    """Languages that a client of `api` can be made in: none where it has no OpenAPI definition or no generator is installed."""
    return list(LANGUAGES) if kinds.of(api.kind).document == "openapi" and generator.available() else []


def client(api: Api, language: str) -> bytes:
    """The zip archive with the client of `api` in `language`. Raises NotFound, and what `generator.generate` raises."""
    if language not in LANGUAGES:
        raise NotFound(f"{language[:40]!r} is not one of: {', '.join(LANGUAGES)}.")
    if kinds.of(api.kind).document != "openapi":
        raise NotFound(f"{api} has no OpenAPI definition to make a client from.")
    document = definition(api, addresses(api))
    path = _folder() / f"{_key(document, language)}.zip"
    if path.exists():
        return path.read_bytes()
    made = generator.generate(document, LANGUAGES[language])
    _keep(path, made)
    return made


def _keep(path: Path, content: bytes) -> None:
    # A name of its own: two who ask for the same client at once must not write into one file.
    with NamedTemporaryFile(dir=path.parent, suffix=".new", delete=False) as waiting:
        waiting.write(content)
    Path(waiting.name).replace(path)
    by_age = sorted(path.parent.glob("*.zip"), key=_made, reverse=True)
    for old in by_age[MOST:]:
        old.unlink(missing_ok=True)


def _made(path: Path) -> float:
    """When; long ago for one that another process has just removed."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _key(document: dict[str, Any], language: str) -> str:
    try:
        version = metadata.version("openapi-generator-cli")
    except metadata.PackageNotFoundError:
        version = ""
    text = json.dumps([version, language, document], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _folder() -> Path:
    folder = settings.APIM.var / "cache" / "sdk"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
