"""Samples of the answers an OpenAPI definition (2.0, 3.0, 3.1) describes: its examples, or values made up from its schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

Header = tuple[bytes, bytes]

_NOT_THEIRS = frozenset({b"", b"content-type", b"content-length", b"transfer-encoding", b"connection"})
"""Headers that a sample does not set."""

DEPTH = 12
"""Levels of a made-up value; what is nested deeper, or refers to itself, is left out."""

NODES = 2_000
"""Values in one sample altogether; schemas that refer to each other would make millions."""

_FORMATS = {
    "date": "2024-01-31", "date-time": "2024-01-31T12:00:00Z", "time": "12:00:00Z",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "email": "user@example.com", "uri": "https://example.com", "url": "https://example.com", "hostname": "example.com",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "c3RyaW5n", "binary": "", "password": "string",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: its media type, body (None: no content) and headers. `name`: that of its example."""

    type: bytes
    body: bytes | None
    headers: tuple[Header, ...] = ()
    name: str = ""


class Document:
    """A definition whose local references can be followed."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self._left = NODES
        self._inside: list[Any] = []

    def sample(self, schema: Any) -> Any:
        """A value made up from a schema."""
        self._left = NODES
        return made_up(self, schema)

    @contextmanager
    def within(self, schema: dict[str, Any]) -> Iterator[bool]:
        """Whether a value for this schema is made: not inside itself, and not beyond the bounds."""
        self._left -= 1
        fine = self._left > 0 and len(self._inside) < DEPTH and not any(one is schema for one in self._inside)
        self._inside.append(schema)
        try:
            yield fine
        finally:
            self._inside.pop()

    def resolved(self, value: Any) -> Any:
        """What `value` refers to, at most twenty references away; references to elsewhere give nothing."""
        for _ in range(20):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return value
            value = self._at(value["$ref"])
        return {}

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            return {}
        found: Any = self.root
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return {} if found is None else found


def samples(document: Document, operation: dict[str, Any]) -> dict[str, list[Sample]]:
    """By status, the samples of an operation's answers in the order of the definition."""
    found: dict[str, list[Sample]] = {}
    responses = operation.get("responses")
    for status, response in responses.items() if isinstance(responses, dict) else ():
        described = document.resolved(response)
        if isinstance(described, dict):
            found[str(status)] = list(_of(document, operation, described))
    return found


def _of(document: Document, operation: dict[str, Any], response: dict[str, Any]) -> Iterator[Sample]:
    headers = tuple(_headers(document, response))
    content = response.get("content")
    if not isinstance(content, dict):
        content = _content_of_2(document, operation, response)
    if not content:
        yield Sample(b"", None, headers)
    for kind, media in content.items():
        name = str(kind).encode("ascii", "replace")
        if isinstance(media, dict) and name.isascii() and b"\n" not in name and b"\r" not in name:
            for example, value in _examples(document, media):
                yield Sample(name, _written(name, value, media.get("schema"), document), headers, example)


def _content_of_2(document: Document, operation: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """The `content` that a response of OpenAPI 2.0 would have in 3."""
    examples = response.get("examples")
    if isinstance(examples, dict) and examples:
        return {kind: {"example": value, "schema": response.get("schema")} for kind, value in examples.items()}
    if "schema" not in response:
        return {}
    kinds = operation.get("produces") or document.root.get("produces") or ["application/json"]
    return {str(kind): {"schema": response["schema"]} for kind in kinds if isinstance(kind, str)}


def _examples(document: Document, media: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    examples = media.get("examples")
    if "example" in media:
        yield "", media["example"]
    elif isinstance(examples, dict) and examples:
        for name, one in examples.items():
            described = document.resolved(one)
            yield str(name), described.get("value") if isinstance(described, dict) else described
    else:
        yield "", document.sample(media.get("schema"))


def _headers(document: Document, response: dict[str, Any]) -> Iterator[Header]:
    given = response.get("headers")
    for name, header in given.items() if isinstance(given, dict) else ():
        described = document.resolved(header)
        if not isinstance(described, dict):
            continue
        value = described.get("example", document.sample(described.get("schema", described)))
        line = (str(name).lower().encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
        if (
            line[0] not in _NOT_THEIRS
            and not any(byte in b"\r\n\0" for byte in line[0] + line[1])
            and b":" not in line[0]
        ):
            yield line


def made_up(document: Document, schema: Any) -> Any:
    """A value that fits a schema: its example, default, constant or first choice, else one of its type."""
    schema = document.resolved(schema)
    if not isinstance(schema, dict):
        return None
    with document.within(schema) as fine:
        return _made_up(document, schema) if fine else None


def _made_up(document: Document, schema: dict[str, Any]) -> Any:
    for name in ("example", "default", "const"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    if isinstance(schema.get("allOf"), list):
        parts = [made_up(document, part) for part in [*schema["allOf"], {**schema, "allOf": None}]]
        objects = [part for part in parts if isinstance(part, dict)]
        return {name: value for part in objects for name, value in part.items()} if objects else parts[0]
    for name in ("oneOf", "anyOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return made_up(document, schema[name][0])
    return _of_type(document, schema)


def _of_type(document: Document, schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "object" or (kind is None and isinstance(schema.get("properties"), dict)):
        return _object(document, schema)
    if kind == "array":
        item = made_up(document, schema.get("items"))
        return [] if item is None else [item]
    if kind == "string":
        text = _FORMATS.get(str(schema.get("format")), "string")
        least = schema.get("minLength")
        return text.ljust(min(least, 1000), "x") if isinstance(least, int) else text
    if kind in ("integer", "number"):
        least = schema.get("minimum", 0)
        return least if isinstance(least, int | float) else 0
    return True if kind == "boolean" else None


def _object(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    found = {}
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        described = document.resolved(inner)
        if isinstance(described, dict) and not described.get("writeOnly"):
            value = made_up(document, inner)
            if value is not None:
                found[str(name)] = value
    extra = schema.get("additionalProperties")
    if not found and isinstance(extra, dict):
        value = made_up(document, extra)
        found = {} if value is None else {"additionalProp1": value}
    return found


def _written(kind: bytes, value: Any, schema: Any, document: Document) -> bytes:
    """A value in its media type: text as it is, XML for XML, JSON for everything else."""
    base = kind.split(b";")[0].strip().lower()
    if isinstance(value, str) and not (base.endswith((b"/json", b"+json")) and not _is_json(value)):
        return value.encode()
    if base.endswith((b"/xml", b"+xml")):
        described = document.resolved(schema)
        name = (described.get("xml") or {}).get("name") if isinstance(described, dict) else None
        reference = str(schema.get("$ref", "")).rpartition("/")[2] if isinstance(schema, dict) else ""
        return ('<?xml version="1.0" encoding="UTF-8"?>' + _xml(name or reference or "response", value)).encode()
    return json.dumps(value, ensure_ascii=False, default=str).encode()


def _is_json(text: str) -> bool:
    """Whether an example is JSON written as text, as many definitions have it."""
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _xml(name: str, value: Any) -> str:
    tag = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name) or "value"
    tag = tag if tag[0].isalpha() or tag[0] == "_" else f"_{tag}"
    if isinstance(value, dict):
        return f"<{tag}>{''.join(_xml(str(key), inner) for key, inner in value.items())}</{tag}>"
    if isinstance(value, list):
        return f"<{tag}>{''.join(_xml('item', inner) for inner in value)}</{tag}>"
    text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    return f"<{tag}{'' if value is not None else ' nil=' + quoteattr('true')}>{escape(text) if value is not None else ''}</{tag}>"
