"""The body of a message: bytes until something reads it, then JSON or XML, whichever was asked for.

One form is the truth at any time; the other is a view made on demand. A step that changes the XML view says so with
`xml_changed`, which drops the JSON text, as the Micro Integrator does.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from lxml import etree

from integrator.engine.content import badgerfish, jsonxml, media, multipart
from integrator.engine.content.attachments import Attachments
from integrator.engine.errors import BadPayload
from integrator.engine.xmltools import (
    ADDRESSING,
    PAYLOAD,
    SOAP11,
    SOAP12,
    Element,
    XmlError,
    clone,
    envelope,
    local,
    namespace,
    parse,
)

_UNSET: Any = object()
_HOLDERS = frozenset({dict, list})
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}\sencoding\s*=")
_BODIES = {f"{{{soap}}}Envelope": f"{{{soap}}}Body" for soap in (SOAP11, SOAP12)}
"""Where the body almost always is, the last child, its name by that of the envelope."""
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

Reader = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, eq=False)
class Written:
    """Stands for an envelope whose text was made here: `data` is parsed when something looks at it, if ever.

    `media` is the type of that text; `pox`: it is the payload, without the envelope around it.
    """

    media: str
    pox: bool


WRITTEN = {
    SOAP11: Written(media.SOAP11, False),
    SOAP12: Written(media.SOAP12, False),
    "": Written(media.XML, True),
}
"""By the namespace of the envelope that the text begins with, empty for any other."""


class Payload:
    """Body and content type. `unread` is set while the bytes are still on the wire."""

    __slots__ = ("_envelope", "_json", "abandon", "attachments", "chunks", "content_type", "data", "pox", "unread")
    attachments: Attachments
    """Set only for multipart/related that was parsed; ask `attached`."""

    def __init__(self, data: bytes | None = None, content_type: str = "", *, pox: bool = True):
        self.data = data
        self.content_type = content_type
        self.pox = pox
        self.unread: Reader | None = None
        self.chunks: Callable[[], AsyncIterator[bytes]] | None = None
        self.abandon: Callable[[], None] | None = None
        self._json: Any = _UNSET
        self._envelope: Element | None = None

    async def read(self) -> None:
        """Take the whole body from the wire, once."""
        if self.unread is not None:
            reader, self.unread, self.chunks, self.abandon = self.unread, None, None, None
            self.data = await reader()

    @property
    def media(self) -> str:
        """Media type without parameters."""
        return media.media_type(self.content_type)

    @property
    def family(self) -> str:
        """Family of the media type."""
        return media.family(self.media)

    @property
    def built(self) -> bool:
        """Whether the body was parsed or made here."""
        return self._json is not _UNSET or self._envelope is not None

    @property
    def empty(self) -> bool:
        """Whether there is no body at all."""
        if self.unread is not None or self._json is not _UNSET:
            return False
        if self._envelope is not None:
            return type(self._envelope) is not Written and self.root is None
        return not self.data

    @property
    def is_json(self) -> bool:
        """Whether the truth is JSON (and not an XML view that was changed)."""
        if self._json is not _UNSET:
            return True
        return self._envelope is None and self.family == media.JSON and bool(self.data)

    @property
    def json(self) -> Any:
        """The body as a JSON value; XML is mapped. Raises BadPayload."""
        if self._json is not _UNSET:
            return self._json
        if self._envelope is None and self.family == media.JSON:
            if not self.data or not self.data.strip():
                return None
            self._json = decode_json(_utf8(self))
            return self._json
        root = self.root
        return None if root is None else jsonxml.to_json(root)

    def set_json(self, value: Any) -> None:
        """Replace the body by a JSON value."""
        self.discard()
        self._json = value
        self.content_type = media.JSON

    def json_text(self) -> str:
        """The body as JSON text; the original text while it is unchanged."""
        if self._envelope is None and self.data is not None and self.family == media.JSON:
            return self.data.decode(media.charset(self.content_type), "replace")
        return encode_json(self.json).decode()

    @property
    def envelope(self) -> Element:
        """The SOAP envelope view. Say `xml_changed` after changing it."""
        if self._envelope is None:
            self._envelope = self._build()
        elif type(self._envelope) is Written:
            root = parse(self.data or b"")
            self._envelope, self.data = _wrap(root) if self._envelope.pox else root, None
        return self._envelope

    @property
    def body(self) -> Element:
        """The SOAP body element."""
        root = self.envelope
        if len(root):
            last = root[-1]
            if last.tag == _BODIES.get(root.tag):
                return last
        found = next(root.iterchildren(root.tag.removesuffix("Envelope") + "Body"), None)
        if found is None:
            raise BadPayload("the SOAP envelope has no Body")
        return found

    @property
    def header(self) -> Element:
        """The SOAP header element, made when absent."""
        root = self.envelope
        soap = namespace(root)
        found = root.find(f"{{{soap}}}Header")
        if found is None:
            found = etree.Element(f"{{{soap}}}Header")
            root.insert(0, found)
        return found

    @property
    def root(self) -> Element | None:
        """The first element in the body: the payload."""
        body = self.body
        if not len(body):
            return None
        first = body[0]
        return first if type(first.tag) is str else next(body.iterchildren("*"), None)

    def lone(self) -> Element | None:
        """The payload of XML that nobody has read yet, parsed without an envelope around it; None for any other body.

        The body stays unread. Raises BadPayload.
        """
        if self.built or self.family != media.XML or not self.data or self.data[:1] != b"<":
            return None
        try:
            root = parse(_utf8(self))
        except XmlError as error:
            raise BadPayload(f"invalid XML: {error}") from error
        return root if root.getprevious() is None and root.getnext() is None else None

    def set_lone(self, element: Element) -> None:
        """Replace a body that nobody has read by one element."""
        self.discard()
        self._envelope = _wrap(element)

    def xml_changed(self) -> None:
        """The envelope was changed: it is the truth now."""
        self.data = None
        if self._json is not _UNSET or self.family in (media.JSON, media.BINARY, media.TEXT, media.FORM):
            self._json = _UNSET

    def set_root(self, element: Element) -> None:
        """Replace the content of the body by one element."""
        body = self.body
        for item in list(body):
            body.remove(item)
        body.text = None
        body.append(element)
        self.xml_changed()

    def set_envelope(self, element: Element) -> None:
        """Replace the whole envelope."""
        self.discard()
        self._envelope = element
        self.pox = False

    def set_written(self, data: bytes, kind: Written) -> None:
        """Replace the whole envelope, or for `pox` what is in it, by text that is well-formed and as it would be written."""
        self.discard()
        self.data, self._envelope = data, kind
        self.content_type, self.pox = kind.media, kind.pox

    @property
    def written(self) -> bool:
        """Whether `data` is text that was made here and not looked at since."""
        return type(self._envelope) is Written

    def as_written(self, wanted: str) -> bool:
        """Whether that text is what is to be written; if not, it is an envelope from now on."""
        kind: Any = self._envelope
        if kind.media == wanted == self.media and kind.pox is self.pox:
            return True
        _ = self.envelope
        return False

    def set_text(self, text: str) -> None:
        """Replace the body by plain text."""
        self.set_wrapped("text", text)
        self.content_type = media.TEXT

    def set_wrapped(self, name: str, text: str) -> None:
        """Body = one element `text` or `binary` of the payload namespace."""
        wrapper = etree.Element(f"{{{PAYLOAD}}}{name}", nsmap={None: PAYLOAD})
        wrapper.text = text
        if self._json is not _UNSET or self._envelope is None:
            self.discard()
            self._envelope = envelope()
        self.set_root(wrapper)

    def discard(self) -> None:
        """Forget the body; what was not read from the wire is given up."""
        if self.abandon is not None:
            self.abandon()
        self.unread = self.chunks = self.abandon = None
        self.data = None
        self._json = _UNSET
        self._envelope = None

    @property
    def attached(self) -> Attachments | None:
        """Parts beside the envelope; None when there are none."""
        return getattr(self, "attachments", None)

    def copy(self) -> Payload:
        """A deep copy; the body must have been read."""
        result = self.blank()
        result.data = self.data
        result._json = copied(self._json)
        held = self._envelope
        result._envelope = held if held is None or type(held) is Written else clone(held)
        return result

    def blank(self) -> Payload:
        """One of the same kind, for content that is put in next."""
        result = Payload(None, self.content_type, pox=self.pox)
        if self.attached is not None:
            result.attachments = self.attachments
        return result

    @property
    def soap(self) -> str:
        """Namespace of the envelope's SOAP version."""
        if self._envelope is not None:
            return namespace(self.envelope)
        return SOAP12 if self.media == media.SOAP12 else SOAP11

    def _build(self) -> Element:
        if self._json is not _UNSET or (self.family == media.JSON and self.data and self.data.strip()):
            return _wrap(jsonxml.to_xml(self.json))
        if not self.data or not self.data.strip():
            return envelope(SOAP12 if self.media == media.SOAP12 else SOAP11)
        return _BUILDERS[self.family](self)


