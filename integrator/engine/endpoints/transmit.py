"""One HTTP call: writes the message as a request, and puts the answer into it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.errors import (
    CONNECT_TIMEOUT,
    CONNECTION_CLOSED,
    CONNECTION_FAILED,
    CONNECTION_TIMEOUT,
    PROTOCOL_VIOLATION,
    SENDER_IO_RECEIVING,
    SENDER_IO_SENDING,
    Fault,
)
from integrator.engine.expressions.scopes import is_true
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
BODILESS_METHODS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
BUFFERED = 256 * 1024
"""Answers announced to be at most this long are taken at once; longer ones are streamed."""
SAFE = "%/:=&?~+!$,;'@()*[]|#"


async def transmit(message: Message, url: str, method: str | None, form: str, timeout_ms: int) -> None:
    """Send over http(s). `form` is soap11, soap12, pox, get, rest or empty. Raises Fault with a code of 4.8."""
    if message.payload.unread is not None and buffered(message):
        await message.payload.read()
    verb, url, headers, body = prepare(message, sendable(url), method, form)
    runtime = message.deployment.runtime
    try:
        response = await message.through(runtime.client).request(verb, url, headers, body, limits_of(timeout_ms))
        await take_response(message, response, runtime.max_body)
    except (UpstreamError, AnswerTooLarge, ValueError) as error:
        raise as_fault(error, url, timeout_ms) from error


def buffered(message: Message) -> bool:
    """Whether a body that is still on the wire has to be taken first, so that its length can be told."""
    axis2 = message.axis2
    return is_true(axis2.get("DISABLE_CHUNKING")) or is_true(axis2.get("FORCE_HTTP_CONTENT_LENGTH"))


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
    if isinstance(error, UpstreamError):
        codes = {
            "connect": CONNECTION_FAILED,
            "send": SENDER_IO_SENDING,
            "head": CONNECTION_CLOSED,
            "body": SENDER_IO_RECEIVING,
        }
        code = codes.get(error.stage, CONNECTION_CLOSED)
        if error.timeout and error.stage != "connect":
            return Fault(CONNECTION_TIMEOUT, f"no answer from {url} within {timeout_ms} ms", str(error))
        if error.timeout:
            code = CONNECT_TIMEOUT
        text = "Error connecting to the back end" if error.stage == "connect" else "Error in Sender"
        return Fault(code, text, f"{url}: {error}")
    return Fault(PROTOCOL_VIOLATION, f"{url}: {error}")


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
    if verb in BODILESS_METHODS and (form not in ("soap11", "soap12")) and (verb != "DELETE" or payload.empty):
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
    data, content_type = write(payload, target)
    if not data and not content_type:
        return verb, url, request_headers(message, None), b""
    return verb, url, request_headers(message, outgoing_type(message, content_type, target)), data


def target_type(message: Message, form: str) -> str:
    """Content type to write, empty to leave the body as it is."""
    if form == "soap11":
        return media.SOAP11
    if form == "soap12":
        return media.SOAP12
    if form == "pox":
        return media.XML
    wanted = str(message.axis2.get("messageType") or "")
    if wanted and media.media_type(wanted) != message.payload.media:
        return wanted
    return ""


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
    soap = content_type is not None and media.media_type(content_type) == media.SOAP11
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


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1", "replace"), value.strip().encode("utf-8", "replace")


def _with_query(url: str, payload: Payload) -> str:
    root = payload.root
    pairs = [] if root is None else [(local(item), item.text or "") for item in root if isinstance(item.tag, str)]
    if not pairs:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}"


async def take_response(message: Message, response: Response, limit: int) -> None:
    """The message becomes the response: status, headers and body of the answer; default-scope properties stay."""
    message.payload.discard()
    headers = Headers.of_wire(response.headers)
    content_type = headers.get("content-type") or ""
    payload = Payload(
        None,
        content_type,
        pox=media.media_type(content_type) != media.SOAP12 and content_type != "" and not _soap(content_type),
    )
    length = headers.get("content-length")
    if length is not None and length.isdigit() and int(length) <= BUFFERED:
        payload.data = await response.body(BUFFERED)
    else:
        payload.unread = lambda: response.body(limit)
        payload.chunks = response.stream
        payload.abandon = response.close
    message.payload = payload
    message.headers = headers
    message.axis2 = {"HTTP_SC": response.status, "HTTP_SC_DESC": response.reason}
    message.addressing.pop("ReplyTo", None)
    message.to = None
    message.action = None
    message.response = True


def _soap(content_type: str) -> bool:
    return media.media_type(content_type) == media.SOAP11
