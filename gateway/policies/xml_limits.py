"""XML Validator: limits on what XML bodies may hold: no DTD, no entities, bounded depth, elements, attributes and children."""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat

from gateway import faults
from gateway.call import Call
from gateway.policies import body
from gateway.policies.base import Native, Use
from gateway.stages import Step
from integrator.engine.content import media

PREFIX = "Request is failed due to XML schema validation failure: "
_XML = frozenset({media.XML, media.SOAP11, media.SOAP12})


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each; counts, or characters for lengths. External entities are never fetched."""

    dtd: bool = False
    depth: int = 100
    elements: int = 100
    attributes: int = 100
    attribute_length: int = 100
    children: int = 100
    entities: int = 100


class TooMuch(Exception):
    """A limit is passed, or it is no XML; the text is what callers see."""


class _Watcher:
    """Counts while expat reads; nothing is built."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.elements = 0
        self.entities = 0
        self.children = [0]
        self.parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.StartDoctypeDeclHandler = self.doctype
        parser.EntityDeclHandler = self.entity
        parser.ExternalEntityRefHandler = self.external
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        limits = self.limits
        self.elements += 1
        self.children[-1] += 1
        if self.elements > limits.elements:
            raise TooMuch("Max Element Count Reached")
        if self.children[-1] > limits.children:
            raise TooMuch("Max Children Per Element Reached")
        self.children.append(0)
        if len(self.children) - 1 > limits.depth:
            raise TooMuch("Max XML Depth Reached")
        if len(attributes) > limits.attributes:
            raise TooMuch("Max Attribute Count Reached")
        if any(len(value) > limits.attribute_length for value in attributes.values()):
            raise TooMuch("Max Attribute Length Reached")

    def end(self, name: str) -> None:
        """An element ends."""
        self.children.pop()

    def doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        """A document type declaration."""
        if not self.limits.dtd:
            raise TooMuch("DTD is not allowed")

    def entity(self, name: str, parameter: bool, value: str | None, *external: str | None) -> None:
        """An entity is declared."""
        self.entities += 1
        if value is None:
            raise TooMuch("External entities are not allowed")
        if self.entities > self.limits.entities or value.count("&") > self.limits.entities:
            raise TooMuch("Entity Expansion Limit Reached")

    def external(self, *_: object) -> int:
        """A reference to what is elsewhere."""
        raise TooMuch("External entities are not allowed")


def check(data: bytes, limits: Limits) -> None:
    """Raises TooMuch for XML beyond the limits, and for what is no XML."""
    watcher = _Watcher(limits)
    try:
        watcher.parser.Parse(data, True)
    except expat.ExpatError as error:
        text = expat.errors.messages.get(error.code, "")
        if "amplification" in text:
            raise TooMuch("Entity Expansion Limit Reached") from error
        raise TooMuch("Error occurred while parsing the XML payload") from error


def compile(use: Use) -> Step:
    """The step. Bodies that say they are something else pass."""
    limits = Limits(
        use.flag("dtdEnabled", False),
        use.number("maxXMLDepth", 100),
        use.number("maxElementCount", 100),
        use.number("maxAttributeCount", 100),
        use.number("maxAttributeLength", 100),
        use.number("maxChildrenPerElement", 100),
        use.number("entityExpansionLimit", 100),
    )
    limit = use.limit

    async def step(call: Call) -> bool | None:
        data = await body.of_request(call, limit)
        kind = media.media_type((call.edit().header(b"content-type") or b"").decode("latin-1"))
        looks = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
        if not data or not (media.family(kind) in _XML or (looks and media.family(kind) in _LOOSE)):
            return None
        try:
            check(data, limits)
        except TooMuch as threat:
            return call.refuse(faults.threat(400, "Bad Request", PREFIX + str(threat)))
        return None

    return lambda call: step(call) if call.exchange.has_body or call.outgoing and call.outgoing.body else None


_LOOSE = frozenset({media.TEXT, media.BINARY})
"""Families whose bodies are looked at when they begin as XML does."""

POLICY = Native(compile, flows=frozenset({"request"}))
