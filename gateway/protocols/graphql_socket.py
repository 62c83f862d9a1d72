"""GraphQL subscriptions over WebSocket, in the protocols graphql-transport-ws and graphql-ws.

The handshake is checked like a call that asks for no field. Then every message of the caller is read whole: one that starts a
subscription passes when its fields are allowed and have room, else the caller gets an error for it; others pass as they are.
Events of the backend are relayed unread and take from the limits of plan and application.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from gateway.call import Call
from gateway.chain import proceed
from gateway.counters import Counter
from gateway.plan import Plan
from gateway.protocols import graphql_request
from gateway.protocols.backends import Backend, backends
from gateway.protocols.events import Meter, admission, of_caller
from gateway.protocols.graphql_document import InvalidQuery
from gateway.protocols.rechecks import Admission, Again, Recheck
from gateway.protocols.websocket import OWN_HEADERS, Upgrader, credentials
from gateway.protocols.websocket_frames import CLOSE, TEXT, Broken, Reader, frame
from gateway.protocols.websocket_session import (
    FORBIDDEN,
    FRAME_THROTTLED,
    THROTTLED_TEXT,
    Bounds,
    Session,
    Side,
)
from gateway.stages import Step
from gateway.stages.limits import own_of
from wire.heads import tokens
from wire.tunnel import couple

if TYPE_CHECKING:
    from gateway.compile import CompiledOperation
    from gateway.protocols.graphql import Field, Graphql

BAD_REQUEST = 4005
TOO_DEEP, TOO_COMPLEX, INVALID_QUERY = 4020, 4021, 4022
STARTS = frozenset({"subscribe", "start"})
PASSED = frozenset({"connection_init", "ping", "pong", "complete", "stop", "connection_terminate"})
MEMBERS = frozenset({"id", "type", "payload"})
CHECKS = frozenset({"authenticate", "subscription", "deny"})
MOST_ERRORS = 100
"""Errors that wait for the end of a backend's message; a caller that earns more is cut off."""

CODES = {"900820": TOO_DEEP, "900821": TOO_COMPLEX, "900422": INVALID_QUERY}


class Refused(Exception):
    """A message that does not reach the backend. `code` is one of the original's frame errors."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


class Gate(Admission):
    """The one step of GET: callers that ask for a WebSocket shake hands, others send their query in the address."""

    __slots__ = ("handshake", "usual")

    def __init__(self, api: Graphql, usual: tuple[Step, ...]) -> None:
        super().__init__(self._enter)
        self.usual = usual
        self.handshake = shake_hands(api)

    def _enter(self, call: Call) -> bool:
        upgrade = call.exchange.fields.get(b"upgrade")
        asks = upgrade is not None and self.handshake is not None and b"websocket" in tokens(upgrade)
        proceed(call, self.handshake.steps if asks and self.handshake else self.usual)
        return True


def shake_hands(api: Graphql) -> CompiledOperation | None:
    """The chain of a handshake; None for APIs without subscriptions."""
    making = api.making
    if not any(one.verb == "SUBSCRIPTION" for one in making.record.operations):
        return None
    checks = tuple((name, stage) for name, stage in making.stages if name in CHECKS)
    stages = (
        ("authenticate", credentials),
        *checks,
        ("limits", lambda plan: Admission(admission(lambda call: ()))),
        ("endpoint", lambda plan: _Upgrader(api, plan).answer),
    )
    return making.compile(api.about, stages)


class _Upgrader(Upgrader):
    """The way of subscriptions to the backend. Messages must be read, so no compression is offered."""

    def __init__(self, api: Graphql, plan: Plan) -> None:
        settings = plan.services.settings
        self.api = api
        self.services = plan.services
        self.backends = backends(plan, *OWN_HEADERS)
        longest = min(settings.websocket_message_bytes, settings.graphql_body)
        self.bounds = Bounds(settings.websocket_frame_bytes, longest, settings.websocket_idle_seconds)

    def session(self, call: Call) -> Session:
        """A session that reads what the caller sends."""
        recheck = _Recheck(self.services, call, call.exchange.path[call.cut :])
        return _Session(recheck, self.bounds, self.api, call)

    def offers(self, call: Call) -> bytes:
        """None."""
        return b""

    def meter(self, call: Call, session: Session) -> None:
        """Subscriptions count when they start; what counts here are events."""
        assert isinstance(session, _Session)
        session.call = call
        session.meters = (Meter(()), Meter(of_caller(call)))

    def target(self, call: Call, backend: Backend) -> bytes:
        """The endpoint itself, whatever the caller's path."""
        return self.backends.target(call, backend, b"")


class _Recheck(Recheck):
    """Asks the checks of the handshake again."""

    def _ask(self, operation: CompiledOperation) -> None:
        gate = operation.steps[0]
        assert isinstance(gate, Gate)
        if gate.handshake is not None:
            super()._ask(gate.handshake)


