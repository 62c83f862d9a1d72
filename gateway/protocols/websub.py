"""APIs of kind WEBSUB: subscribers' wishes and publishers' events are checked here and handed to the hub of the control plane.

A subscriber is told 202 and a publisher 200 only when the hub has it in its database: nothing that was acknowledged is kept here.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from gateway.call import Call
from gateway.plan import Plan
from gateway.schema import Operation
from gateway.stages import Step
from gateway.stages.authenticate import compile_rights
from wire.client import AnswerTooLarge
from wire.errors import UpstreamError
from wire.heads import Header

if TYPE_CHECKING:
    from gateway.compile import CompiledOperation
    from gateway.kinds import Making, Rows, Stages
    from gateway.services import Services

RECEIVER = "/webhooks_events_receiver_resource"
"""Where publishers send their events."""

FORM_BYTES = 64 * 1024
ANSWER_BYTES = 64 * 1024
FIELDS = 50
FORM = b"application/x-www-form-urlencoded"
JSON = b"content-type: application/json; charset=UTF-8\r\n"
ALGORITHMS = {"sha1": "sha1", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
UNREACHABLE = "The hub cannot be reached; try again later."


class Refused(Exception):
    """What is asked for is wrong: status and sentence for the caller."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


def rows(making: Making) -> Rows:
    """Two resources: the API's own address for subscribers, and the receiver for publishers."""
    topics = {}
    for operation in making.record.operations:
        if operation.verb != "SUBSCRIBE":
            raise ValueError(f"verb {operation.verb!r} of a WebSub API is not SUBSCRIBE")
        topics[operation.target] = operation
    public = all(operation.auth == "none" for operation in topics.values())
    asked = Operation("POST", "/", auth="none" if public else "any")
    for target in ("/", "/*"):
        yield "POST", target, _compiled(making, asked, "endpoint", lambda plan: subscriber(plan, topics))
    source = Operation("POST", RECEIVER, auth="none")
    yield "POST", RECEIVER, making.compile(making.plan(source), (("endpoint", lambda plan: receiver(plan, topics)),))


def _compiled(making: Making, operation: Operation, name: str, last: Any) -> CompiledOperation:
    """The ordinary stages of a caller; wishes count as no calls, and the hub takes the endpoint's place."""
    usual = tuple((known, stage) for known, stage in making.stages if known not in ("limits", "endpoint"))
    stages: Stages = (*usual, (name, last))
    return making.compile(making.plan(operation), stages)


