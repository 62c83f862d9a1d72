"""XML templates of payloadFactory that need no parser: text between their elements cannot make them anything but XML."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from integrator.engine.content.jsonxml import WRAPPERS
from integrator.engine.content.payload import WRITTEN, Payload, Written
from integrator.engine.message import Message
from integrator.engine.xmltools import (
    PAYLOAD,
    SOAP11,
    SOAP12,
    Element,
    XmlError,
    child,
    children,
    clone,
    local,
    namespace,
    parse,
)

LONGEST = 1_000_000
"""Characters up to which a result is not looked at; far below what the parser would refuse as too long a text."""
_PLAIN = r"[\t\n\x20-\x25\x27-\x3b=?-\x7e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*"
_is_text = re.compile(rf"(?=.){_PLAIN}(?:&(?:amp|lt|gt);{_PLAIN})*", re.DOTALL).fullmatch
"""Escaped text, not empty, that a parser takes and a serialiser writes back letter by letter."""

Render = Callable[[Message], str]
Finish = Callable[[Message, str], None]


def compile_written(pieces: list[str], renders: list[Render], finish: Finish) -> Callable[[Message], None] | None:
    """A step for a template cut at its references, None for one that has to be parsed each time; `finish` is for results
    that are more than text between the template's elements."""
    kind = kind_of(pieces)
    if kind is None:
        return None
    first, rest = pieces[0], list(zip(renders, pieces[1:], strict=True))

    def step(message: Message) -> None:
        parts, plain = [first], True
        for render, piece in rest:
            part = render(message)
            parts += (part, piece)
            if plain and _is_text(part) is None:
                plain = False
        text = "".join(parts)
        if plain and len(text) <= LONGEST and _takes(message.payload, kind):
            message.payload.set_written(text.encode(), kind)
            message.set_type(kind.media)
        else:
            finish(message, text)

    return step


def _takes(payload: Payload, kind: Written) -> bool:
    """Whether all of the body is replaced: a payload that is put into XML leaves the envelope around it as it is."""
    return not kind.pox or payload.family not in _XML


_XML = frozenset(kind.media for kind in WRITTEN.values())


def kind_of(pieces: list[str]) -> Written | None:
    """What the template makes when text stands at each cut; None where a cut is elsewhere, or the text would not stay."""
    marks = [f"\ue000{number}\ue001" for number in range(1, len(pieces))]
    sample = "".join(part for pair in zip(pieces, [*marks, ""], strict=True) for part in pair)
    try:
        root = parse(sample)
    except XmlError:
        return None
    texts = [node.text or "" for node in root.iter() if isinstance(node.tag, str)]
    texts += [node.tail or "" for node in root.iter() if node is not root]
    if any(sum(text.count(mark) for text in texts) != 1 for mark in marks):
        return None
    soap = namespace(root) if local(root) == "Envelope" and namespace(root) in (SOAP11, SOAP12) else ""
    plain = _plain_envelope(root, soap) if soap else namespace(root) != PAYLOAD and local(root) not in WRAPPERS
    return WRITTEN[soap] if plain and _again(clone(root)) == sample.encode() else None


def _plain_envelope(root: Element, soap: str) -> bool:
    """Whether nothing in it is for us: the header has no blocks, and the body has content."""
    header, body = child(root, "Header"), root.find(f"{{{soap}}}Body")
    return (header is None or not len(header)) and body is not None and bool(children(body))


def _again(element: Element) -> bytes:
    data: bytes = etree.tostring(element, encoding="utf-8", with_tail=False, xml_declaration=False)
    return data
