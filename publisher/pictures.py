"""Checks pictures that people upload, and strips SVG of everything that could act: scripts, events, addresses elsewhere."""

from __future__ import annotations

import re
import struct

from lxml import etree

from apim.errors import FieldError, Invalid

MOST_BYTES = 1024 * 1024
MOST_PIXELS = 4096
"""Longest side of a picture."""
SVG = "image/svg+xml"
_NAMESPACE, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_ELEMENTS = frozenset(
    [
        "svg",
        "g",
        "defs",
        "symbol",
        "use",
        "title",
        "desc",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "textPath",
        "linearGradient",
        "radialGradient",
        "stop",
        "clipPath",
        "mask",
        "pattern",
        "marker",
        "image",
        "filter",
        "feBlend",
        "feColorMatrix",
        "feComposite",
        "feFlood",
        "feGaussianBlur",
        "feMerge",
        "feMergeNode",
        "feOffset",
        "switch",
    ]  # fmt: skip
)
_INLINE_PICTURE = re.compile(r"^data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*$")
_URL = re.compile(r"url\(\s*['\"]?(?!#)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"^[A-Za-z][A-Za-z0-9_:.-]*$")


def checked(content: bytes) -> tuple[str, bytes]:
    """Media type and bytes of a PNG, JPEG, GIF or SVG, told by its bytes alone. An SVG comes back made safe.

    Raises Invalid for anything else, and for pictures beyond MOST_BYTES or MOST_PIXELS.
    """
    if len(content) > MOST_BYTES:
        raise _wrong(f"Is larger than {MOST_BYTES // 1024} KB.")
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) > 24:
        return _sized("image/png", content, struct.unpack(">II", content[16:24]))
    if content.startswith((b"GIF87a", b"GIF89a")) and len(content) > 10:
        return _sized("image/gif", content, struct.unpack("<HH", content[6:10]))
    if content.startswith(b"\xff\xd8\xff"):
        return _sized("image/jpeg", content, _jpeg_size(content))
    if b"<svg" in content[:4096].lower():
        return SVG, _safe_svg(content)
    raise _wrong("Is no PNG, JPEG, GIF or SVG.")


def _sized(kind: str, content: bytes, size: tuple[int, ...]) -> tuple[str, bytes]:
    if not size or min(size) < 1 or max(size) > MOST_PIXELS:
        raise _wrong(f"Is not between 1 and {MOST_PIXELS} pixels wide and high.")
    return kind, content


def _jpeg_size(content: bytes) -> tuple[int, ...]:
    """Height and width, from the first frame header; empty when there is none."""
    position = 2
    while position + 9 < len(content) and content[position] == 0xFF:
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            return struct.unpack(">HH", content[position + 5 : position + 9])
        position += 2 + length
    return ()


def _safe_svg(content: bytes) -> bytes:
    if b"<!doctype" in content.lower() or b"<!entity" in content.lower():
        raise _wrong("Has a document type, which may name other files; save the SVG without one.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _wrong(f"Is no well-formed SVG: {error}") from error
    if root.tag != f"{_NAMESPACE}svg":
        raise _wrong("Is no SVG: its root is another element.")
    for element in list(root.iter()):
        if not _is_picture(element):
            if element.getparent() is not None:
                element.getparent().remove(element)
            continue
        for name, value in list(element.attrib.items()):
            if not _is_passive(str(name), str(value)):
                del element.attrib[name]
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _is_picture(element: etree._Element) -> bool:
    tag = element.tag
    return isinstance(tag, str) and tag.startswith(_NAMESPACE) and tag.removeprefix(_NAMESPACE) in _ELEMENTS


def _is_passive(name: str, value: str) -> bool:
    if name in ("href", _LINK):
        return value.startswith("#") or bool(_INLINE_PICTURE.match(value))
    if name.startswith("{"):
        return name == "{http://www.w3.org/XML/1998/namespace}space"
    if not _ATTRIBUTE.match(name) or name.lower().startswith("on"):
        return False
    return not _URL.search(value) and "\\" not in value and "javascript:" not in value.lower()


def _wrong(message: str) -> Invalid:
    return Invalid(f"file: {message}", [FieldError("file", message)])
