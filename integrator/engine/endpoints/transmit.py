"""One HTTP call: writes the message as a request, and puts the answer into it."""

from __future__ import annotations

import ssl
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from integrator.engine.content import jsonxml, media
from integrator.engine.content.attachments import FORMS
from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.endpoints import ntlm, wishes
from integrator.engine.errors import (
    CONNECT_CANCELLED,
    CONNECT_TIMEOUT,
    CONNECTION_CLOSED,
    CONNECTION_FAILED,
    CONNECTION_TIMEOUT,
    PROTOCOL_VIOLATION,
    RESPONSE_FAILED,
    SEND_ABORTED,
    SENDER_INVALID_STATE,
    SENDER_IO_RECEIVING,
    SENDER_IO_SENDING,
    Discarded,
    Fault,
    Unsendable,
)
from integrator.engine.expressions.scopes import MARK, is_true
from integrator.engine.headers import Headers
from integrator.engine.message import Message
from integrator.engine.xmltools import local
from wire.client import AnswerTooLarge, Limits, Response
from wire.upstream import UpstreamError

NOT_SENT = frozenset(
    {
        b"accept-encoding",
        b"connection",
        b"content-type",
        b"transfer-encoding",
        b"content-length",
        b"host",
        b"server",
        b"user-agent",
        b"date",
        b"keep-alive",
        b"expect",
    }
)
"""Headers of the message that are not sent on; without accept-encoding, answers come in a form mediators can read."""
NOT_SENT_WITH_ACTION = NOT_SENT | {b"soapaction"}
WITH_ACTION = frozenset({media.SOAP11, "multipart/related"})
"""Types whose action is told by the SOAPAction header."""
SOAP_FORMS = {"soap11": media.SOAP11, "soap12": media.SOAP12}
BODILESS_METHODS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
BUFFERED = 256 * 1024
"""Answers announced to be at most this long are taken at once; longer ones are streamed."""
SAFE = "%/:=&?~+!$,;'@()*[]|#"


async def transmit(message: Message, url: str, method: str | None, form: str, timeout_ms: int) -> None:
    """Send over http(s). `form` is soap11, soap12, pox, get, rest or empty. Raises Fault with a code of 4.8."""
    marked = MARK in message.axis2
    if message.payload.unread is not None and (
        form == "get" or target_type(message, form) or (marked and wishes.length_first(message.axis2))
    ):  # what is written in another form, or with its length, is taken first
        await message.payload.read()
    verb, url, headers, body = prepare(message, sendable(url), method, form)
    runtime = message.deployment.runtime
    limits = limits_of(timeout_ms)
    asked = message.axis2
    if marked:
        limits = wishes.limits_for(asked, timeout_ms)
        headers, body = recoded(asked, headers, body)
    try:
        response: Any = await message.through(runtime.client).request(verb, url, headers, body, limits)
        if marked and response.status == 401 and ntlm.NTLM in asked:
            response.close()
            response = await ntlm.answer(runtime, asked[ntlm.NTLM], (verb, url, headers, body), limits)
        data = response.whole()
        if data is None and is_short(response):
            data = await response.body(BUFFERED)
        take_response(message, response, data, runtime.max_body)
    except (UpstreamError, AnswerTooLarge, ValueError) as error:
        message.axis2["SEND_TIMEOUT"] = round(limits.total * 1000)
        raise as_fault(error, url, round(limits.total * 1000)) from error
    if marked and response.status == 202 and wishes.ignores_accepted(asked):
        message.payload.discard()
        raise Discarded(0, f"{url} answered 202, which is not the answer (IGNORE_SC_ACCEPTED)")


def recoded(
    axis2: dict[str, Any], headers: list[tuple[bytes, bytes]], body: Any
) -> tuple[list[tuple[bytes, bytes]], Any]:
    """Headers and body in the charset that was asked for; a streamed body stays as it is."""
    kind = next((value.decode("latin-1") for name, value in headers if name == b"content-type"), None)
    if kind is None or not isinstance(body, bytes):
        return headers, body
    data, content_type = wishes.recoded(axis2, body, kind)
    kept = [pair for pair in headers if pair[0] != b"content-type"]
    return [*kept, _header("content-type", content_type)], data


