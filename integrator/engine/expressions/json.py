"""json-eval(...): JSONPath on the body or on JSON text kept in a property, with `{xpath}` pieces in the path."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from integrator.engine.content.payload import decode_json
from integrator.engine.errors import BadPayload, Fault
from integrator.engine.expressions import scopes
from integrator.engine.expressions.base import Expression
from integrator.engine.expressions.jsonpath import MISSING, JsonPath, JsonPathError
from integrator.engine.expressions.values import json_text_of, text_of
from integrator.engine.expressions.xpath import PathError, compile_xpath
from integrator.engine.message import Message

_SOURCE = re.compile(r"\$(ctx|trp|axis2|func):([\w\-]+)")
_SCOPE = {"ctx": "default", "trp": "transport", "axis2": "axis2", "func": "func"}
_INLINE = re.compile(r"\{([^{}]+)\}")

compiled_path = lru_cache(maxsize=1024)(JsonPath)


class JsonEval(Expression):
    """A compiled json-eval expression."""

    is_json = True

    def __init__(self, text: str, nsmap: dict[str | None, str]):
        self.text = text
        path = text.strip()
        found = _SOURCE.match(path)
        self.source = (_SCOPE[found.group(1)], found.group(2)) if found else None
        self.reads_content = found is None
        path = "$" + path[found.end() :] if found else path
        self.pieces = [compile_xpath(piece, nsmap) for piece in _INLINE.findall(path)]
        self.template = path
        try:
            self.path = None if self.pieces else JsonPath(path)
        except JsonPathError as error:
            raise PathError(str(error)) from error
        self.reads_content = self.reads_content or any(piece.reads_content for piece in self.pieces)

    def compiled(self, message: Message) -> JsonPath:
        """The path, with its inline pieces filled in."""
        if self.path is not None:
            return self.path
        values = iter(piece.string(message) or "" for piece in self.pieces)
        try:
            return compiled_path(_INLINE.sub(lambda _: next(values), self.template).rstrip("."))
        except JsonPathError as error:
            raise Fault(0, str(error)) from error

    def root(self, message: Message) -> Any:
        """The JSON value that the path is applied to."""
        if self.source is None:
            return message.payload.json
        value = scopes.read(message, *self.source)
        if value is None:
            return MISSING
        if isinstance(value, dict | list | int | float):
            return value
        try:
            return decode_json(text_of(value) or "null")
        except BadPayload:
            return text_of(value)

    def found(self, message: Message) -> Any:
        """Result value, MISSING when the path leads nowhere."""
        root = self.root(message)
        return MISSING if root is MISSING else self.compiled(message).value(root)

    def value(self, message: Message) -> Any:
        """Result value, empty text when the path leads nowhere."""
        found = self.found(message)
        return "" if found is MISSING else found

    def string(self, message: Message) -> str | None:
        """Text: missing is empty, null is the word, containers are JSON."""
        found = self.found(message)
        return "" if found is MISSING else json_text_of(found)

    def boolean(self, message: Message) -> bool:
        """True only for the text true."""
        return self.string(message) == "true"