class _Session(Session):
    """A connection whose caller is read. `call` knows who that is; its refusals are kept, not sent."""

    __slots__ = ("api", "call", "errors")

    def __init__(self, recheck: Recheck, bounds: Bounds, api: Graphql, call: Call) -> None:
        super().__init__(recheck, bounds)
        self.api = api
        self.call = call
        self.errors: list[bytes] = []
        self.caller = _CallerSide(self, self.caller.reader)
        # The backend's messages pass whatever their size; only the caller's are kept until they are complete.
        self.backend.reader.max_message = 1 << 62
        couple(self.caller, self.backend)

    def inspect(self, text: bytes) -> None:
        """Whether a message of the caller may pass. Raises Broken for what is no message of these protocols."""
        identifier = None
        try:
            message = _read(text)
            identifier = message.get("id")
            if message["type"] in STARTS:
                self._start(message, len(text))
        except Refused as refused:
            if not isinstance(identifier, str):
                raise Broken(4400, str(refused)) from refused
            self._refuse(identifier, refused)
            raise

    def _start(self, message: dict[str, Any], size: int) -> None:
        if not isinstance(message.get("id"), str):
            raise Refused(BAD_REQUEST, "Invalid message: a subscription needs an id")
        payload = message.get("payload")
        if not isinstance(payload, dict) or any(name not in graphql_request.MEMBERS for name in payload):
            raise Refused(BAD_REQUEST, "Invalid operation payload")
        fields = self._fields(payload)
        again = Again(self.call.observer, self.call.exchange, self.call.correlation, time.time())
        again.api, again.operation = self.call.api, self.call.operation
        again.principal, again.decision = self.call.principal, self.call.decision
        if any(field.rights is not None and field.rights(again) for field in fields):
            raise Refused(FORBIDDEN, "User is NOT authorized to access the Resource")
        counters: tuple[Counter, ...] = tuple(one for field in fields for one in own_of(field.own, again))
        meter = Meter(counters + of_caller(again))
        if meter.take(size, again.now) is not None:
            raise Refused(FRAME_THROTTLED, THROTTLED_TEXT)
        self.meters[0].short = meter.short

    def _fields(self, payload: dict[str, Any]) -> tuple[Field, ...]:
        """The fields that are subscribed to. Raises Refused for queries that may not run."""
        try:
            request = graphql_request.message(payload)
            document = self.api.documents.get(request.query)
            operation = document.operation(request.operation)
            verb, names = self.api.asked(document, operation, request.variables)
        except InvalidQuery as error:
            raise Refused(INVALID_QUERY, f"INVALID QUERY : {error}") from error
        if verb != "SUBSCRIPTION":
            raise Refused(BAD_REQUEST, "Invalid operation. Only allowed Subscription type operations")
        way = self.api.way(verb, names)
        if way is None:
            raise Refused(FORBIDDEN, "User is NOT authorized to access the Resource")
        fault = self.api.too_much(self.call, document, operation, request.variables)
        if fault is not None:
            raise Refused(CODES[fault.code], f"{fault.message} : {fault.description}")
        return way.fields

    def _refuse(self, identifier: str, refused: Refused) -> None:
        if len(self.errors) >= MOST_ERRORS:
            raise Broken(1008, "too many errors")
        error = {"message": str(refused)[:1000], "code": refused.code}
        told = json.dumps({"type": "error", "id": identifier[:200], "payload": [error]})
        self.errors.append(frame(TEXT, told.encode()))
        self.notice = "errors"

    def after(self, side: Side) -> None:
        """Sends errors where a whole message may stand, besides the usual."""
        reader = self.backend.reader
        while self.errors and reader.between_messages and not reader.closed:
            self.caller.end.write(self.errors.pop(0))
        self.notice = ""
        super().after(side)
        self.notice = "errors" if self.errors else ""

    def _left_out(self, code: int, text: str, keeps: bool) -> None:
        """An event left out would be a hole in its subscription: the connection ends instead."""
        raise Broken(code, f"{text} Connection closed!")


class _CallerSide(Side):
    """Holds the caller's messages until they are complete and passes those that may."""

    def __init__(self, session: _Session, reader: Reader) -> None:
        super().__init__(session, reader)
        self._inspect = session.inspect
        self._held = bytearray()
        self._frames: list[bytes] = []
        self._text = b""

    def received(self, data: bytes) -> None:
        """Reads on."""
        self.session.moved = True
        for piece in self.reader.feed(data):
            self._held += piece
        try:
            while self._frame():
                pass
        except Broken as broken:
            self.reader.broken = self.reader.broken or broken
            self.reader.closed = True
        session = self.session
        if self.reader.closed or self.reader.broken or session.notice:
            session.after(self)
        if session.meters[0].short or session.meters[1].short:
            session.rest()

    def _frame(self) -> bool:
        """Takes one whole frame off what is held; False when there is none. Raises Broken."""
        held = self._held
        if len(held) < 2:
            return False
        short = held[1] & 127
        size = 2 if short < 126 else 4 if short == 126 else 10
        length = short if short < 126 else int.from_bytes(held[2:size], "big")
        end = size + 4 + length
        if len(held) < end:
            return False
        whole = bytes(held[:end])
        del held[:end]
        if whole[0] & 15 >= CLOSE:
            self.other.end.write(whole)
        else:
            self._data(whole, size)
        return True

    def _data(self, whole: bytes, size: int) -> None:
        self._frames.append(whole)
        self._text += _unmasked(whole[size : size + 4], whole[size + 4 :])
        if not whole[0] & 128:
            return
        text, frames = self._text, self._frames
        self._text, self._frames = b"", []
        try:
            self._inspect(text)
        except Refused:
            return
        self.other.end.write(b"".join(frames))


def _read(text: bytes) -> dict[str, Any]:
    try:
        message = graphql_request.strict_json(text.decode())
    except (ValueError, RecursionError) as error:
        raise Refused(BAD_REQUEST, "Invalid message: not JSON, or a name stands twice in it") from error
    if not isinstance(message, dict) or not MEMBERS.issuperset(message):
        raise Refused(BAD_REQUEST, "Invalid message")
    if message.get("type") not in STARTS | PASSED:
        raise Refused(BAD_REQUEST, "Invalid message: unknown type")
    return message


def _unmasked(key: bytes, payload: bytes) -> bytes:
    length = len(payload)
    mask = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(length, "big")
