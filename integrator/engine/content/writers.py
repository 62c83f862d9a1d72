"""Turns a payload into bytes for the wire: the formatter of the out-going content type."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from lxml import etree

from integrator.engine import addressing
from integrator.engine.content import attachments, badgerfish, jsonxml, media, multipart
from integrator.engine.content.payload import Payload, encode_json
from integrator.engine.xmltools import PAYLOAD, SOAP11, SOAP12, Element, clone, local, namespace

if TYPE_CHECKING:
    from integrator.engine.message import Message

RELATED = "multipart/related"
_SOAP = (media.SOAP11, media.SOAP12)


def write(payload: Payload, target: str, message: Message | None = None) -> tuple[bytes, str]:
    """(body, content type) for a content type such as `application/json`; unchanged bytes are passed on as they are.

    With the message, header blocks of an envelope that were only for us are left out.
    """
    wanted = media.media_type(target) if target else payload.media
    if payload.data is not None and (wanted == payload.media or not target):
        if not payload.written:
            return payload.data, payload.content_type
        if payload.as_written(wanted):
            return payload.data, _with_charset(target or payload.content_type)
    if payload.empty:
        return b"", target or payload.content_type
    family = media.family(wanted)
    if message is not None and (family in _SOAP or wanted == RELATED) and not payload.is_json and not payload.pox:
        addressing.settle(message, payload.envelope)
    if wanted == RELATED and (payload.attached is not None or attachments.XOP_TYPE in target or "xml" in target):
        return _related(payload, target or payload.content_type)
    if family == media.MULTIPART:
        root = payload.root
        return (b"", wanted) if root is None else multipart.write(_without_marks(root), wanted)
    return _WRITERS[family](payload, wanted), _with_charset(target or payload.content_type)


def _related(payload: Payload, target: str) -> tuple[bytes, str]:
    """As MTOM or SwA; a message that has nothing to attach is plain SOAP."""
    version = (
        SOAP12
        if "soap+xml" in target
        else SOAP11
        if '"text/xml"' in target.partition("start-info")[2]
        else payload.soap
    )
    root = with_version(payload.envelope, version)
    written = attachments.write(root, payload.attached, target)
    if written is None:
        return _bytes(root), f"{media.SOAP12 if version == SOAP12 else media.SOAP11}; charset=UTF-8"
    return written


def _with_charset(content_type: str) -> str:
    if "charset" in content_type.lower() or media.family(media.media_type(content_type)) in (media.BINARY, media.FORM):
        return content_type
    return f"{content_type}; charset=UTF-8"


def _json(payload: Payload, _wanted: str) -> bytes:
    if payload.is_json and payload.data is not None:
        return payload.data
    return encode_json(payload.json)


def _xml(payload: Payload, _wanted: str) -> bytes:
    root = payload.root
    if root is None:
        return b""
    if namespace(root) == PAYLOAD and local(root) == "text":
        return (root.text or "").encode()
    return _bytes(_without_marks(root))


def _soap(payload: Payload, wanted: str) -> bytes:
    if payload.pox and wanted == media.SOAP11 and payload.media == media.SOAP11:
        return _xml(payload, wanted)
    version = SOAP12 if wanted == media.SOAP12 else SOAP11
    return _bytes(with_version(payload.envelope, version))


def with_version(root: Element, version: str) -> Element:
    """The envelope in the given SOAP version; the same element when it already is."""
    old = namespace(root)
    if old == version:
        return root
    made = etree.Element(f"{{{version}}}Envelope", nsmap={"soapenv": version})
    for part in root:
        if isinstance(part.tag, str):
            copied = clone(part)
            target = etree.SubElement(made, f"{{{version}}}{local(part)}")
            target.text = copied.text
            target.extend(list(copied))
    return made


def _form(payload: Payload, _wanted: str) -> bytes:
    root = payload.root
    if root is None:
        return b""
    pairs = ((jsonxml.original_name(local(item)), item.text or "") for item in root if isinstance(item.tag, str))
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs).encode()


def _badgerfish(payload: Payload, _wanted: str) -> bytes:
    root = payload.root
    return b"" if root is None else encode_json(badgerfish.to_json(_without_marks(root)))


def _text(payload: Payload, _wanted: str) -> bytes:
    if payload.is_json:
        return payload.json_text().encode()
    root = payload.root
    return b"" if root is None else text_content(root).encode()


def text_content(root: Element) -> str:
    """Text of the `text` wrapper, or of any other payload element as a whole."""
    return root.text or "" if namespace(root) == PAYLOAD else "".join(root.itertext())


def _binary(payload: Payload, _wanted: str) -> bytes:
    root = payload.root
    if root is not None and namespace(root) == PAYLOAD and local(root) == "binary":
        return base64.b64decode(root.text or "")
    if payload.is_json:
        return _json(payload, media.JSON)
    return _xml(payload, media.XML)


def _without_marks(root: Element) -> Element:
    """The XML view of JSON without the marks of empty objects, which are no content."""
    if local(root) not in jsonxml.WRAPPERS:
        return root
    root = clone(root)
    for mark in list(root.iter("jsonEmpty")):
        mark.getparent().remove(mark)
    return root


def _bytes(element: Element) -> bytes:
    if element.getparent() is not None:  # a copy declares only the namespaces it uses
        element = clone(element)
    data: bytes = etree.tostring(element, encoding="utf-8", with_tail=False, xml_declaration=False)
    return data


_WRITERS: dict[str, Callable[[Payload, str], bytes]] = {
    media.JSON: _json,
    media.XML: _xml,
    media.SOAP11: _soap,
    media.SOAP12: _soap,
    media.FORM: _form,
    media.TEXT: _text,
    media.BINARY: _binary,
    media.BADGERFISH: _badgerfish,
}