@dataclass(frozen=True, slots=True)
class Hub:
    """The control plane's hub, as one API's steps use it."""

    services: Services
    environment: str
    api: str

    async def ask(self, path: str, headers: list[Header], body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and answer. Raises Refused when there is none."""
        settings = self.services.settings
        secret = (b"authorization", b"Bearer " + settings.secret().encode())
        try:
            answer = await self.services.client.request("POST", settings.websub_hub + path, [secret, *headers], body)
            async with answer:
                return answer.status, msgspec.json.decode(await answer.body(ANSWER_BYTES), type=dict[str, Any])
        except (UpstreamError, AnswerTooLarge, msgspec.DecodeError) as error:
            raise Refused(503, UNREACHABLE) from error


def subscriber(plan: Plan, topics: dict[str, Operation]) -> Step:
    """The step that takes a subscriber's wish: `hub.mode`, `hub.topic`, `hub.callback` and more, in query or form."""
    hub = Hub(plan.services, plan.services.settings.environment, plan.record.id)
    rights = {target: compile_rights(plan.record, one) for target, one in topics.items() if one.auth != "none"}

    async def work(call: Call) -> bool:
        try:
            fields = await wish(call)
            topic = known_topic(topics, required(fields, "hub.topic"))
            right = rights.get(topic)
            if right is not None and call.principal is not None and right(call):
                return True
            status, said = await hub.ask("/subscriptions", [], msgspec.json.encode(_request(hub, call, fields, topic)))
        except Refused as refused:
            return respond(call, refused.status, {"error": refused.text})
        if status == 202:
            return respond(call, 202, None)
        return respond(call, status if 400 <= status < 500 and status != 401 else 503, _error(status, said))

    return work


def _error(status: int, said: dict[str, Any]) -> dict[str, Any]:
    known = 400 <= status < 500 and status != 401
    error = {"error": str(said.get("error") or said.get("description") or UNREACHABLE) if known else UNREACHABLE}
    return {"code": str(said.get("code", "")), **error} if status == 429 else error


def _request(hub: Hub, call: Call, fields: dict[str, str], topic: str) -> dict[str, Any]:
    decision = call.decision
    lease = fields.get("hub.lease_seconds", "") or "0"
    if not (lease.isascii() and lease.isdigit()) or len(lease) > 10:
        raise Refused(400, f"hub.lease_seconds: {lease[:40]!r} is not a number of seconds.")
    return {
        "environment": hub.environment,
        "api": hub.api,
        "application": decision.application.id if decision is not None and decision.application is not None else "",
        "plan_subscription": decision.subscription.id
        if decision is not None and decision.subscription is not None
        else "",
        "mode": required(fields, "hub.mode"),
        "topic": topic,
        "callback": required(fields, "hub.callback"),
        "secret": fields.get("hub.secret", ""),
        "lease_seconds": int(lease),
    }


async def wish(call: Call) -> dict[str, str]:
    """The fields of query and form; the form's win. Raises Refused for what cannot be read."""
    exchange = call.exchange
    content = exchange.query
    if exchange.has_body:
        if exchange.fields.get(b"content-type", b"").partition(b";")[0].strip().lower() != FORM:
            raise Refused(415, f"The body must be {FORM.decode()}.")
        content = b"&".join(filter(None, (content, await exchange.body(FORM_BYTES))))
    try:
        return dict(parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict"))
    except ValueError as error:
        raise Refused(400, "Query and form must be percent-encoded UTF-8 with at most 50 fields.") from error


def required(fields: dict[str, str], name: str) -> str:
    """A field that must be there. Raises Refused."""
    value = fields.get(name, "").strip()
    if not value:
        raise Refused(400, f"{name} is missing.")
    return value


def known_topic(topics: dict[str, Operation], asked: str) -> str:
    """The topic as the API names it. Raises Refused for one that it does not have."""
    for spelled in (asked, f"/{asked}"):
        if spelled in topics:
            return spelled
    raise Refused(404, f"There is no topic {asked[:200]!r}.")


def receiver(plan: Plan, topics: dict[str, Operation]) -> Step:
    """The step that takes a publisher's event, when its signature is right."""
    hub = Hub(plan.services, plan.services.settings.environment, plan.record.id)
    most = plan.services.settings.websub_event_bytes
    signature = _signature(dict(plan.record.properties))

    async def work(call: Call) -> bool:
        exchange = call.exchange
        try:
            query = dict(parse_qsl(exchange.query.decode("latin-1"), max_num_fields=FIELDS))
            topic = known_topic(topics, required(query, "topic"))
            body = await exchange.body(most) if exchange.has_body else b""
            if signature is not None:
                signature.check(exchange.fields, body)
            status, said = await _hand_over(hub, call, topic, body)
        except Refused as refused:
            return respond(call, refused.status, {"error": refused.text})
        except ValueError:
            return respond(call, 400, {"error": f"The query has more than {FIELDS} fields."})
        if status == 202:
            return respond(call, 200, {"id": said.get("id", "")})
        return respond(call, 404 if status == 404 else 503, _error(status, said))

    return work


async def _hand_over(hub: Hub, call: Call, topic: str, body: bytes) -> tuple[int, dict[str, Any]]:
    exchange = call.exchange
    place = exchange.path[: call.cut].decode("latin-1")
    host = exchange.host.decode("latin-1")
    headers: list[Header] = [
        (b"content-type", exchange.fields.get(b"content-type", b"application/octet-stream")),
        (b"x-hub-address", f"{exchange.scheme}://{host}{place}".encode("latin-1")),
    ]
    query = urlencode({"environment": hub.environment, "api": hub.api, "topic": topic})
    return await hub.ask(f"/events?{query}", headers, body)


@dataclass(frozen=True, slots=True)
class Signature:
    """How a publisher proves itself: an HMAC of the body in a header, as `sha1=…` or bare."""

    header: bytes
    algorithm: str
    secret: bytes

    def check(self, fields: dict[bytes, bytes], body: bytes) -> None:
        """Raises Refused when the signature is missing or wrong."""
        given = fields.get(self.header)
        if given is None:
            raise Refused(401, f"The header {self.header.decode()} with the event's signature is missing.")
        method, mark, value = given.strip().partition(b"=")
        if not mark:
            method, value = self.algorithm.encode(), given.strip()
        expected = hmac.new(self.secret, body, self.algorithm).hexdigest().encode()
        if method.lower() != self.algorithm.encode() or not hmac.compare_digest(value.strip().lower(), expected):
            raise Refused(401, "The event's signature is not right.")


def _signature(properties: dict[str, str]) -> Signature | None:
    """The check that the API asks for, None when it asks for none. Raises ValueError naming an unknown algorithm."""
    if properties.get("websub_signed") != "true":
        return None
    name = properties.get("websub_algorithm", "sha1").lower().replace("-", "").replace("hmac", "")
    if name not in ALGORITHMS:
        raise ValueError(f"signing algorithm {name!r} is not one of {', '.join(ALGORITHMS)}")
    secret = properties.get("websub_secret", "")
    if not secret:
        raise ValueError("events are to be signed, but the API has no secret for it")
    return Signature(properties.get("websub_header", "x-hub-signature").lower().encode(), name, secret.encode())


def respond(call: Call, status: int, body: dict[str, Any] | None) -> bool:
    """Answers in the hub's own form and ends the call."""
    content = msgspec.json.encode(body) if body is not None else b""
    call.exchange.respond_block(status, call.answer_lines + (JSON if content else b""), content)
    call.done(status, len(content))
    return True
