"""APIs of kind WS: the handshake is checked like any call, then frames are relayed and counted (docs/gateway-streaming.md)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gateway.call import Call, backend_fault
from gateway.conditions import parameters
from gateway.faults import Fault
from gateway.plan import Plan
from gateway.protocols.backends import Backend, Backends, backends
from gateway.protocols.events import Meter, admission, of_caller, own_counters
from gateway.protocols.rechecks import Admission, Recheck
from gateway.protocols.websocket_session import Bounds, Session
from gateway.schema import Operation
from gateway.stages import Step
from gateway.stages.authenticate import may, role_rule
from gateway.stages.limits import Own
from wire.client import AnswerTooLarge, Limits, Response
from wire.errors import UpstreamError
from wire.heads import HOP_BY_HOP, Header, block, tokens
from wire.tunnel import dial

if TYPE_CHECKING:
    from gateway.kinds import Making, Rows, Stages

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ANSWER_LIMIT = 1024 * 1024
"""Bytes of a backend's answer that declines the upgrade."""

OWN_HEADERS = (b"sec-websocket-extensions", b"upgrade", b"connection")
DEFLATE = b"permessage-deflate"


def _bad(status: int, description: str, lines: bytes = b"") -> Fault:
    return Fault(status, str(status), "Bad WebSocket handshake", description, type="Status report", lines=lines)


NOT_AN_UPGRADE = _bad(426, "This API is called over WebSocket", b"upgrade: websocket\r\nconnection: upgrade\r\n")
WRONG_VERSION = _bad(426, "Only version 13 is spoken", b"sec-websocket-version: 13\r\nupgrade: websocket\r\n")
WRONG_KEY = _bad(400, "Sec-WebSocket-Key is not 16 bytes in base64")
NO_UPGRADE = Fault(
    502, "101506", "Bad Gateway", "The back end's answer to the handshake is not valid", type="Status report"
)


def rows(making: Making) -> Rows:
    """One GET resource for each topic, whether callers listen there, send, or both."""
    topics: dict[str, dict[str, Operation]] = {}
    for operation in making.record.operations:
        if operation.verb not in ("SUBSCRIBE", "PUBLISH"):
            raise ValueError(f"verb {operation.verb!r} of a WebSocket API is neither SUBSCRIBE nor PUBLISH")
        topics.setdefault(operation.target, {})[operation.verb] = operation
    for target, verbs in topics.items():
        first = verbs.get("SUBSCRIBE") or verbs["PUBLISH"]
        yield "GET", target, making.compile(making.plan(first), stages_of(making, verbs))


def stages_of(making: Making, verbs: dict[str, Operation]) -> Stages:
    """The ordinary stages, with those of the answer's way replaced by the relay. A handshake needs no CORS."""
    usual = tuple((name, stage) for name, stage in making.stages if name not in ("cors", "limits", "endpoint"))
    return (
        ("authenticate", credentials),
        *usual,
        ("limits", lambda plan: Admission(admission(own_counters(plan, plan.operation)))),
        ("endpoint", lambda plan: relay(plan, verbs)),
    )


def credentials(plan: Plan) -> Step | None:
    """Browsers cannot set headers for a WebSocket: a token in the query parameter `access_token` counts as one."""
    name = plan.record.authorization_header.lower().encode()

    def token(call: Call) -> bool | None:
        exchange = call.exchange
        if name not in exchange.fields and b"access_token=" in exchange.query:
            value = next((value for key, value in parameters(exchange.query) if key == "access_token"), "")
            exchange.fields[name] = b"Bearer " + value.encode()
        return None

    return token if plan.operation.auth != "none" else None


def relay(plan: Plan, verbs: dict[str, Operation]) -> Step:
    """The step that asks the backend for the upgrade and hands both connections to a session."""
    settings = plan.services.settings
    shared = plan.api.shared
    if "websocket" not in shared:
        shared["websocket"] = backends(plan, *OWN_HEADERS)
    upgrader = Upgrader(plan, verbs, shared["websocket"])
    upgrader.bounds = Bounds(
        settings.websocket_frame_bytes, settings.websocket_message_bytes, settings.websocket_idle_seconds
    )
    return upgrader.answer


