"""APIs of kind SSE: server-sent events pass as they come, each counted, and the stream ends where a limit is reached."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gateway.call import Call, backend_fault
from gateway.counters import Counter
from gateway.faults import Fault
from gateway.plan import Plan
from gateway.protocols.backends import Backend, backends
from gateway.protocols.events import LOOK_SECONDS, REST_SECONDS, Meter, admission, exceeded, of_caller, own_counters
from gateway.protocols.rechecks import Admission, Recheck
from gateway.stages import Step
from wire.errors import UpstreamError
from wire.forward import Relay
from wire.heads import Header, block
from wire.upstream import Origin

if TYPE_CHECKING:
    from gateway.kinds import Making, Rows, Stages
    from gateway.services import Services

RECHECK_SECONDS = 0.5
"""Seconds between two looks at whether a stream may go on."""

COMMENT = ord(":")


def rows(making: Making) -> Rows:
    """One GET resource for each topic."""
    stages = stages_of(making)
    for operation in making.record.operations:
        if operation.verb != "SUBSCRIBE":
            raise ValueError(f"verb {operation.verb!r} of an API of server-sent events is not SUBSCRIBE")
        yield "GET", operation.target, making.compile(making.plan(operation), stages)


def stages_of(making: Making) -> Stages:
    """The ordinary stages, with the count of calls replaced by that of events, and the endpoint by the stream."""
    usual = tuple((name, stage) for name, stage in making.stages if name not in ("limits", "endpoint"))
    return (
        *usual,
        ("limits", lambda plan: Admission(admission(own_counters(plan, plan.operation)))),
        ("endpoint", relay),
    )


def relay(plan: Plan) -> Step:
    """The step that opens a stream at the backend."""
    shared = plan.api.shared
    if "sse" not in shared:
        # A compressed stream could not be counted.
        shared["sse"] = backends(plan, b"accept-encoding")
    known = shared["sse"]
    own = own_counters(plan, plan.operation)
    services = plan.services

    def stream(call: Call) -> bool | Awaitable[bool | None]:
        backend = known.choose(call)
        if isinstance(backend, Fault):
            return call.refuse(backend)
        headers = block(known.headers(call, backend))
        request = b"GET %b%b%b\r\n" % (known.target(call, backend), backend.origin.version_and_host, headers)
        return _open(services, call, backend, own(call), request)

    return stream


async def _open(services: Services, call: Call, backend: Backend, own: tuple[Counter, ...], request: bytes) -> bool:
    try:
        link = await backend.origin.connect(lambda pool: EventLink(pool, services, call, own))
    except UpstreamError as error:
        return call.refuse(backend_fault(error), str(error))
    if call.exchange.lost:
        link.abandon()
        call.finished(499)
        return True
    link.carry(call, request, backend.timeout, whole=True)
    link.keep = False
    return True


class Scanner:
    """Finds where events begin in a stream that comes in pieces. Comments and empty lines are no events."""

    __slots__ = ("_after_return", "_at_line", "_in_event", "_meter")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._at_line = True
        self._in_event = False
        self._after_return = False

    def scan(self, chunk: bytes) -> tuple[int, int, Counter | None]:
        """How much of `chunk` may pass, how many events begin there, and the limit that had no room for one more."""
        at = events = 0
        now = time.time()
        for line in chunk.splitlines(keepends=True):
            if at == 0 and self._after_return and line == b"\n":
                at = 1
                continue
            text = line.rstrip(b"\r\n")
            if self._at_line and not text:
                self._in_event = False
            elif self._at_line and text[0] != COMMENT and not self._in_event:
                limit = self._meter.take(len(chunk), now)
                if limit is not None:
                    return at, events, limit
                events += 1
                self._in_event = True
            self._at_line = len(text) != len(line)
            at += len(line)
        self._after_return = chunk.endswith(b"\r")
        return len(chunk), events, None


class EventLink(Relay):
    """One stream: a connection of its own to the backend, broken when the caller leaves or may hear no more."""

    def __init__(self, origin: Origin[Relay], services: Services, call: Call, own: tuple[Counter, ...]) -> None:
        super().__init__(origin)
        self.passed = 0
        self.throttled = 0
        self._services = services
        self._own = own
        self._meter = Meter(own + of_caller(call))
        self._scanner: Scanner | None = None
        self._cut = False
        self._recheck = Recheck(services, call, call.exchange.path[call.cut :])
        self._watch: asyncio.TimerHandle | None = None

    def head(self, status: int, headers: list[Header]) -> None:
        """The answer begins; when it is a stream of events it is counted and watched from here on."""
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        if kind.partition(b";")[0].strip().lower() == b"text/event-stream":
            self.timeout = self._services.settings.sse_idle_seconds
            self._scanner = Scanner(self._meter)
            self._services.streams.opened(self)
            self._recheck.start(self._refused, self._renewed)
            self._watch = self.loop.call_later(RECHECK_SECONDS, self._look)
        super().head(status, headers)

    def answer_data(self, chunk: bytes) -> None:
        """A piece of the stream."""
        if self._cut:
            return
        if self._scanner is not None:
            size, events, limit = self._scanner.scan(chunk)
            self.passed += events
            if limit is not None:
                self.throttled += 1
                self._cut = True
                fault = exceeded(limit)
                super().answer_data(chunk[:size] + f": {fault.code} {fault.message}\n\n".encode())
                return
        super().answer_data(chunk)

    def flush(self) -> None:
        """Passes on what one read brought, and ends the stream where it was cut."""
        super().flush()
        if self._cut:
            self._finish()
        elif self._meter.short:
            self._meter.short = False
            self.pause()
            self.loop.call_later(LOOK_SECONDS, self._go_on, self.loop.time() + REST_SECONDS)

    def _go_on(self, ends: float) -> None:
        if self.loop.time() < ends and not self.closed and self._meter.asking():
            self.loop.call_later(LOOK_SECONDS, self._go_on, ends)
        elif not (self.closed or self.exchange.finished or self.caller.write_paused):
            self.deadline = self.loop.time() + self.timeout
            self.resume()

    def caller_lost(self) -> None:
        """The caller left: nobody listens to the backend any more."""
        self._over()
        super().caller_lost()

    def answer_end(self) -> None:
        """The backend ended the stream."""
        self._over()
        if not self._cut:
            super().answer_end()
        else:
            self._finish()

    def broken(self, error: UpstreamError) -> None:
        """The backend broke off, or was silent for too long."""
        self._over()
        super().broken(error)

    def _finish(self) -> None:
        """Ends the answer in good order, as far as its framing allows, and breaks with the backend."""
        if self.exchange.finished:
            return
        self._over()
        self.abandon()
        self.exchange.sink = None
        if self._chunked:
            self.caller.write(b"0\r\n\r\n")
            self.exchange.complete()
        else:
            self.exchange.abort()
        self.call.done(self.exchange.status, self.sent)

    def _over(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
            self._recheck.stop()
            self._services.streams.closed(self)

    def _look(self) -> None:
        self._watch = self.loop.call_later(RECHECK_SECONDS, self._look)
        self._recheck.look()

    def _refused(self, fault: Fault | None, gone: str) -> None:
        reason = f"{fault.code} {fault.message.strip()}" if fault is not None else f"the API was {gone}"
        self._cut = True
        if self._chunked:
            Relay.answer_data(self, f": {reason}\n\n".encode())
        self.flush()

    def _renewed(self, call: Call) -> None:
        self._meter.counters = self._own + of_caller(call)