def decode_json(text: bytes | str) -> Any:
    """Parse JSON text. Raises BadPayload with the parser's reason."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadPayload(f"invalid JSON: {error}") from error
    except RecursionError as error:
        raise BadPayload("JSON is nested too deeply") from error


def copied(value: Any) -> Any:
    """A deep copy of a JSON value; what is no object or array is never changed, so it is shared."""
    if type(value) is dict:
        return {name: copied(item) if type(item) in _HOLDERS else item for name, item in value.items()}
    if type(value) is list:
        return [copied(item) if type(item) in _HOLDERS else item for item in value]
    return value


def encode_json(value: Any) -> bytes:
    """Compact JSON text of a value."""
    return _encode(value)


def _wrap(element: Element) -> Element:
    root = envelope()
    root[1].append(element)
    return root


def _utf8(payload: Payload) -> bytes:
    """The body in UTF-8 when its content type declares another charset; a document that declares one itself stays."""
    data, name = payload.data or b"", media.foreign(payload.content_type)
    if not name or _DECLARED.match(data):
        return data
    try:
        return data.decode(name).encode()
    except UnicodeDecodeError as error:
        raise BadPayload(f"the body is not in the charset {name} of its content type") from error


def _xml(payload: Payload) -> Element:
    try:
        return _wrap(parse(_utf8(payload)))
    except XmlError as error:
        raise BadPayload(f"invalid XML: {error}") from error


def _soap(payload: Payload) -> Element:
    try:
        root = parse(_utf8(payload))
    except XmlError as error:
        raise BadPayload(f"invalid XML: {error}") from error
    if payload.pox and payload.media == media.SOAP11:
        return _wrap(root)
    if root.tag not in _BODIES:
        payload.pox = True
        return _wrap(root)
    if len(root) == 1 and root[0].tag == _BODIES[root.tag]:
        payload.pox = False
        return root
    if not any(local(item) == "Body" for item in root):
        raise BadPayload("the SOAP envelope has no Body")
    payload.pox = False
    if any(namespace(block) in ADDRESSING for item in root if local(item) == "Header" for block in item):
        payload.data = None  # blocks that are only for us are left out when it is written
    return root


def _form(payload: Payload) -> Element:
    root = etree.Element("xformValues")
    text = (payload.data or b"").decode(media.charset(payload.content_type), "replace")
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=10_000):
        etree.SubElement(root, jsonxml.valid_name(name)).text = value
    return _wrap(root)


def _text(payload: Payload) -> Element:
    root = etree.Element(f"{{{PAYLOAD}}}text", nsmap={None: PAYLOAD})
    text = (payload.data or b"").decode(media.charset(payload.content_type), "replace")
    root.text = jsonxml.xml_text(text)
    return _wrap(root)


def _binary(payload: Payload) -> Element:
    root = etree.Element(f"{{{PAYLOAD}}}binary", nsmap={None: PAYLOAD})
    root.text = base64.b64encode(payload.data or b"").decode()
    return _wrap(root)


def _multipart(payload: Payload) -> Element:
    data, kind = payload.data or b"", payload.content_type
    try:
        found = multipart.related(data, kind)
        root = multipart.build(data, kind) if found is None else found[0]
    except XmlError as error:
        raise BadPayload(f"invalid XML in the root part: {error}") from error
    if found is not None:
        payload.attachments = found[1]
    if local(root) == "Envelope" and namespace(root) in (SOAP11, SOAP12):
        payload.pox = False
        return root
    return _wrap(root)


def _badgerfish(payload: Payload) -> Element:
    return _wrap(badgerfish.to_xml(decode_json(payload.data or b"")))


_BUILDERS: dict[str, Callable[[Payload], Element]] = {
    media.XML: _xml,
    media.SOAP11: _soap,
    media.SOAP12: _soap,
    media.FORM: _form,
    media.TEXT: _text,
    media.BINARY: _binary,
    media.MULTIPART: _multipart,
    media.BADGERFISH: _badgerfish,
}