def check(call: Call) -> Fault | None:
    """What is wrong with the caller's handshake, None when nothing is."""
    exchange = call.exchange
    fields = exchange.fields
    if not exchange.upgradable or b"websocket" not in tokens(fields.get(b"upgrade", b"")):
        return NOT_AN_UPGRADE
    if fields.get(b"sec-websocket-version") != b"13":
        return WRONG_VERSION
    try:
        key = base64.b64decode(fields.get(b"sec-websocket-key", b""), validate=True)
    except binascii.Error:
        return WRONG_KEY
    return None if len(key) == 16 else WRONG_KEY


class _Watcher:
    """Cancels the handshake at the backend when the caller leaves meanwhile."""

    def __init__(self, task: asyncio.Task[Response]) -> None:
        self._task = task

    def caller_lost(self) -> None:
        """The caller left."""
        self._task.cancel()

    def caller_paused(self) -> None:
        """Nothing is sent yet."""

    def caller_resumed(self) -> None:
        """Nothing is sent yet."""

    def body_data(self, chunk: bytes) -> None:
        """An upgrade has no body."""

    def body_end(self) -> None:
        """An upgrade has no body."""


class Upgrader:
    """One topic's way to its backend."""

    bounds: Bounds

    def __init__(self, plan: Plan, verbs: dict[str, Operation], known: Backends) -> None:
        self.services = plan.services
        self.backends = known
        self.publish = verbs.get("PUBLISH")
        self.roles = role_rule(plan.record, self.publish) if self.publish is not None else None
        self.own = self._counters(plan, verbs)

    def _counters(self, plan: Plan, verbs: dict[str, Operation]) -> tuple[Own, Own]:
        either = plan.operation
        return own_counters(plan, verbs.get("PUBLISH", either)), own_counters(plan, verbs.get("SUBSCRIBE", either))

    def session(self, call: Call) -> Session:
        """What will hold the two connections."""
        return Session(Recheck(self.services, call, call.exchange.path[call.cut :]), self.bounds)

    def offers(self, call: Call) -> bytes:
        """The extensions that the backend is offered."""
        return _deflate_offers(call.exchange.fields.get(b"sec-websocket-extensions", b""))

    def target(self, call: Call, backend: Backend) -> bytes:
        """Path and query at the backend."""
        return self.backends.target(call, backend)

    def answer(self, call: Call) -> bool | Awaitable[bool | None]:
        """The step: checks the handshake and goes on with it."""
        fault = check(call)
        if fault is not None:
            return call.refuse(fault)
        backend = self.backends.choose(call)
        return call.refuse(backend) if isinstance(backend, Fault) else self.run(call, backend)

    async def run(self, call: Call, backend: Backend) -> bool:
        """Dials, and answers the call one way or another."""
        session = self.session(call)
        offered = self.offers(call)
        headers = [*self.backends.headers(call, backend), (b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
        if offered:
            headers.append((b"sec-websocket-extensions", offered))
        target = self.target(call, backend)
        limits = Limits(backend.origin.connect_seconds, backend.timeout)
        dialling = asyncio.ensure_future(dial(backend.origin, target, headers, session.backend, limits))
        call.exchange.sink = _Watcher(dialling)
        try:
            response = await dialling
        except UpstreamError as error:
            return call.refuse(backend_fault(error), str(error))
        except asyncio.CancelledError:
            if not call.exchange.lost:
                raise
            call.finished(499)
            return True
        finally:
            call.exchange.sink = None
        if response.status != 101:
            return await _declined(call, response)
        return self._accept(call, session, response, offered)

    def _accept(self, call: Call, session: Session, response: Response, offered: bytes) -> bool:
        exchange = call.exchange
        if exchange.lost:
            session.backend.end.abort()
            call.finished(499)
            return True
        answer = dict(response.headers)
        agreed = answer.get(b"sec-websocket-extensions", b"").strip()
        fault = _wrong_answer(exchange.fields, answer, agreed, offered)
        if fault:
            session.backend.end.abort()
            return call.refuse(NO_UPGRADE, fault)
        parameters = {part.partition(b"=")[0].strip() for part in agreed.lower().split(b";")[1:]}
        session.compress(
            bool(agreed), b"client_no_context_takeover" in parameters, b"server_no_context_takeover" in parameters
        )
        self.meter(call, session)
        session.recheck.start(session.refused, lambda renewed: self.meter(renewed, session))
        dropped = HOP_BY_HOP | {b"content-length", b"date", b"activityid"}
        lines = block([pair for pair in response.headers if pair[0] not in dropped])
        self.services.streams.opened(session)
        session.on_end = self.services.streams.closed
        exchange.upgrade(
            b"".join((b"connection: Upgrade\r\nupgrade: websocket\r\n", lines, call.answer_lines)), session.caller
        )
        call.finished(101)
        return True

    def meter(self, call: Call, session: Session) -> None:
        """Sets what the session may do and how much, anew whenever that may have changed."""
        limits = of_caller(call)
        session.forbidden = not may_publish(call, self.publish, self.roles)
        session.meters = (Meter(self.own[0](call) + limits), Meter(self.own[1](call) + limits))


def may_publish(call: Call, publish: Operation | None, roles: frozenset[str] | None) -> bool:
    """Whether the caller may send messages to the topic. `roles` stand in for scopes where the caller has none."""
    if publish is None:
        return False
    principal = call.principal
    if publish.auth == "none" or not publish.scopes:
        return True
    if principal is None:
        return False
    return may(principal, roles) if principal.free else not principal.scopes.isdisjoint(publish.scopes)


def _deflate_offers(extensions: bytes) -> bytes:
    """The caller's offers of permessage-deflate: frames of other extensions could not be told from broken ones."""
    offers = (offer.strip() for offer in extensions.split(b","))
    return b", ".join(offer for offer in offers if offer.partition(b";")[0].strip().lower() == DEFLATE)


def _wrong_answer(asked: dict[bytes, bytes], answer: dict[bytes, bytes], agreed: bytes, offered: bytes) -> str:
    """Why a backend's 101 is not one (RFC 6455, 4.1), empty when it is."""
    expected = base64.b64encode(hashlib.sha1(asked[b"sec-websocket-key"].strip() + GUID).digest())  # noqa: S324 - RFC 6455
    if answer.get(b"sec-websocket-accept", b"").strip() != expected:
        return "its Sec-WebSocket-Accept does not fit the key"
    chosen = answer.get(b"sec-websocket-protocol")
    if chosen is not None and chosen.strip() not in [
        one.strip() for one in asked.get(b"sec-websocket-protocol", b"").split(b",")
    ]:
        return "it chose a subprotocol that was not offered"
    if agreed and (not offered or b"," in agreed or agreed.partition(b";")[0].strip().lower() != DEFLATE):
        return "it chose an extension that was not offered"
    return ""


async def _declined(call: Call, response: Response) -> bool:
    """A backend that answers without upgrading: the caller is told what it said."""
    try:
        body = await response.body(ANSWER_LIMIT)
    except (AnswerTooLarge, UpstreamError) as error:
        return call.refuse(NO_UPGRADE, str(error))
    headers: list[Header] = [pair for pair in response.headers if pair[0] not in call.answer_drops]
    status = response.status if response.status >= 200 else 502
    call.exchange.respond_block(status, block(headers_without_length(headers)) + call.answer_lines, body)
    call.done(status, len(body))
    return True


def headers_without_length(headers: list[Header]) -> list[Header]:
    """Headers for an answer whose length and date we say ourselves."""
    return [pair for pair in headers if pair[0] not in (b"content-length", b"date")]
