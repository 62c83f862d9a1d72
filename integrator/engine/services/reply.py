"""Answers an HTTP exchange with a message."""

from __future__ import annotations

import logging
from functools import lru_cache

from integrator.engine.content import media
from integrator.engine.content.writers import write
from integrator.engine.endpoints import wishes
from integrator.engine.endpoints.transmit import outgoing_type, target_type
from integrator.engine.errors import RECEIVER_IO_SENDING
from integrator.engine.expressions.scopes import MARK, is_true
from integrator.engine.message import Message
from integrator.engine.xmltools import local
from wire.exchange import Disconnected, Exchange
from wire.heads import HOP_BY_HOP, block

log = logging.getLogger("integrator.http")

NOT_SENT = HOP_BY_HOP | {b"content-length", b"server", b"date", b"content-type", b"host"}
"""Headers of the message that an answer never carries: those of the connection, and what is written anew."""
Header = tuple[bytes, bytes]


class HttpReply:
    """Sends the first answer of a flow; a second one is dropped with a warning."""

    def __init__(self, exchange: Exchange):
        self.exchange = exchange
        self.sent = False

    async def send(self, message: Message) -> None:
        """Answer. Content that nobody read is passed on as it comes."""
        if self.sent:
            log.warning("%s was answered already; a second answer is dropped", message.flow.artifact)
            message.payload.discard()
            return
        self.sent = True
        try:
            await self._send(message)
        except Disconnected as error:
            text = "ERROR_CODE : %s ERROR_MESSAGE : the answer could not be sent (%s)"
            log.warning(text, RECEIVER_IO_SENDING, error, extra={"correlation_id": message.flow.correlation_id})
            message.payload.discard()
        except Exception:
            self.sent = self.exchange.started  # a body that cannot be written leaves the answer to the fault flow
            raise

    def accept(self) -> None:
        """Answer 202 at once; what the flow answers later is dropped."""
        if not self.sent:
            self.sent = True
            self.exchange.respond(202)

    def headers(self, message: Message, content_type: str | None) -> list[Header]:
        """Transport headers of the answer."""
        return headers_of(message, content_type)

    async def _send(self, message: Message) -> None:
        payload, status, words = message.payload, status_of(message), b""
        marked = MARK in message.axis2
        if marked:
            words = wishes.status_words(message.axis2)
            if is_true(message.axis2.get("NO_KEEPALIVE")):
                self.exchange.keep_alive = False
        if is_true(message.axis2.get("NO_ENTITY_BODY")) or status in (204, 304):
            payload.discard()
            self.exchange.respond(status, self.headers(message, None), b"", words)
            return
        target = target_type(message, "")
        streamed = payload.unread is not None and payload.chunks is not None and not target
        if streamed and not (marked and wishes.whole(message.axis2)):
            await self._stream(message, status, words)
            return
        await payload.read()
        data, content_type = write(payload, target, message)
        if status == 200 and not is_true(message.axis2.get("FAULTS_AS_HTTP_200")) and is_fault(message):
            status = 500
        kind = outgoing_type(message, content_type, target) if data else None
        headers = self.headers(message, kind)
        if marked and data:
            headers, data = wished(message, headers, data, kind)
        self.exchange.respond_block(status, block(headers), data, words)

    async def _stream(self, message: Message, status: int, words: bytes) -> None:
        chunks = message.payload.chunks
        assert chunks is not None
        headers = self.headers(message, message.headers.get("Content-Type") or message.payload.content_type or None)
        length = message.headers.get("Content-Length")
        if length is not None:
            headers.append((b"content-length", length.encode()))
        message.payload.unread = message.payload.chunks = None
        self.exchange.start(status, headers, words)
        try:
            async for chunk in chunks():
                await self.exchange.send(chunk)
        except Disconnected:
            raise
        except (ConnectionError, ValueError) as error:
            log.warning("%s: the answer broke off: %s", message.flow.artifact, error)
            self.exchange.abort()
            return
        self.exchange.finish()


def wished(message: Message, headers: list[Header], data: bytes, kind: str | None) -> tuple[list[Header], bytes]:
    """Headers and body in the charset that was asked for, with an ETag when one was."""
    axis2 = message.axis2
    if kind:
        data, kind = wishes.recoded(axis2, data, kind)
        headers = [(name, kind.encode() if name == b"content-type" else value) for name, value in headers]
    if is_true(axis2.get("HTTP_ETAG")):
        headers = [*(pair for pair in headers if pair[0] != b"etag"), wishes.entity_tag(data)]
    return headers, data


def status_of(message: Message) -> int:
    """Status of the answer: HTTP_SC, else 200."""
    given = message.axis2.get("HTTP_SC")
    try:
        status = int(given) if given is not None else 200
    except (TypeError, ValueError):
        return 200
    return status if 200 <= status <= 599 else 500


def is_fault(message: Message) -> bool:
    """Whether a SOAP fault was made here (what came from a backend keeps the backend's status)."""
    payload = message.payload
    if not payload.built or payload.is_json:
        return False
    root = payload.root
    return root is not None and local(root) == "Fault" and payload.family in (media.SOAP11, media.SOAP12)


def headers_of(message: Message, content_type: str | None) -> list[Header]:
    """Transport headers of the answer; the caller's own request headers are not sent back."""
    headers = message.headers
    result = [pair for pair in headers.wire_added() if pair[0] not in NOT_SENT]
    if content_type:
        result.append(_type_header(content_type))
    if headers.of_request or "activityid" not in headers:
        result.append((b"activityid", message.flow.correlation_id.encode("utf-8", "replace")))
    return result


@lru_cache(maxsize=1024)
def _type_header(content_type: str) -> Header:
    return b"content-type", b" ".join(content_type.encode("utf-8", "replace").splitlines())
