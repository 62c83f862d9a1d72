"""The YAML and JSON files of an archive: read within bounds, written without aliases, wrapped as `type`, `version`, `data`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from apim.errors import ApimError, FieldError, Invalid
from publisher.archive.tree import Tree, bad
from publisher.checks.basics import shown
from publisher.openapi.reading import Source, Unreadable

VERSION = "v4.2.0"
EXTRAS = "x-apim"
"""Where `data` has what the original's form has no place for; other readers pass it over."""

FORMS = ("YAML", "JSON")
ENDINGS = (".yaml", ".yml", ".json")


class _Dumper(yaml.CSafeDumper):
    """Writes equal parts out each time: readers need not know aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def form(value: str) -> str:
    """YAML (the default) or JSON. Raises Invalid."""
    found = (value or "YAML").upper()
    if found not in FORMS:
        message = f"{shown(value)} is not one of {', '.join(FORMS)}."
        raise Invalid(f"format: {message}", [FieldError("format", message)])
    return found


def names(stem: str) -> tuple[str, ...]:
    """The names a file may have by its form."""
    return tuple(stem + ending for ending in ENDINGS)


def put(tree: Tree, stem: str, kind: str, data: Any, form: str) -> None:
    """Write a wrapped file."""
    put_plain(tree, stem, {"type": kind, "version": VERSION, "data": data}, form)


def put_plain(tree: Tree, stem: str, document: Any, form: str) -> None:
    """Write a file that has no wrapping."""
    if form == "JSON":
        tree.put(f"{stem}.json", json.dumps(document, indent=2, ensure_ascii=False))
    else:
        tree.put(f"{stem}.yaml", yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def document(tree: Tree, path: str) -> Any:
    """A file as plain data; decimals stay text, so that 1.10 is a version. Raises BadArchive with file and line."""
    try:
        return Source(tree.text(path), decimals_as_text=True).document
    except Unreadable as error:
        raise bad(path, error.message, f"line {error.line}" if error.line else "") from error


def data(tree: Tree, path: str, *kinds: str) -> Any:
    """What is wrapped in a file, or the whole of one without wrapping. Raises BadArchive when it is of another type."""
    found = document(tree, path)
    if not isinstance(found, dict) or "data" not in found:
        return found
    if "type" in found and found["type"] not in kinds:
        raise bad(path, f"{shown(found['type'])} is not {' or '.join(kinds)}.", "type")
    return found["data"]


def mapping(tree: Tree, path: str, *kinds: str) -> dict[str, Any]:
    """The same, where it must be an object."""
    found = data(tree, path, *kinds)
    if not isinstance(found, dict):
        raise bad(path, f"{shown(found)} is not an object.", "data")
    return found


def rows(tree: Tree, path: str, *kinds: str, most: int = 200) -> list[dict[str, Any]]:
    """The same, where it must be a list of objects. An empty file is an empty list."""
    found = data(tree, path, *kinds) or []
    if not isinstance(found, list) or len(found) > most:
        raise bad(path, f"Must be a list of at most {most} objects.", "data")
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise bad(path, f"{shown(one)} is not an object.", f"data[{number}]")
    return found


def word(row: dict[str, Any], name: str, path: str, place: str, default: str | None = None) -> str:
    """A text in an object; numbers count as written. Raises BadArchive when it is missing and there is no default."""
    value = row.get(name)
    if value is None or value == "":
        if default is None:
            raise bad(path, "Is required.", f"{place}.{name}")
        return default
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise bad(path, f"{shown(value)} is not text.", f"{place}.{name}")
    return str(value)


@contextmanager
def within(file: str, place: str = "", translate: Callable[[str], str] = str) -> Iterator[None]:
    """Mistakes found inside are told with the file they stand in: `api.yaml: data.policies[0]`."""
    try:
        yield
    except ApimError as error:
        if not error.fields and not isinstance(error, Invalid):
            raise
        fields = error.fields or (FieldError("", error.description),)
        start = f"{file}: "
        error.fields = tuple(
            one
            if one.field == file or one.field.startswith(start)
            else FieldError((start + _joined(place, translate(one.field))).rstrip(": "), one.message)
            for one in fields
        )
        error.description = f"{error.fields[0].field}: {error.fields[0].message}"
        raise


def _joined(place: str, field: str) -> str:
    return f"{place}.{field}" if place and field else place or field
