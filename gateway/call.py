"""One API call on its way through the gateway: what the stages know, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway import faults
from gateway.faults import Fault
from gateway.message import Outgoing, outgoing
from wire.exchange import Exchange
from wire.heads import HOP_BY_HOP
from wire.upstream import UpstreamError

if TYPE_CHECKING:
    from gateway.compile import CompiledApi, CompiledOperation
    from gateway.counters import Counter
    from gateway.observe import Observer
    from gateway.principal import Decision, Principal
    from gateway.tracing import Span

PLAIN_DROPS = HOP_BY_HOP | {b"activityid"}
"""What is taken out of every backend answer."""

CORS_DROPS = PLAIN_DROPS | {
    b"access-control-allow-origin",
    b"access-control-allow-credentials",
    b"access-control-allow-methods",
    b"access-control-allow-headers",
}
"""The same where the gateway answers for CORS itself."""


Recover = Callable[["Call", UpstreamError], bool]
"""Tries something else after a failed backend call; False when there is nothing left to try."""


class Call:
    """Made when a request arrives, dropped when its answer is through. Stages read and write it; nothing else does."""

    __slots__ = (
        "answer_drops",
        "answer_lines",
        "api",
        "backend_answered",
        "backend_started",
        "began",
        "byte_counters",
        "cache_hit",
        "correlation",
        "cut",
        "decision",
        "exchange",
        "fault",
        "now",
        "observer",
        "operation",
        "outgoing",
        "principal",
        "recover",
        "request_lines",
        "sent",
        "span",
        "status",
    )

    def __init__(self, observer: Observer, exchange: Exchange, correlation: bytes, now: float) -> None:
        self.observer = observer
        self.exchange = exchange
        self.correlation = correlation
        self.now = now
        self.began = 0.0
        self.backend_started = 0.0
        self.backend_answered = 0.0
        self.cache_hit = False
        self.cut = 0
        self.status = 0
        self.sent = 0
        self.byte_counters: tuple[Counter, ...] = ()
        self.answer_lines = b"activityid: %b\r\n" % correlation
        self.answer_drops: frozenset[bytes] = PLAIN_DROPS
        self.api: CompiledApi | None = None
        self.operation: CompiledOperation | None = None
        self.principal: Principal | None = None
        self.decision: Decision | None = None
        self.fault: Fault | None = None
        self.outgoing: Outgoing | None = None
        self.recover: Recover | None = None
        self.request_lines = b""
        """Header lines for the backend besides the usual ones, each with CRLF (backend JWT, trace context)."""

        self.span: Span | None = None

    def edit(self) -> Outgoing:
        """The request to the backend, to be changed by a policy."""
        if self.outgoing is None:
            self.outgoing = outgoing(self.exchange, self.cut)
        return self.outgoing

    async def read(self, limit: int) -> bytes:
        """The request body, read whole and kept for the backend. Raises BodyTooLarge beyond `limit` bytes, Disconnected."""
        request = self.edit()
        if request.body is None:
            request.body = await self.exchange.body(limit) if self.exchange.has_body else b""
        return request.body

    def refuse(self, fault: Fault, cause: str = "", lines: bytes = b"") -> bool:
        """Answers with `fault` and returns True, which ends the chain. `cause` is for our log, not for the caller."""
        self.fault = fault
        status, content_type, body = faults.answer(fault, self.exchange)
        head = b"".join((self.answer_lines, fault.lines, lines, b"content-type: ", content_type, b"\r\n"))
        self.exchange.respond_block(status, head, body)
        self.observer.refused(self, fault, cause)
        self.finished(fault.status)
        return True

    def failed(self, error: UpstreamError) -> None:
        """The backend gave no answer (wire.forward). `recover`, set by an endpoint with another way, may take it over."""
        if self.recover is not None and self.recover(self, error):
            return
        self.refuse(backend_fault(error), str(error))

    def done(self, status: int, sent: int) -> None:
        """The backend's answer is through, or broke off, after `sent` bytes of body (wire.forward)."""
        self.sent = sent
        self.status = status
        self.observer.finished(self)

    def finished(self, status: int) -> None:
        """The last thing that happens to a call."""
        self.status = status
        self.observer.finished(self)


def backend_fault(error: UpstreamError) -> Fault:
    """The transport code of a failed backend call."""
    if error.stage == "connect":
        return faults.CONNECT_TIMEOUT if error.timeout else faults.CONNECT_FAILED
    if error.timeout:
        return faults.SEND_TIMEOUT
    if "not valid HTTP" in str(error):
        return faults.PROTOCOL_VIOLATION
    return _BY_STAGE.get(error.stage, faults.CONNECTION_CLOSED)


_BY_STAGE = {"send": faults.SENDER_SENDING, "body": faults.SENDER_RECEIVING, "answer": faults.RESPONSE_FAILED}
