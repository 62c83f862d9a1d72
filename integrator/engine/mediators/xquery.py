"""xquery: runs an XQuery 3.1 query on the payload; its result takes the payload's place (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine import saxon
from integrator.engine.content import media
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression
from integrator.engine.expressions.keys import entry_of
from integrator.engine.expressions.scopes import as_text
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import XmlError, children, local, parse, serialise

TYPES = ("INT", "INTEGER", "BOOLEAN", "BYTE", "DOUBLE", "SHORT", "LONG", "FLOAT", "STRING", "DOCUMENT", "ELEMENT")
_TREES = ("DOCUMENT", "ELEMENT")


@dataclass(frozen=True)
class Variable:
    """An external variable; without value and key it holds the payload."""

    name: str
    type: str
    value: Expression | None
    key: Expression | None

    def text(self, message: Message) -> str:
        """The variable's value as text. Raises Fault."""
        if self.key is not None:
            return as_text(entry_of(self.key, message, "xquery"))
        if self.value is None:
            root = message.payload.root
            return "" if root is None else serialise(root)
        if self.type in _TREES:
            found = self.value.nodes(message)
            node = next((item for item in found if hasattr(item, "tag")), None)
            if node is not None:
                return serialise(node)
        return self.value.string(message) or ""

    def triple(self, message: Message) -> tuple[str, str, str]:
        """Name, type and text, checked. Raises Fault."""
        text = self.text(message)
        if self.type in _TREES:
            try:
                parse(text)
            except XmlError as error:
                raise Fault(0, f"xquery: variable {self.name!r}: {error}") from error
        elif self.type not in ("STRING", "BOOLEAN"):
            check_number(self.name, self.type, text)
        return self.name, self.type, text


def check_number(name: str, kind: str, text: str) -> None:
    """Refuse what is no number of the type. Raises Fault."""
    try:
        float(text) if kind in ("DOUBLE", "FLOAT") else int(text)
    except ValueError as error:
        raise Fault(0, f"xquery: variable {name!r}: {text!r} is not a {kind}") from error


@register("xquery")
@dataclass(frozen=True, kw_only=True)
class XQuery(Mediator):
    """Key of the query, the place of the result, and variables."""

    key: Expression
    target: Expression | None
    variables: tuple[Variable, ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("variable", "description"))
        return cls(
            **cls.common(element, reader),
            key=reader.value(element, "key"),
            target=reader.optional_path(element, "target"),
            variables=tuple(read_variable(item, reader) for item in children(element) if local(item) == "variable"),
        )

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that runs the query."""
        return self.run

    async def run(self, message: Message) -> None:
        """Run the query on the payload. Raises Fault."""
        text = as_text(entry_of(self.key, message, "xquery", program=True))
        variables = [variable.triple(message) for variable in self.variables]
        root = message.payload.root
        document = None if root is None else serialise(root)
        result = await saxon.run(lambda processor: processor.query(text, document, variables))
        self._apply(message, result.strip())

    def _apply(self, message: Message, result: str) -> None:
        made: Any = None
        if result.startswith("<"):
            try:
                made = parse(result)
            except XmlError as error:
                raise Fault(0, f"xquery: the result is no XML element: {error}") from error
        payload = message.payload
        if self.target is not None:
            place = next((item for item in self.target.nodes(message) if hasattr(item, "tag")), None)
            if place is None:
                raise Fault(0, f"xquery: the target {self.target.text!r} selects nothing")
            if place is not payload.root:
                put(place, made, result)
                payload.xml_changed()
                return
        if made is None:
            payload.set_text(result)
            message.set_type(media.TEXT)
            return
        if payload.family not in (media.XML, media.SOAP11, media.SOAP12):
            payload.content_type, payload.pox = media.XML, True
        payload.set_root(made)
        message.set_type(payload.media)


def put(place: Any, made: Any, text: str) -> None:
    """Put an element in the place of another, or text into it."""
    if made is None:
        for item in list(place):
            place.remove(item)
        place.text = text
        return
    made.tail = place.tail
    place.getparent().replace(place, made)


def read_variable(element: Element, reader: Reader) -> Variable:
    """One variable element."""
    kind = reader.choice(element, "type", TYPES, reader.required(element, "type"))
    name, key = reader.required(element, "name"), reader.optional_value(element, "key")
    value = reader.value_or_expression(element, required=False)
    if key is not None and element.get("value") is not None:
        raise reader.fail(element, "either value or key may be given, not both")
    if isinstance(value, Constant) and kind not in ("STRING", "BOOLEAN", *_TREES):
        try:
            check_number(name, kind, value.text)
        except Fault as error:
            raise reader.fail(element, f"attribute value={value.text!r} is not a {kind}") from error
    return Variable(name, kind, value, key)
