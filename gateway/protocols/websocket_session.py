"""One relayed WebSocket: two readers, the limits of the caller, and every way it can end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.counters import Counter
from gateway.protocols.events import LOOK_SECONDS, REST_SECONDS, Meter
from gateway.protocols.rechecks import Recheck
from gateway.protocols.websocket_frames import TEXT, Broken, Reader, close_frame, frame
from wire.tunnel import Half, couple

if TYPE_CHECKING:
    from gateway.faults import Fault

FRAME_THROTTLED = 4003
INVALID = 4001
FORBIDDEN = 4002
THROTTLED_TEXT = "Websocket frame throttled out"
FORBIDDEN_TEXT = "User NOT authorized to access the resource"
CLOSE_SECONDS = 5.0
"""How long a side may take to answer a close frame before its connection is closed all the same."""


NO_METER = Meter(())


def _nobody(_: Session) -> None:
    """Nobody wants to know."""


class Bounds:
    """The settings that every session shares: bytes of a frame and of a message, seconds without a frame (0: no bound)."""

    __slots__ = ("frame", "idle", "message")

    def __init__(self, frame: int, message: int, idle: float) -> None:
        self.frame = frame
        self.message = message
        self.idle = idle


class Side(Half):
    """One end of a session."""

    __slots__ = ("end", "goodbye", "gone", "other", "reader", "session")

    def __init__(self, session: Session, reader: Reader) -> None:
        super().__init__()
        self.session = session
        self.reader = reader
        self.goodbye = b""
        """A close frame for the other end that waits for the frame under way to end."""

    def received(self, data: bytes) -> None:
        """Passes on what may pass."""
        self.session.moved = True
        reader, other = self.reader, self.other
        for piece in reader.feed(data):
            other.end.write(piece)
        session = self.session
        if reader.closed or reader.broken or session.notice:
            session.after(self)
        if session.meters[0].short or session.meters[1].short:
            session.rest()

    def tick(self, now: float) -> None:
        """Looks after the session, about twice a second."""
        self.session.tick(now)

    def drain(self) -> None:
        """Our server stops."""
        self.session.close(1001, "the gateway is going away")

    def lost(self, error: Exception | None) -> None:
        """This end is gone; the other hears of it in the protocol's way."""
        self.gone = True
        self.session.lost(self)


