"""multipart/related SOAP: MTOM (binary content as parts of its own) and SOAP with Attachments, read and written.

What came as a part goes out as a part again when the message is written in either form; in any other form binary content
stands in the XML as base64 text and attachments are left behind. What a body may hold at most bounds all of it.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from lxml import etree

from integrator.engine.errors import BadPayload
from integrator.engine.xmltools import SOAP12, Element, clone, namespace, parse

XOP = "http://www.w3.org/2004/08/xop/include"
XMIME = "http://www.w3.org/2005/05/xmlmime"
XOP_TYPE = "application/xop+xml"
MTOM = f'multipart/related; type="{XOP_TYPE}"'
SWA = 'multipart/related; type="text/xml"'
FORMS = {"enableMTOM": MTOM, "enableSwA": SWA}
"""What a message is written as when the axis2 property is true."""
REPEATS = 4
"""How many times over all parts may be included: many elements that name one long part would fill the memory."""
OPTIMISED = 64
"""Binary content of at least so many characters becomes a part when its element says what it is (xmime:contentType)."""


@dataclass(frozen=True)
class Part:
    """One part: its content id without brackets, type and bytes."""

    identity: str
    content_type: str
    data: bytes


@dataclass
class Attachments:
    """Parts that came with a message. `inlined` finds the part of a base64 text that stands in the XML now."""

    parts: dict[str, Part] = field(default_factory=dict)
    inlined: dict[str, Part] = field(default_factory=dict)

    @property
    def loose(self) -> list[Part]:
        """Parts that no element includes."""
        held = {part.identity for part in self.inlined.values()}
        return [part for part in self.parts.values() if part.identity not in held]


def read(root_part: bytes, parts: list[Part]) -> tuple[Element, Attachments]:
    """The root element with what its xop:Include elements name put in as base64. Raises BadPayload, XmlError."""
    root = parse(root_part)
    held = Attachments({part.identity: part for part in parts})
    left = REPEATS * sum(len(part.data) for part in parts)
    for include in list(root.iter(f"{{{XOP}}}Include")):
        wanted = unquote(str(include.get("href", "")).removeprefix("cid:"))
        part, parent = held.parts.get(wanted), include.getparent()
        if part is None or parent is None:
            raise BadPayload(f"the multipart body has no part {wanted!r}")
        left -= len(part.data)
        if left < 0:
            raise BadPayload(f"the envelope includes its parts more than {REPEATS} times over")
        text = base64.b64encode(part.data).decode()
        held.inlined[text] = part
        parent.remove(include)
        parent.text = text
    return root, held


def write(envelope: Element, held: Attachments | None, target: str) -> tuple[bytes, str] | None:
    """(body, content type) as MTOM or SwA; None when there is nothing to attach and SwA is asked for."""
    held, mtom = held or Attachments(), XOP_TYPE in target
    root = clone(envelope)
    parts = [*held.loose]
    if mtom:
        parts += _taken_out(root, held)
    elif not held.loose:
        return None
    boundary, start = f"MIMEBoundary_{secrets.token_hex(12)}", f"0.{secrets.token_hex(8)}@integrator"
    soap = "application/soap+xml" if namespace(root) == SOAP12 else "text/xml"
    kind = f'{XOP_TYPE}; charset=UTF-8; type="{soap}"' if mtom else f"{soap}; charset=UTF-8"
    lines = [_head(boundary, kind, start), etree.tostring(root, encoding="utf-8")]
    for part in parts:
        lines += [_head(boundary, part.content_type, part.identity), part.data]
    lines += [f"--{boundary}--".encode(), b""]
    info = f'; start-info="{soap}"' if mtom else ""
    content_type = (
        f'multipart/related; boundary="{boundary}"; type="{XOP_TYPE if mtom else soap}"; start="<{start}>"{info}'
    )
    return b"\r\n".join(lines), content_type


def _taken_out(root: Element, held: Attachments) -> list[Part]:
    """Parts for binary content: what came as one, and what says by xmime:contentType that it is binary."""
    found: dict[str, Part] = {}
    for item in list(root.iter(etree.Element)):
        text = item.text
        if not text or len(item):
            continue
        part = held.inlined.get(text) or _declared(item, text)
        if part is None:
            continue
        found[part.identity] = part
        item.text = None
        href = f"cid:{quote(part.identity, safe='@.-_')}"
        etree.SubElement(item, f"{{{XOP}}}Include", {"href": href}, nsmap={"xop": XOP})
    return list(found.values())


def _declared(item: Element, text: str) -> Part | None:
    kind = item.get(f"{{{XMIME}}}contentType")
    if kind is None or len(text) < OPTIMISED:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return Part(f"{secrets.token_hex(12)}@integrator", " ".join(kind.split()), data)


def _head(boundary: str, content_type: str, identity: str) -> bytes:
    """Begin of a part; what came from outside holds no line ends."""
    identity = "".join(identity.split()).replace(">", "")
    return (
        f"--{boundary}\r\nContent-Type: {' '.join(content_type.split())}\r\n"
        f"Content-Transfer-Encoding: binary\r\nContent-ID: <{identity}>\r\n"
    ).encode()
