"""Checks of documents: what may be said of one, and what may be in it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from publisher.checks.basics import Problems, choice, shown, storable, text
from publisher.models import Document, DocumentKind, DocumentSource, DocumentVisibility

MOST_TEXT = 1_000_000
"""Characters of an inline or Markdown document."""
MOST_BYTES = 10 * 1024 * 1024
"""Bytes of a file."""
MOST_DOCUMENTS = 200
"""Documents of one API."""
_BAD_IN_NAMES = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*]")
FIELDS = ("name", "kind", "other_kind", "summary", "source", "url", "visibility")


def fields(given: dict[str, Any], document: Document | None = None) -> dict[str, Any]:
    """The cleaned `given` (some of FIELDS) of a new document, or of `document`. Raises Invalid naming every wrong one."""
    problems = Problems()
    clean: dict[str, Any] = {}
    if "name" in given:
        clean["name"] = text(problems, "name", given["name"], most=60, least=1).strip()
    for name, values in (
        ("kind", DocumentKind.values),
        ("source", DocumentSource.values),
        ("visibility", DocumentVisibility.values),
    ):
        if name in given:
            clean[name] = choice(problems, name, given[name], values)
    for name, most in (("other_kind", 60), ("summary", 32_766), ("url", 2000)):
        if name in given:
            clean[name] = text(problems, name, given[name], most=most).strip()
    whole = {name: clean.get(name, getattr(document, name, "")) for name in FIELDS}
    if whole["kind"] == DocumentKind.OTHER and not whole["other_kind"]:
        problems.add("other_kind", "Say what kind of document it is when the type is OTHER.")
    if whole["source"] == DocumentSource.URL:
        address(problems, "url", whole["url"])
    problems.raise_any()
    return clean


def address(problems: Problems, field: str, value: str) -> None:
    """An http or https address: others, such as javascript:, would act in the reader's browser."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\x00-\x20\x7f]", value)
    except ValueError:
        good = False
    if not good:
        problems.add(field, f"{shown(value)} is not an http or https address.")


def written(value: Any) -> str:
    """The text of an inline or Markdown document. Raises Invalid."""
    problems = Problems()
    found = text(problems, "inlineContent", value, most=MOST_TEXT)
    problems.raise_any()
    return found


def file_name(given: Any) -> str:
    """The last part of a file's name, fit for every file system. Raises Invalid for an empty one."""
    name = given if isinstance(given, str) and storable(given) else ""
    name = _BAD_IN_NAMES.sub("_", re.split(r"[\\/]", name)[-1]).strip(" .")
    problems = Problems()
    if not name:
        problems.add("file", "The file needs a name.")
    problems.raise_any()
    return name if len(name) <= 200 else name[:100] + name[-100:]


def content(given: bytes) -> bytes:
    """The bytes of a file. Raises Invalid for more than MOST_BYTES."""
    problems = Problems()
    if len(given) > MOST_BYTES:
        problems.add("file", f"Is larger than {MOST_BYTES // 1024 // 1024} MB.")
    problems.raise_any()
    return given
