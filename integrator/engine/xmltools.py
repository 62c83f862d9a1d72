"""XML helpers used everywhere: a parser that expands nothing and fetches nothing, names, and serialisation."""

from __future__ import annotations

from typing import Any, TypeAlias

from lxml import etree

Element: TypeAlias = Any  # lxml's element class is private; its stubs are not part of lxml

SYNAPSE = "http://ws.apache.org/ns/synapse"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
PAYLOAD = "http://ws.apache.org/commons/ns/payload"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ADDRESSING = ("http://www.w3.org/2005/08/addressing", "http://schemas.xmlsoap.org/ws/2004/08/addressing")
XPATH_FUNCTIONS = "http://www.w3.org/2005/xpath-functions"

_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "remove_comments": False,
}
_parser = etree.XMLParser(**_OPTIONS)


class XmlError(ValueError):
    """The text is no well-formed XML, or carries a document type declaration."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message)
        self.line = line


def parse(text: bytes | str) -> Element:
    """Parse a document and return its root. Raises XmlError; DTDs are refused, so no entity can be expanded."""
    if isinstance(text, str):
        text = text.encode()
    try:
        root = etree.fromstring(_from_declaration(text), _parser)
    except etree.XMLSyntaxError as error:
        raise XmlError(error.msg or str(error), error.lineno) from error
    if not _plainly_without_dtd(text) and root.getroottree().docinfo.doctype:
        raise XmlError("a document type declaration (DTD) is not allowed", 1)
    return root


def _plainly_without_dtd(text: bytes) -> bool:
    """Whether the bytes themselves tell: no declaration and no NUL, so it is UTF-8, and the word is not in it."""
    return text[:1] == b"<" and text[1:2] not in (b"?", b"\0") and b"<!DOCTYPE" not in text


def _from_declaration(text: bytes) -> bytes:
    """The text without white space before its XML declaration; the lines keep their numbers."""
    bare = text.lstrip()
    if len(bare) == len(text) or not bare.startswith(b"<?xml "):
        return text
    declaration, closed, rest = bare.partition(b"?>")
    return declaration + closed + b"\n" * text[: -len(bare)].count(b"\n") + rest


def move_lines(element: Element, lines: int) -> None:
    """Count the lines of an element and all below it from another place: it was cut out of a longer file."""
    for item in element.iter():
        if item.sourceline is not None:
            item.sourceline += lines


def local(element: Element) -> str:
    """Local name of an element; empty for comments and processing instructions."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag[tag.index("}") + 1 :] if tag[0] == "{" else tag


def namespace(element: Element) -> str:
    """Namespace of an element, empty when it has none."""
    tag = element.tag
    return tag[1 : tag.index("}")] if isinstance(tag, str) and tag[0] == "{" else ""


def children(element: Element) -> list[Element]:
    """Child elements without comments and processing instructions."""
    return [child for child in element if isinstance(child.tag, str)]


def child(element: Element, name: str) -> Element | None:
    """First child element with that local name."""
    return next((item for item in element if local(item) == name), None)


def text_of(element: Element | None) -> str:
    """Own text of an element, trimmed; empty for None."""
    if element is None:
        return ""
    return "".join(element.itertext()).strip()


def serialise(element: Element) -> str:
    """One element as XML text, without declaration and without the text that follows it."""
    if element.getparent() is not None:  # a copy declares only the namespaces it uses
        element = clone(element)
    return etree.tostring(element, encoding="unicode", with_tail=False)  # type: ignore[no-any-return]


def clone(element: Element) -> Element:
    """A deep copy that stands alone (no tail)."""
    result = element.__copy__()  # deep, as lxml says; the detour over `copy` costs more than a small element
    result.tail = None
    return result


def strip_indentation(element: Element) -> None:
    """Drop white-space-only text between elements, as the engine does with inline XML."""
    for item in element.iter():
        if item.text and not item.text.strip() and len(item):
            item.text = None
        if item.tail and not item.tail.strip() and item is not element:
            item.tail = None


def envelope(soap: str = SOAP11) -> Element:
    """An empty SOAP envelope with header and body."""
    return _EMPTY[soap].__copy__()


def _empty_envelope(soap: str) -> Element:
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"soapenv": soap})
    etree.SubElement(root, f"{{{soap}}}Header")
    etree.SubElement(root, f"{{{soap}}}Body")
    return root


_EMPTY = {soap: _empty_envelope(soap) for soap in (SOAP11, SOAP12)}
