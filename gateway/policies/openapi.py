"""An OpenAPI definition made ready for validation: schemas that a JSON Schema validator understands, references inside it only.

2.0 and 3.0 schemas are read as draft 4 with `nullable` worked in, those of 3.1 as draft 2020-12. What is `readOnly` is not
required in requests, what is `writeOnly` not in answers: each direction has its own copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import unquote

import jsonschema_rs

from gateway import definitions

Direction = Literal["request", "response"]
Json = Any

ROOT = "urn:api"
MAX_DEPTH = 100
_PARAMETER = re.compile(r"\{[^{}/]+\}")


class Definition:
    """A parsed definition. Raises ValueError when the text is none."""

    def __init__(self, text: str) -> None:
        document = definitions.read(text)
        if not isinstance(document, dict):
            raise ValueError("the definition is no object")
        self.document = document
        self.version = str(self.document.get("openapi") or self.document.get("swagger") or "")
        if not self.version.startswith(("2.", "3.")):
            raise ValueError(f"the definition is of version {self.version!r}, not of OpenAPI 2.0, 3.0 or 3.1")
        self.is_2 = self.version.startswith("2.")
        modern = not self.version.startswith(("2.", "3.0"))
        self._validator: Any = jsonschema_rs.Draft202012Validator if modern else jsonschema_rs.Draft4Validator
        draft = jsonschema_rs.Draft202012 if modern else jsonschema_rs.Draft4
        self._registries = {
            way: jsonschema_rs.Registry([(ROOT, prepared(self.document, way))], draft=draft)
            for way in ("request", "response")
        }

    def validator(self, pointer: str, direction: Direction) -> Any:
        """The validator of the schema at a JSON pointer of the document. Raises ValueError for one that cannot be built."""
        try:
            return self._validator(
                {"$ref": f"{ROOT}#{pointer}"},
                registry=self._registries[direction],
                validate_formats=True,
                offline=True,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"the definition's schema at {pointer} cannot be used: {reason}") from error

    def operation(self, verb: str, target: str) -> tuple[str, dict[str, Any], str] | None:
        """Pointer, object and path as written of an operation; None when the definition has none."""
        paths = self.document.get("paths")
        if not isinstance(paths, dict):
            return None
        path = target if target in paths else next((one for one in paths if _same(one, target)), None)
        if path is None:
            return None
        pointer = f"/paths/{escaped(path)}"
        item, pointer = self.resolve(paths[path], pointer)
        found = item.get(verb.lower())
        return (f"{pointer}/{verb.lower()}", found, path) if isinstance(found, dict) else None

    def parameters(self, pointer: str) -> Iterator[tuple[dict[str, Any], str]]:
        """The parameters of an operation and its path, each with its pointer; the operation's own win."""
        seen = set()
        for place in (pointer, pointer.rpartition("/")[0]):
            held = self.at(place)
            for number, one in enumerate(held.get("parameters") or () if isinstance(held, dict) else ()):
                found, where = self.resolve(one, f"{place}/parameters/{number}")
                key = (found.get("in"), found.get("name"))
                if key not in seen:
                    seen.add(key)
                    yield found, where

    def at(self, pointer: str) -> Json:
        """What stands at a JSON pointer, None when nothing does."""
        found: Json = self.document
        for part in pointer.split("/")[1:]:
            name = unescaped(part)
            if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict):
                found = found.get(name)
            else:
                return None
        return found

    def resolve(self, value: Json, pointer: str) -> tuple[dict[str, Any], str]:
        """The object behind a value that may be a reference, and where it stands. Raises ValueError."""
        for _ in range(MAX_DEPTH):
            if not isinstance(value, dict):
                raise ValueError(f"the definition has no object at {pointer}")
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value, pointer
            if not reference.startswith("#/"):
                raise ValueError(f"the definition refers to {reference!r}; references must lead inside it")
            pointer = reference[1:]
            value = self.at(pointer)
        raise ValueError(f"the definition's reference at {pointer} leads in a circle")


def prepared(value: Json, direction: Direction, depth: int = 0) -> Json:
    """A copy whose schemas mean the same to a JSON Schema validator."""
    if depth > MAX_DEPTH:
        raise ValueError(f"the definition is nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        return [prepared(one, direction, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    made = {str(name): prepared(one, direction, depth + 1) for name, one in value.items()}
    if isinstance(made.get("required"), bool):  # a parameter of 2.0, which is its own schema
        del made["required"]
    if made.get("type") == "file":
        del made["type"]
    if made.get("nullable") is True:
        _nullable(made)
    if isinstance(made.get("required"), list) and isinstance(made.get("properties"), dict):
        flag = "readOnly" if direction == "request" else "writeOnly"
        free = {name for name, one in made["properties"].items() if isinstance(one, dict) and one.get(flag) is True}
        made["required"] = [name for name in made["required"] if name not in free]
        if not made["required"]:
            del made["required"]
    return made


def _nullable(schema: dict[str, Any]) -> None:
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    for word in ("allOf", "oneOf", "anyOf"):
        if isinstance(schema.get(word), list):
            inner = {word: schema.pop(word)}
            schema["anyOf"] = [inner, {"type": "null"}]
            return


def _same(path: str, target: str) -> bool:
    return _PARAMETER.sub("{}", path) == _PARAMETER.sub("{}", target)


def escaped(name: str) -> str:
    """A name as one part of a JSON pointer in a URI fragment."""
    text = name.replace("~", "~0").replace("/", "~1").replace("%", "%25")
    return "".join(one if one.isalnum() and one.isascii() or one in "-._~%" else _percent(one) for one in text)


def _percent(one: str) -> str:
    return "".join(f"%{byte:02X}" for byte in one.encode())


def unescaped(part: str) -> str:
    """The name that a part of a pointer stands for."""
    return unquote(part).replace("~1", "/").replace("~0", "~")
