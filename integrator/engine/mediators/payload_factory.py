"""payloadFactory: builds a new body from a template and arguments (reference 3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from xml.sax.saxutils import escape

from integrator.engine.content import jsonxml, media
from integrator.engine.content.freemarker import Template
from integrator.engine.content.freemarker_values import TemplateError
from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.errors import BadPayload
from integrator.engine.expressions import Constant, Expression, scopes
from integrator.engine.expressions.keys import entry_of
from integrator.engine.expressions.values import nodes_text
from integrator.engine.mediators import freemarked, inlined
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.written import compile_written
from integrator.engine.message import Message
from integrator.engine.xmltools import (
    SOAP11,
    SOAP12,
    XmlError,
    child,
    children,
    clone,
    local,
    namespace,
    parse,
    serialise,
    strip_indentation,
)

_REFERENCE = re.compile(r"\$(\d+)")
_CONTROL = re.compile(r"[\x00-\x1f]")
_BARE_JSON = re.compile(r"true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z")
MEDIA = {"xml": media.XML, "json": media.JSON, "text": media.TEXT}


@dataclass(frozen=True)
class Argument:
    """One argument. `literal` keeps text that looks like JSON as text."""

    value: Expression
    literal: bool


@register("payloadFactory")
@dataclass(frozen=True, kw_only=True)
class PayloadFactory(Mediator):
    """Template (inline text or key), media type and arguments."""

    media: str
    template: str
    key: Expression | None
    arguments: tuple[Argument, ...]
    escape_xml: bool
    freemarker: bool = False
    inlined: tuple[Expression, ...] = ()

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("format", "args", "description"))
        freemarker = reader.choice(element, "template-type", ("default", "freemarker"), "default") == "freemarker"
        kind = reader.choice(element, "media-type", tuple(MEDIA), "xml")
        template = child(element, "format")
        if template is None:
            raise reader.fail(element, "child <format> is required")
        key = reader.optional_value(template, "key")
        given = child(element, "args")
        text = (
            "" if key else freemarker_text(template, reader) if freemarker else inline_template(template, kind, reader)
        )
        return cls(
            **cls.common(element, reader),
            media=kind,
            template=text,
            key=key,
            arguments=tuple(read_argument(item, reader) for item in children(given)) if given is not None else (),
            escape_xml=reader.flag(element, "escapeXmlChars"),
            freemarker=freemarker,
            inlined=() if freemarker else expressions_in(text, template, kind, reader),
        )

    @property
    def reads_content(self) -> bool:
        """Arguments that read content; XML templates also keep the envelope of a SOAP message."""
        return super().reads_content or self.media == "xml" or self.freemarker

    def compile(self) -> Step:
        """A step that replaces the body."""
        finish = {"xml": finish_xml, "json": finish_json, "text": finish_text}[self.media]
        compile_template = freemarked.compile_template if self.freemarker else compile_plain
        if self.key is None:
            if self.media == "xml" and not self.freemarker:
                quick = compile_written(*cut(self.template, self), finish_xml)
                if quick is not None:
                    return quick
            render = compile_template(self.template, self)
            return lambda message: finish(message, render(message))
        key = self.key

        def step(message: Message) -> None:
            finish(message, compile_template(entry_of(key, message, "payloadFactory"), self)(message))

        return step


def read_argument(element: Element, reader: Reader) -> Argument:
    """One `arg` element."""
    if element.get("value") is not None:
        value: Expression = Constant(element.get("value"))
    else:
        evaluator = reader.choice(element, "evaluator", ("xml", "json"), "xml")
        value = reader.path(element, "expression", "json" if evaluator == "json" else "")
    return Argument(value, reader.flag(element, "literal"))


def inline_template(element: Element, kind: str, reader: Reader) -> str:
    """Text of an inline format; indentation of XML is dropped."""
    inner = children(element)
    if not inner:
        return "".join(element.itertext()).strip() if kind != "text" else "".join(element.itertext())
    if kind != "xml":
        return (element.text or "") + "".join(serialise(item) + (item.tail or "") for item in inner)
    if len(inner) > 1:
        raise reader.fail(inner[1], "an XML format holds one root element")
    root = clone(inner[0])
    strip_indentation(root)
    return serialise(root)


def expressions_in(text: str, element: Element, kind: str, reader: Reader) -> tuple[Expression, ...]:
    """The `${…}` of an inline format, checked."""
    try:
        return tuple(place.expression for place in inlined.find(text, element.nsmap, kind)) if "${" in text else ()
    except ValueError as error:
        raise reader.fail(element, f"wrong expression: {error}") from error


def freemarker_text(element: Element, reader: Reader) -> str:
    """Text of an inline FreeMarker template, checked; a wrapper of CDATA is none of it."""
    inner = children(element)
    text = (element.text or "") + "".join(serialise(item) + (item.tail or "") for item in inner)
    text = text.strip().removeprefix("<![CDATA[").removesuffix("]]>")
    try:
        Template(text)
    except TemplateError as error:
        raise reader.fail(element, f"FreeMarker template: {error}") from error
    return text


def compile_plain(text: str, factory: PayloadFactory) -> Callable[[Message], str]:
    """A function that renders the template; a reference beyond the last argument ends substitution."""
    pieces, renders = cut(text, factory)
    if not renders:
        return lambda message: text

    def render(message: Message) -> str:
        parts = [pieces[0]]
        for index, argument in enumerate(renders, 1):
            parts.append(argument(message))
            parts.append(pieces[index])
        return "".join(parts)

    return render


def cut(text: str, factory: PayloadFactory) -> tuple[list[str], list[Callable[[Message], str]]]:
    """The template cut at its references, and what is put between the pieces."""
    pieces: list[str] = []
    renders: list[Callable[[Message], str]] = []
    last = 0
    for start, end, render_piece in _places(text, factory):
        pieces.append(text[last:start])
        renders.append(render_piece)
        last = end
    pieces.append(text[last:])
    return pieces, renders


def _places(text: str, factory: PayloadFactory) -> list[tuple[int, int, Callable[[Message], str]]]:
    """Where values go, in order: references to arguments, and `${…}`."""
    places = inlined.find(text, factory.source.nsmap, factory.media) if "${" in text else []
    found = [(place.start, place.end, inlined.renderer(place, factory.media)) for place in places]
    for reference in _REFERENCE.finditer(text):
        if any(place.start <= reference.start() < place.end for place in places):
            continue
        number = int(reference.group(1))
        if not 1 <= number <= len(factory.arguments):
            break
        found.append((reference.start(), reference.end(), _renderer(factory.arguments[number - 1], factory)))
    return sorted(found, key=lambda each: each[0])


def _renderer(argument: Argument, factory: PayloadFactory) -> Callable[[Message], str]:
    value, literal = argument.value, argument.literal
    if factory.media == "json":
        if isinstance(value, Constant):
            return lambda message: _json_string(value.text, message, literal=True)
        if factory.escape_xml and value.is_json:
            return lambda message: _control_escaped(value, message)
        return lambda message: _for_json(value, message, literal)
    if factory.media == "xml":
        if isinstance(value, Constant):
            return lambda message: escape(value.text)
        return lambda message: _for_xml(value, message)
    return lambda message: value.string(message) or ""


def _text(expression: Expression, raw: Any, message: Message) -> str:
    """The value as text; what is one already in JSON is not looked for again."""
    return raw if expression.is_json and isinstance(raw, str) else expression.string(message) or ""


def _for_json(expression: Expression, message: Message, literal: bool) -> str:
    raw = expression.value(message)
    if expression.is_json and isinstance(raw, dict | list):
        return encode_json(raw).decode()
    if not expression.is_json and isinstance(raw, list) and any(hasattr(node, "tag") for node in raw):
        text = nodes_text(raw)
        return _xml_as_json(text, message, literal)
    return _xml_as_json(_text(expression, raw, message), message, literal)


def _control_escaped(expression: Expression, message: Message) -> str:
    """escapeXmlChars with JSON: text whose quotes and backslashes stay as they are."""
    raw = expression.value(message)
    if isinstance(raw, dict | list):
        return encode_json(raw).decode()
    return _CONTROL.sub(lambda found: encode_json(found.group()).decode()[1:-1], expression.string(message) or "")


def _xml_as_json(text: str, message: Message, literal: bool) -> str:
    if text.startswith("<") and text.rstrip().endswith(">") and not literal:
        try:
            return encode_json(jsonxml.to_json(parse(text))).decode()
        except XmlError:
            return _json_string(text, message, literal)
    return _json_string(text, message, literal)


def _json_string(text: str, message: Message, literal: bool) -> str:
    if not literal and text[:1] in ("{", "[") and _is_json(text):
        return text
    quoted = encode_json(text).decode()
    if scopes.is_true(message.properties.get("QUOTE_STRING_IN_PAYLOAD_FACTORY_JSON")):
        return text if _BARE_JSON.match(text) else quoted
    return quoted[1:-1]


def _is_json(text: str) -> bool:
    try:
        decode_json(text)
    except BadPayload:
        return False
    return True


def _for_xml(expression: Expression, message: Message) -> str:
    raw = expression.value(message)
    if expression.is_json and isinstance(raw, dict | list):
        return "".join(serialise(item) for item in jsonxml.to_xml(raw))
    text = _text(expression, raw, message)
    if text.startswith("<") and text.rstrip().endswith(">"):
        try:
            return serialise(parse(text))
        except XmlError:
            return text if _is_fragment(text) else escape(text)
    return escape(text)


def _is_fragment(text: str) -> bool:
    try:
        parse(f"<x>{text}</x>")
    except XmlError:
        return False
    return True


def finish_json(message: Message, text: str) -> None:
    """The rendered text becomes the JSON body. Raises BadPayload when it is no JSON."""
    payload = message.payload
    data = text.encode()
    value = decode_json(data) if data.strip() else None
    payload.discard()
    if data.strip():
        payload.set_json(value)
    payload.data = data
    payload.content_type = media.JSON
    message.set_type(media.JSON)


def finish_xml(message: Message, text: str) -> None:
    """The rendered text becomes the body content, or the whole envelope when it is one."""
    try:
        root = parse(text)
    except XmlError as error:
        raise BadPayload(f"payloadFactory: the result is not well-formed XML: {error}") from error
    payload = message.payload
    if local(root) == "Envelope" and namespace(root) in (SOAP11, SOAP12):
        payload.set_envelope(root)
        payload.content_type = media.SOAP12 if namespace(root) == SOAP12 else media.SOAP11
    else:
        if payload.family not in (media.XML, media.SOAP11, media.SOAP12):
            payload.discard()
            payload.content_type = media.XML
            payload.pox = True
        payload.set_root(root)
    message.set_type(payload.media)


def finish_text(message: Message, text: str) -> None:
    """The rendered text becomes the text body."""
    message.payload.set_text(text)
    message.set_type(media.TEXT)