class Session:
    """A connection between a caller and its backend.

    Pairs are (caller, backend). `keeps`: who keeps its compression context over messages; then none of its messages can be left
    out, and a limit closes the connection instead. `meters` count what each sends. `forbidden`: the caller may only listen.
    """

    __slots__ = (
        "backend",
        "bounds",
        "caller",
        "closing_since",
        "ended",
        "forbidden",
        "keeps",
        "meters",
        "moved",
        "notice",
        "on_end",
        "passed",
        "quiet_since",
        "recheck",
        "throttled",
    )

    def __init__(self, recheck: Recheck, bounds: Bounds) -> None:
        self.recheck = recheck
        self.bounds = bounds
        self.meters = (NO_METER, NO_METER)
        self.forbidden = False
        self.keeps = (False, False)
        self.on_end: Callable[[Session], None] = _nobody
        self.moved = False
        self.ended = False
        self.notice = ""
        self.throttled = 0
        self.passed = 0
        self.quiet_since = self.closing_since = 0.0
        self.caller = Side(self, Reader(True, False, bounds.frame, bounds.message, self._from_caller))
        self.backend = Side(self, Reader(False, False, bounds.frame, bounds.message, self._from_backend))
        couple(self.caller, self.backend)

    def compress(self, agreed: bool, caller_forgets: bool, backend_forgets: bool) -> None:
        """permessage-deflate was `agreed` on or not; who `forgets` starts every message with a fresh context."""
        self.caller.reader.compressed = self.backend.reader.compressed = agreed
        self.keeps = (agreed and not caller_forgets, agreed and not backend_forgets)

    # -- events

    def _from_caller(self, size: int) -> bool:
        if self.forbidden:
            self._left_out(FORBIDDEN, FORBIDDEN_TEXT, self.keeps[0])
            return False
        return self._counted(self.meters[0].take(size, time.time()), self.keeps[0])

    def _from_backend(self, size: int) -> bool:
        return self._counted(self.meters[1].take(size, time.time()), self.keeps[1])

    def _counted(self, limit: Counter | None, keeps: bool) -> bool:
        if limit is None:
            self.passed += 1
            return True
        self.throttled += 1
        self._left_out(FRAME_THROTTLED, THROTTLED_TEXT, keeps)
        return False

    def _left_out(self, code: int, text: str, keeps: bool) -> None:
        """Says why a message does not pass. Raises Broken where leaving it out would garble those after it."""
        if keeps:
            raise Broken(code, f"{text} Connection closed!")
        self.notice = f"Error code: {code} reason: {text}"

    def after(self, side: Side) -> None:
        """What a read leaves to be done: a violation, a notice, a close frame that waited or was answered."""
        if self.notice and self.backend.reader.between_messages and not self.backend.reader.closed:
            self.caller.end.write(frame(TEXT, self.notice.encode()))
            self.notice = ""
        reader = side.reader
        if reader.broken is not None and not self.closing_since:
            self._violation(side, reader.broken)
        if side.goodbye and reader.between_frames:
            side.other.end.write(side.goodbye)
            side.goodbye = b""
        if self.closing_since and reader.said_goodbye:
            side.end.close()

    def _violation(self, side: Side, broken: Broken) -> None:
        if side is self.caller or broken.code >= 4000:
            self.close(broken.code, broken.reason)
        else:
            self.close(1011, f"the back end broke the protocol: {broken.reason}", broken.code)

    def rest(self) -> None:
        """Reads neither side while a share of a limit is asked for."""
        for meter in self.meters:
            meter.short = False
        self.caller.hold()
        self.backend.hold()
        loop = asyncio.get_running_loop()
        loop.call_later(LOOK_SECONDS, self._go_on, loop.time() + REST_SECONDS)

    def _go_on(self, ends: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < ends and not self.ended and any(meter.asking() for meter in self.meters):
            loop.call_later(LOOK_SECONDS, self._go_on, ends)
            return
        for side in (self.caller, self.backend):
            if not (side.gone or side.other.gone or side.other.end.write_paused):
                side.release()

    # -- the end

    def close(self, code: int, reason: str, backend_code: int = 1001) -> None:
        """Says goodbye to both ends and waits a little for their answers. Nothing passes any more."""
        if self.closing_since:
            return
        self.closing_since = asyncio.get_running_loop().time()
        for side, goodbye in (
            (self.backend, close_frame(code, reason)),
            (self.caller, close_frame(backend_code, reason if backend_code == code else "", masked=True)),
        ):
            # What one end sends is what the other is sent: a goodbye stands behind the frame under way.
            side.reader.closed = True
            if not side.reader.between_frames:
                side.goodbye = goodbye
            elif not side.other.gone:
                side.other.end.write(goodbye)

    def lost(self, side: Side) -> None:
        """One end is gone."""
        if not self.ended:
            self.ended = True
            self.recheck.stop()
            self.on_end(self)
        other = side.other
        if not isinstance(other, Side) or other.gone or not hasattr(other, "end"):
            return
        if not (self.closing_since or side.reader.said_goodbye) and side.reader.between_frames:
            masked = side is self.caller
            text = "" if masked else "the back end closed the connection"
            other.end.write(close_frame(1001 if masked else 1011, text, masked))
        other.end.close()

    def tick(self, now: float) -> None:
        """The caller's watch."""
        if self.moved or not self.quiet_since:
            self.moved = False
            self.quiet_since = now
        over = self.caller.reader.said_goodbye or self.backend.reader.said_goodbye
        if (self.closing_since and now - self.closing_since > CLOSE_SECONDS) or (
            over and now - self.quiet_since > CLOSE_SECONDS
        ):
            self.caller.end.close()
            return
        if self.closing_since or over:
            return
        if self.bounds.idle and now - self.quiet_since > self.bounds.idle:
            self.close(1001, f"no frame for {self.bounds.idle:g} seconds")
            return
        self.recheck.look()

    def refused(self, fault: Fault | None, gone: str) -> None:
        """The caller may not go on: its credentials or subscription ended (`fault`), or the API changed (`gone`)."""
        if fault is None:
            self.close(1001 if gone == "undeployed" else 1012, f"the API was {gone}")
        elif fault.status == 401 and fault.code != "900907":
            self.close(INVALID, "Invalid Credentials Connection closed!")
        else:
            self.close(FORBIDDEN, f"{fault.message.strip()} Connection closed!")