@lru_cache(maxsize=1024)
def limits_of(timeout_ms: int) -> Limits:
    """Time limits of a call: the client ends what is still under way when the whole time has passed."""
    seconds = timeout_ms / 1000
    return Limits(connect=min(30.0, seconds), read=seconds, total=seconds)


@lru_cache(maxsize=4096)
def sendable(url: str) -> str:
    """The address with what may not stand in one percent-encoded. Raises Fault for another transport."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise Fault(0, f"cannot send to {url!r}: the transport is not available; allowed are http, https")
    return quote(url, safe=SAFE)


def as_fault(error: Exception, url: str, timeout_ms: int) -> Fault:
    """The fault of reference 4.8 for an error of the client."""
    if isinstance(error, AnswerTooLarge):
        return Fault(RESPONSE_FAILED, "the answer could not be taken", f"{url}: {error}")
    if not isinstance(error, UpstreamError):
        return Unsendable(PROTOCOL_VIOLATION, f"{url}: {error}")
    connecting = error.stage == "connect"
    if error.timeout and not connecting:
        limit = f"within {timeout_ms} ms" if timeout_ms else "in time"
        return Fault(CONNECTION_TIMEOUT, f"no answer from {url} {limit}", str(error))
    code = CONNECT_TIMEOUT if error.timeout else CODES.get(error.stage, CONNECTION_CLOSED)
    if connecting and isinstance(error.__cause__, ssl.SSLError):
        code, connecting = SENDER_IO_SENDING, False
    elif "not valid HTTP" in str(error):
        code = PROTOCOL_VIOLATION
    return Fault(code, "Error connecting to the back end" if connecting else "Error in Sender", f"{url}: {error}")


CODES = {
    "connect": CONNECTION_FAILED,
    "send": SENDER_IO_SENDING,
    "head": CONNECTION_CLOSED,
    "body": SENDER_IO_RECEIVING,
    "source": SEND_ABORTED,
    "cancelled": CONNECT_CANCELLED,
    "closed": SENDER_INVALID_STATE,
}
"""Error code by what the client was doing."""


def prepare(
    message: Message, url: str, method: str | None, form: str
) -> tuple[str, str, list[tuple[bytes, bytes]], Any]:
    """Method, URL, headers and body of the request."""
    payload = message.payload
    verb = method or str(message.axis2.get("HTTP_METHOD") or ("GET" if payload.empty else "POST"))
    if form == "get":
        return "GET", _with_query(url, payload), request_headers(message, None), None
    if form in ("soap11", "soap12"):
        verb = method or "POST"
    bodiless = verb in BODILESS_METHODS and form not in ("soap11", "soap12") and (verb != "DELETE" or payload.empty)
    if bodiless and not (MARK in message.axis2 and verb != "HEAD" and wishes.wants_body(message.axis2)):
        return verb, url, request_headers(message, None), None
    if is_true(message.axis2.get("NO_ENTITY_BODY")) or is_true(message.axis2.get("FORCE_POST_PUT_NOBODY")):
        return verb, url, request_headers(message, None), None
    target = target_type(message, form)
    if payload.unread is not None and payload.chunks is not None and not target:
        headers = request_headers(message, message.headers.get("Content-Type") or payload.content_type)
        length = message.headers.get("Content-Length")
        if length is not None:
            headers.append((b"content-length", length.encode()))
        return verb, url, headers, payload.chunks()
    if target in (media.SOAP11, media.SOAP12):
        payload.pox = False
    data, content_type = write(payload, target, message)
    if not data and not content_type:
        return verb, url, request_headers(message, None), b""
    return verb, url, request_headers(message, outgoing_type(message, content_type, target)), data


def target_type(message: Message, form: str) -> str:
    """Content type to write, empty to leave the body as it is."""
    if form in SOAP_FORMS:
        soap, wanted = SOAP_FORMS[form], message.axis2.get("messageType")
        return f'{wanted}; start-info="{soap}"' if wanted in FORMS.values() else soap
    if form == "pox":
        return media.XML
    wanted = str(message.axis2.get("messageType") or "")
    if wanted and media.media_type(wanted) != message.payload.media:
        if "PRESERVE_SPACES" in message.properties:
            keep_spaces(message, wanted)
        return wanted
    return ""


def keep_spaces(message: Message, wanted: str) -> None:
    """XML that becomes JSON keeps text of white space only when PRESERVE_SPACES is true."""
    payload = message.payload
    to_json = media.family(media.media_type(wanted)) == media.JSON and not payload.is_json
    root = payload.root if to_json and is_true(message.properties["PRESERVE_SPACES"]) else None
    if root is not None:
        payload.set_json(jsonxml.to_json_with_spaces(root))


def outgoing_type(message: Message, written: str, target: str) -> str:
    """Content-Type header: what was written, unless only the header was changed."""
    action = message.action
    if media.media_type(written) == media.SOAP12 and action and "action=" not in written:
        return f'{written}; action="{action}"'
    explicit = message.axis2.get("ContentType")
    if (
        explicit
        and not target
        and media.family(media.media_type(str(explicit))) == media.family(media.media_type(written))
    ):
        return written if media.media_type(str(explicit)) == media.media_type(written) else str(explicit)
    if explicit and not target and "messageType" not in message.axis2:
        return str(explicit)
    return written or message.headers.get("Content-Type") or ""


def request_headers(message: Message, content_type: str | None) -> list[tuple[bytes, bytes]]:
    """Transport headers without the hop-by-hop ones, with type, action, host override and correlation id."""
    soap = content_type is not None and media.media_type(content_type) in WITH_ACTION
    skip = NOT_SENT_WITH_ACTION if soap and message.action else NOT_SENT
    result = [pair for pair in message.headers.wire() if pair[0] not in skip]
    if content_type:
        result.append(_header("content-type", content_type))
    if soap and message.action:
        result.append(_header("soapaction", f'"{message.action}"'))
    host = message.axis2.get("REQUEST_HOST_HEADER")
    if host:
        result.append(_header("host", str(host)))
    if "activityid" not in message.headers:
        result.append((b"activityid", message.flow.correlation_id.encode()))
    return result


@lru_cache(maxsize=1024)
def _header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1", "replace"), value.strip().encode("utf-8", "replace")


def _with_query(url: str, payload: Payload) -> str:
    root = payload.root
    pairs = [] if root is None else [(local(item), item.text or "") for item in root if isinstance(item.tag, str)]
    if not pairs:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}"


def is_short(response: Response) -> bool:
    """Whether an answer says that it is short enough to be taken at once."""
    length = response.header(b"content-length")
    return length is not None and length.isdigit() and int(length) <= BUFFERED


def take_response(message: Message, response: Response, data: bytes | None, limit: int) -> None:
    """The message becomes the response; default-scope properties stay. Without `data` the body is still on the wire."""
    message.payload.discard()
    headers = Headers.of_wire(response.headers)
    content_type, pox = _type_of(headers.first(b"content-type"))
    payload = Payload(data, content_type, pox=pox)
    if data is None:
        payload.unread = partial(later, response, limit)
        payload.chunks = response.stream
        payload.abandon = response.close
    message.payload = payload
    message.headers = headers
    message.axis2 = {"HTTP_SC": response.status, "HTTP_SC_DESC": response.reason}
    message.addressing.pop("ReplyTo", None)
    message.to = None
    message.action = None
    message.response = True


async def later(response: Response, limit: int) -> bytes:
    """A long answer, taken when something reads it. Raises Fault: 101501 when it breaks off, 101510 beyond the limit."""
    try:
        return await response.body(limit)
    except (UpstreamError, AnswerTooLarge) as error:
        raise as_fault(error, "the endpoint", 0) from error


@lru_cache(maxsize=1024)
def _type_of(raw: bytes | None) -> tuple[str, bool]:
    """The content type of an answer as text, and whether its body is no SOAP envelope."""
    content_type = (raw or b"").decode("latin-1")
    return content_type, content_type != "" and media.media_type(content_type) not in (media.SOAP11, media.SOAP12)
