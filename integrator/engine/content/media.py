"""Content types: which family a media type belongs to, and its charset."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

JSON, XML, SOAP11, SOAP12, FORM, TEXT, BINARY, MULTIPART, BADGERFISH = (
    "application/json",
    "application/xml",
    "text/xml",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/octet-stream",
    "multipart/form-data",
    "application/json/badgerfish",
)
_MULTIPART = frozenset({MULTIPART, "multipart/mixed", "multipart/related"})
_CHARSET = re.compile(r'charset\s*=\s*"?([\w.:-]+)', re.IGNORECASE)
_ACTION = re.compile(r'action\s*=\s*"?([^";]+)', re.IGNORECASE)


@lru_cache(maxsize=1024)
def media_type(content_type: str) -> str:
    """Media type in lower case without parameters."""
    return content_type.split(";", 1)[0].strip().lower()


@lru_cache(maxsize=1024)
def charset(content_type: str) -> str:
    """Declared charset, utf-8 when none is declared or Python does not know it."""
    found = _CHARSET.search(content_type)
    name = found.group(1) if found else "utf-8"
    try:
        "".encode(name)
    except LookupError:
        return "utf-8"
    return name


@lru_cache(maxsize=1024)
def foreign(content_type: str) -> str:
    """The declared charset when it is another than what parsers take for granted (UTF-8 and what it includes); else empty."""
    name = charset(content_type)
    return "" if codecs.lookup(name).name in ("utf-8", "ascii") else name


def soap_action(content_type: str) -> str | None:
    """The action parameter of a SOAP 1.2 content type."""
    found = _ACTION.search(content_type)
    return found.group(1) if found else None


@lru_cache(maxsize=1024)
def family(media: str) -> str:
    """Which builder reads a media type: one of the constants above (reference 2.8)."""
    if media == JSON or media.endswith("+json") or media == "text/javascript":
        return JSON
    if media in (SOAP11, SOAP12, FORM, BADGERFISH):
        return media
    if media == XML or media.endswith("+xml"):
        return XML
    if media.startswith("text/"):
        return TEXT
    return MULTIPART if media in _MULTIPART else BINARY
