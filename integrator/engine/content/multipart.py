"""multipart/*: parts become children of a `mediate` element, and back (reference 2.8). Files are base64 text."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from email import policy
from email.message import Message as MimePart
from email.parser import BytesParser
from email.utils import collapse_rfc2231_value

from lxml import etree

from integrator.engine.content import jsonxml, media
from integrator.engine.content.attachments import Attachments, Part, read
from integrator.engine.errors import BadPayload
from integrator.engine.xmltools import Element, children, local

MAX_PARTS = 1000
_START = re.compile(r'start="?<?([^">;]+)', re.IGNORECASE)
_XML = ("application/xop+xml", "text/xml", "application/soap+xml", "application/xml")
_parser = BytesParser(policy=policy.compat32)


def build(data: bytes, content_type: str) -> Element:
    """The payload element `mediate` with a child for each part. Raises BadPayload."""
    parts = _parts(data, content_type)
    root = etree.Element("mediate")
    for number, part in enumerate(parts, 1):
        _add(root, part, number)
    return root


def _parts(data: bytes, content_type: str) -> list[MimePart]:
    line = content_type.encode("latin-1", "replace").replace(b"\r", b" ").replace(b"\n", b" ")
    whole = _parser.parsebytes(b"Content-Type: " + line + b"\r\n\r\n" + data)
    found = whole.get_payload()
    if not isinstance(found, list) or not found or whole.get_boundary() is None:
        raise BadPayload("the multipart body has no parts, or its content type no boundary")
    if len(found) > MAX_PARTS:
        raise BadPayload(f"the multipart body has more than {MAX_PARTS} parts")
    return [part for part in found if isinstance(part, MimePart)]


def _content(part: MimePart) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else part.as_bytes()


def _add(root: Element, part: MimePart, number: int) -> None:
    given = part.get_param("name", header="content-disposition")
    name = collapse_rfc2231_value(given) if given else ""
    file = part.get_filename()
    item = etree.SubElement(root, jsonxml.valid_name(name or f"part{number}"))
    data = _content(part)
    if file is None and part.get_content_maintype() == "text":
        text = data.decode(media.charset(str(part.get("Content-Type", ""))), "replace")
        item.text = jsonxml.xml_text(text.removesuffix("\r\n") if not name else text)
        return
    if file is not None:
        item.set("filename", jsonxml.xml_text(file))
    item.set("contentType", part.get_content_type())
    item.text = base64.b64encode(data).decode()


def related(data: bytes, content_type: str) -> tuple[Element, Attachments] | None:
    """The root of multipart/related XML with what came beside it; None for another multipart. Raises BadPayload."""
    if not content_type.lower().startswith("multipart/related"):
        return None
    parts = _parts(data, content_type)
    start = _START.search(content_type)
    wanted = start.group(1).strip() if start else ""
    first = next((part for part in parts if _identity(part) == wanted), parts[0])
    if first.get_content_type() not in _XML:
        return None
    others = [part for part in parts if part is not first]
    return read(_content(first), [Part(_identity(part), part.get_content_type(), _content(part)) for part in others])


def _identity(part: MimePart) -> str:
    return str(part.get("Content-ID", "")).strip("<> ")


def write(root: Element, kind: str) -> tuple[bytes, str]:
    """(body, content type with its boundary) of the children of a payload element."""
    boundary = f"part-{secrets.token_hex(12)}"
    lines: list[bytes] = []
    for item in children(root):
        part, data = _written(item)
        name = _quoted(jsonxml.original_name(local(item)))
        file = item.get("filename")
        shown = f'Content-Disposition: form-data; name="{name}"'
        shown += "" if file is None else f'; filename="{_quoted(file)}"'
        lines += [f"--{boundary}".encode(), shown.encode()]
        if part:
            lines.append(f"Content-Type: {_quoted(part)}".encode())
        lines += [b"", data]
    lines += [f"--{boundary}--".encode(), b""]
    return b"\r\n".join(lines), f"{kind}; boundary={boundary}"


def _written(item: Element) -> tuple[str, bytes]:
    kind = item.get("contentType") or ("application/octet-stream" if item.get("filename") is not None else "")
    if not kind:
        text = "".join(item.itertext()) if not len(item) else etree.tostring(item[0], encoding="unicode")
        return "", text.encode()
    try:
        return kind, base64.b64decode(item.text or "", validate=True)
    except binascii.Error:
        return kind, (item.text or "").encode()


def _quoted(text: str) -> str:
    return " ".join(text.splitlines()).replace('"', "%22")
