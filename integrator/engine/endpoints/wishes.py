"""What axis2 properties ask of one request or answer besides method and headers (reference 2.4).

Setting one of MARKED marks the message (`scopes.write`), so that a message without them pays one look-up for all.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import Any

from integrator.engine.content import media
from integrator.engine.content.payload import decode_json
from integrator.engine.errors import BadPayload
from integrator.engine.expressions.scopes import is_true
from wire.client import Limits
from wire.routes import Style

Header = tuple[bytes, bytes]

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>\s*")
_DECLARED = re.compile(rb"\A\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]+)")
_CHARSET = re.compile(r'\s*;\s*charset\s*=\s*("[^"]*"|[^;\s]*)', re.IGNORECASE)
_TEXTUAL = frozenset({media.JSON, media.XML, media.SOAP11, media.SOAP12, media.TEXT, media.BADGERFISH})
_MARKUP = frozenset({media.XML, media.SOAP11, media.SOAP12})


def length_first(axis2: dict[str, Any]) -> bool:
    """Whether a body that is still on the wire has to be taken first, so that its length can be told."""
    if is_true(axis2.get("FORCE_HTTP_CONTENT_LENGTH")):
        return not is_true(axis2.get("COPY_CONTENT_LENGTH_FROM_INCOMING"))
    return is_true(axis2.get("DISABLE_CHUNKING")) or is_true(axis2.get("FORCE_HTTP_1.0"))


def limits_for(axis2: dict[str, Any], timeout_ms: int) -> Limits:
    """Time limits and form of the request: SEND_TIMEOUT shortens the endpoint's."""
    try:
        wanted = int(float(str(axis2.get("SEND_TIMEOUT"))))
    except (ValueError, OverflowError):
        wanted = 0
    return styled(
        min(timeout_ms, wanted) if wanted > 0 else timeout_ms,
        is_true(axis2.get("FORCE_HTTP_1.0")),
        is_true(axis2.get("NO_KEEPALIVE")),
        is_true(axis2.get("POST_TO_URI")) or is_true(axis2.get("FULL_URI")),
    )


@lru_cache(maxsize=1024)
def styled(timeout_ms: int, http10: bool, close: bool, absolute: bool) -> Limits:
    """Limits of a call; the client ends what is still under way when the whole time has passed."""
    seconds = timeout_ms / 1000
    style = Style(http10, close or http10, absolute) if http10 or close or absolute else None
    return Limits(connect=min(30.0, seconds), read=seconds, total=seconds, style=style)


def wants_body(axis2: dict[str, Any]) -> bool:
    """Whether a method that mostly has no body is to carry one: NO_ENTITY_BODY was set to false by hand."""
    return str(axis2.get("NO_ENTITY_BODY")).lower() == "false"


def whole(axis2: dict[str, Any]) -> bool:
    """Whether an answer has to be taken whole before it is sent on."""
    return length_first(axis2) or is_true(axis2.get("HTTP_ETAG"))


def ignores_accepted(axis2: dict[str, Any]) -> bool:
    """Whether a 202 is not the answer."""
    return is_true(axis2.get("IGNORE_SC_ACCEPTED"))


def recoded(axis2: dict[str, Any], data: bytes, content_type: str) -> tuple[bytes, str]:
    """Body and content type in the charset of CHARACTER_SET_ENCODING, and without it when setCharacterEncoding is false."""
    wanted = str(axis2.get("CHARACTER_SET_ENCODING") or "")
    family = media.family(media.media_type(content_type))
    if data and wanted and known_charset(wanted) and family in _TEXTUAL:
        data = _encoded(data, wanted, content_type, family)
        content_type = f"{_CHARSET.sub('', content_type)}; charset={wanted}"
    if str(axis2.get("setCharacterEncoding")).lower() == "false":
        content_type = _CHARSET.sub("", content_type)
    return data, content_type


def known_charset(name: str) -> bool:
    """Whether Python writes text in it."""
    try:
        return isinstance("".encode(name), bytes)
    except (LookupError, ValueError):
        return False


def _encoded(data: bytes, wanted: str, content_type: str, family: str) -> bytes:
    if family not in _MARKUP:
        text = data.decode(media.charset(content_type), "replace")
        if family == media.TEXT:
            return text.encode(wanted, "replace")
        try:
            return text.encode(wanted)
        except UnicodeEncodeError:
            return _escaped(text).encode(wanted, "replace")
    declared = _DECLARED.match(data)
    name = declared.group(1).decode() if declared else media.charset(content_type)
    text = _DECLARATION.sub("", data.decode(name if known_charset(name) else "utf-8", "replace"))
    return f'<?xml version="1.0" encoding="{wanted}"?>{text}'.encode(wanted, "xmlcharrefreplace")


def _escaped(text: str) -> str:
    """JSON text with what a charset does not have as escapes."""
    try:
        return json.dumps(decode_json(text), separators=(",", ":"))
    except BadPayload:
        return text


def entity_tag(data: bytes) -> Header:
    """The strong ETag of a body."""
    return b"etag", b'"%b"' % hashlib.sha256(data).hexdigest()[:32].encode()


def status_words(axis2: dict[str, Any]) -> bytes:
    """Words behind the status that were asked for, without control characters; empty for the usual ones."""
    if "HTTP_REASON_PHRASE" not in axis2 and "TRANSPORT_IN_URL" not in axis2:
        return b""  # they are the backend's, nobody set them
    text = str(axis2.get("HTTP_SC_DESC") or "")
    return bytes(octet for octet in text.encode("latin-1", "replace") if octet >= 32 and octet != 127)[:200]
