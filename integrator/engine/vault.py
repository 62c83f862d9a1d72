"""Secrets by alias: `[secrets]` of deployment.toml, the environment, or files such as Docker's (reference 1.6, inject.vault)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.engine.errors import Fault

if TYPE_CHECKING:
    from integrator.engine.config import Config

DIRECTORY = "/run/secrets"
LONGEST = 64 * 1024
"""Bytes of a secret in a file."""
_NAME = re.compile(r"[\w.-]+")


def lookup(config: Config, alias: str, source: str = "") -> str:
    """The secret of an alias; `source` is empty, ENV or FILE. Raises Fault, which never shows a secret."""
    table = config.tables.get("secrets", {})
    where = source.upper()
    if where == "ENV":
        found = os.environ.get(alias)
    elif where == "FILE":
        found = _file(Path(str(table.get("directory") or DIRECTORY)), alias)
    elif where:
        raise Fault(0, f"vault-lookup: source {source!r}: allowed are ENV and FILE")
    else:
        found = plain(table.get(alias))
    if found is None:
        named = {"ENV": "the environment", "FILE": "the folder of secrets"}.get(where, "[secrets] of deployment.toml")
        raise Fault(0, f"vault-lookup: {named} has no {alias!r}")
    return found


def plain(value: object) -> str | None:
    """A value of `[secrets]`: square brackets around it only say that it is not encrypted."""
    if not isinstance(value, str):
        return None
    return value[1:-1] if value.startswith("[") and value.endswith("]") else value


def _file(folder: Path, alias: str) -> str | None:
    file = folder / alias
    if not _NAME.fullmatch(alias) or alias.startswith(".") or not file.is_file():
        return None
    with file.open("rb") as stream:
        return stream.read(LONGEST).decode("utf-8", "replace").removesuffix("\n")
