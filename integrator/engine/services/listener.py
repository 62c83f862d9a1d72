"""The HTTP(S) listener: makes a message of each request and finds the API, proxy, data service or main sequence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import monotonic
from urllib.parse import unquote

from integrator.engine import synapse_handlers
from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.dataservices import http as data_service_http
from integrator.engine.deployment import Deployment
from integrator.engine.endpoints import separate
from integrator.engine.errors import RECEIVER_IO_RECEIVING, BadPayload, Fault
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message, under_way
from integrator.engine.metrics import served
from integrator.engine.observe import analytics
from integrator.engine.sequence import Chain, run_fault
from integrator.engine.services import definitions
from integrator.engine.services.cors import cors_headers
from integrator.engine.services.inbound import Inbound
from integrator.engine.services.proxy import Proxy
from integrator.engine.services.reply import HttpReply
from integrator.engine.services.rest import Api, Match, deny_transport, find_resource, query_parameters, set_properties
from integrator.engine.tasks import flow_end
from wire.exchange import BodyTooLarge, Disconnected, Exchange

log = logging.getLogger("integrator.http")

SERVICES = "/services/"
BUFFERED = 256 * 1024
CORS_METHODS = "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS"


class TooLarge(Fault):
    """The request body is longer than allowed."""


class CallerLeft(Fault):
    """The caller left before its request was complete."""


class Listener:
    """Serves requests on the deployment that is current when they arrive."""

    def __init__(self, current: Callable[[], Deployment]):
        self.current = current
        self.tasks: set[asyncio.Task[None]] = set()

    def follow(self, _deployment: Deployment) -> None:
        """With synapse handlers or analytics, requests go past them; without, none is asked for."""
        self.__dict__.pop("serve", None)
        around = analytics.around(synapse_handlers.entering if synapse_handlers.active else None)
        if around is not None:
            self.serve = partial(self.serve, around=around)  # type: ignore[method-assign]

    def handle(self, exchange: Exchange, inbound: Inbound | None = None) -> None:
        """Start serving one request, of the main ports or of an inbound endpoint."""
        task = asyncio.get_running_loop().create_task(self.serve(exchange, inbound))
        self.tasks.add(task)

    async def serve(
        self, exchange: Exchange, inbound: Inbound | None = None, around: analytics.Around | None = None
    ) -> None:
        """Serve one request to its end: whatever happens, it is answered."""
        started = monotonic()
        flow: Flow | None = None
        try:
            message = make_message(exchange, self.current())
            flow = message.flow
            if exchange.has_body and message.payload.unread is not None and _length(exchange) <= BUFFERED:
                await message.payload.read()
            if flow.deployment.before is None or await premediate(message, flow.deployment.before):
                if around is not None:
                    await around(message, lambda: enter(exchange, message, inbound))
                else:
                    await (
                        dispatch(exchange, message) if inbound is None else dispatch_inbound(exchange, message, inbound)
                    )
            if flow.tasks or not flow.reply.sent:
                await finish(exchange, message)
            message.payload.discard()
        except (Disconnected, CallerLeft):
            exchange.abort()
        except TooLarge as error:
            _refuse(exchange, 413, error.message)
        except Exception:
            log.exception("%s %s failed", exchange.method.decode("latin-1"), exchange.path.decode("latin-1"))
            _refuse(exchange, 500, "The request could not be processed.")
        finally:
            if flow is not None and flow.trace is not None:
                flow.deployment.runtime.tracing.finish(flow, exchange.status)
            served(flow.artifact if flow else "", exchange.status, monotonic() - started)
            self.tasks.discard(asyncio.current_task())


async def premediate(message: Message, before: Chain) -> bool:
    """Run the mandatory sequence; whether the message goes on to whom it is for."""
    message.flow.artifact = "sequence:pre-mediate"
    try:
        return await before.run(message)
    except Fault as fault:
        await run_fault(message, fault)
        return False


def _length(exchange: Exchange) -> int:
    length = exchange.header(b"content-length")
    return int(length) if length is not None and length.isdigit() else BUFFERED + 1


def _refuse(exchange: Exchange, status: int, text: str) -> None:
    if exchange.started:
        exchange.abort()
        return
    body = b'{"code":%d,"message":"%b"}' % (status, text.replace('"', "'").encode())
    exchange.respond(status, [(b"content-type", b"application/json")], body)


def make_message(exchange: Exchange, deployment: Deployment) -> Message:
    """The message of a request; its body stays on the wire."""
    fields, scheme, address = exchange.fields, exchange.scheme, exchange.client[0]
    flow = Flow(deployment, HttpReply(exchange), fields.get(b"activityid", b"").decode("latin-1"))
    flow.transport = scheme
    under_way.set(flow)
    raw_type, action = fields.get(b"content-type"), fields.get(b"soapaction")
    payload = Payload(None, "")
    if raw_type is None and exchange.has_body:
        raw_type = deployment.config.default_content_type
    if raw_type is not None:
        payload.content_type = content_type = raw_type.decode("latin-1")
        kind = media.media_type(content_type)
        payload.pox = kind != media.SOAP12 and not (kind == media.SOAP11 and action is not None)
    if exchange.has_body:
        payload.unread, payload.chunks = partial(take, exchange, deployment.runtime.max_body), exchange.stream
    message = Message(flow, payload, Headers.of_wire(exchange.headers, request=True, fields=fields))
    message.to = exchange.target.decode("latin-1")
    if action is not None:
        message.action = action.decode("latin-1").strip('"') or None
    if message.action is None and raw_type is not None:
        message.action = media.soap_action(content_type)
    message.axis2 = {
        "HTTP_METHOD": exchange.method.decode("latin-1"),
        "REMOTE_ADDR": address,
        "REMOTE_HOST": address,
        "TRANSPORT_IN_URL": message.to,
    }
    message.properties["TRANSPORT_IN_NAME"] = scheme
    return message


async def take(exchange: Exchange, limit: int) -> bytes:
    """The whole body of a request. Raises TooLarge, and CallerLeft when it breaks off."""
    try:
        return await exchange.body(limit)
    except BodyTooLarge as error:
        raise TooLarge(0, str(error)) from error
    except Disconnected as error:
        raise CallerLeft(RECEIVER_IO_RECEIVING, str(error)) from error


async def enter(exchange: Exchange, message: Message, inbound: Inbound | None) -> None:
    """Find who serves the request of a main port or of an inbound endpoint, and run it."""
    await (dispatch(exchange, message) if inbound is None else dispatch_inbound(exchange, message, inbound))


async def dispatch_inbound(exchange: Exchange, message: Message, inbound: Inbound) -> None:
    """Run the sequence of an inbound endpoint; paths that match its pattern go to APIs and proxies first."""
    message.properties["inbound.endpoint.name"] = inbound.name
    message.properties["isInbound"] = True
    bound = message.deployment.bound.get(inbound.name, ()) if inbound.serves_bound else ()
    flow = start_matching(exchange, message, bound)
    if flow is not False:
        if flow is not True:
            await run(message, flow)
        return
    if inbound.dispatches(exchange.path.decode("latin-1")) and await route(exchange, message):
        return
    message.flow.artifact = f"inbound-endpoint:{inbound.name}"
    message.flow.fault = message.deployment.sequence(inbound.on_error) if inbound.on_error else None
    await run(message, message.deployment.required_sequence(inbound.sequence or "main"))


async def dispatch(exchange: Exchange, message: Message) -> None:
    """Find who serves the request, and run it."""
    if await route(exchange, message):
        return
    if exchange.path == b"/healthz":
        exchange.respond(200, [(b"content-type", b"application/json")], b'{"status":"ok"}')
        return
    message.flow.artifact = "sequence:main"
    message.flow.out = message.deployment.response_of_main()
    message.axis2["REST_URL_POSTFIX"] = message.to
    await run(message, message.deployment.required_sequence("main"))


async def route(exchange: Exchange, message: Message) -> bool:
    """Run the API, proxy or data service that serves the request; False when none does."""
    deployment = message.deployment
    raw_path, query = exchange.path.decode("latin-1"), exchange.query.decode("latin-1")
    path = unquote(raw_path, "utf-8") if "%" in raw_path else raw_path
    if (
        query
        and query.lower().startswith(("swagger.", "wsdl", "xsd", "policy"))
        and await definitions.answer(exchange, message, path, query)
    ):
        return True
    flow = start_matching(exchange, message, deployment.apis_below(raw_path))
    if flow is not False:
        if flow is not True:
            await run(message, flow)
        return True
    return path.startswith(SERVICES) and await run_service(exchange, message, path[len(SERVICES) :], query)


def start_matching(exchange: Exchange, message: Message, apis: tuple[Api, ...]) -> Chain | bool:
    """The flow of the first API that the request is for; True when it is answered already, False when there is none."""
    raw_path = exchange.path.decode("latin-1")
    for api in apis:
        rest = api.rest(raw_path)
        if rest is not None and (api.serves_all or api.serves(message)):
            return start_api(exchange, message, api, rest, exchange.query.decode("latin-1")) or True
    return False


async def run(message: Message, flow: Chain | Proxy) -> None:
    """Await a flow with its fault flow behind it. Whether it is traced is asked here, once a message."""
    tracing = message.flow.deployment.runtime.tracing
    if tracing.active:
        tracing.consider(message)
    try:
        await flow.run(message)
    except Fault as fault:
        await run_fault(message, fault)


def start_api(exchange: Exchange, message: Message, api: Api, rest: str, query: str) -> Chain | None:
    """The flow of the matching resource of an API; None when the request is answered without one."""
    flow, method = message.flow, message.axis2["HTTP_METHOD"]
    flow.artifact, flow.service = api.artifact, api.full_name
    parameters = query_parameters(query) if query else {}
    match = find_resource(api, rest, parameters, method, message)
    set_properties(message, api, match, rest, query, parameters, method)
    if match.resource is None:
        return mismatch(exchange, message, match)
    if method == "OPTIONS" and "OPTIONS" not in match.resource.methods:
        exchange.respond(200, options_headers(message, match.resource.methods))
        return None
    if api.handlers and not all(handler(exchange, message) for handler in api.handlers):
        return None
    compiled = match.resource.compiled
    flow.out, flow.fault = compiled.outgoing, compiled.fault
    return compiled.incoming


def options_headers(message: Message, methods: frozenset[str]) -> list[tuple[bytes, bytes]]:
    """Allow, and CORS headers for a listed origin."""
    allowed = ", ".join(sorted(methods)).encode()
    return [(b"allow", allowed), *cors_headers(message, methods)]


def mismatch(exchange: Exchange, message: Message, match: Match) -> Chain | None:
    """No resource, wrong method or another mismatch: the user's handler sequence, or an empty answer."""
    name = {404: "_resource_mismatch_handler_", 405: "_method_not_allowed_handler_"}.get(match.status, "")
    chain = message.deployment.sequence(name) if name else None
    if chain is not None:
        return chain
    headers = [(b"allow", ", ".join(sorted(match.allowed)).encode())] if match.status == 405 else []
    exchange.respond(match.status, headers)
    return None


async def run_service(exchange: Exchange, message: Message, below: str, query: str) -> bool:
    """Run the proxy or data service below /services; False when there is none of this name."""
    deployment, (name, slash, rest) = message.deployment, below.partition("/")
    bare = name if name in deployment.proxies or name in deployment.data_services else name.partition(".")[0]
    flow = message.flow
    service = deployment.data_services.get(bare)
    if service is not None and service.active:
        flow.artifact, flow.service = f"data-service:{bare}", bare
        await data_service_http.serve(exchange, message, service, rest)
        return True
    proxy = deployment.proxies.get(bare)
    if proxy is None or not proxy.serves(flow.transport):
        if proxy is not None and proxy.start:
            deny_transport(message, f"proxy {bare}")
        return bare == separate.NAME and await answer_to_endpoint(exchange, message, rest)
    flow.artifact, flow.service = f"proxy:{bare}", bare
    if proxy.inbound_only and "isInbound" not in message.properties:
        exchange.respond(202)
        return True
    message.properties["proxy.name"] = bare
    message.properties["ARTIFACT_NAME"] = f"proxy{bare}"
    if slash and rest or query:
        message.axis2["REST_URL_POSTFIX"] = (f"/{rest}" if rest else "") + (f"?{query}" if query else "")
    flow.out, flow.fault = proxy.compiled.outgoing, proxy.compiled.fault
    await run(message, proxy)
    return True


async def answer_to_endpoint(exchange: Exchange, message: Message, word: str) -> bool:
    """Take an answer that a backend brings on a connection of its own."""
    exchange.respond(202 if await separate.deliver(message, word) else 404)
    return True


async def finish(exchange: Exchange, message: Message) -> None:
    """Wait for branches that may still answer; then answer for a flow that did not."""
    flow = message.flow
    if not flow.reply.sent and not exchange.started:
        await flow_end(flow)
    if not flow.reply.sent and not exchange.started:
        flow.reply.sent = True
        _answer_for(exchange, flow)
    for task in flow.tasks:
        flow.deployment.runtime.background.add(task)
        task.add_done_callback(flow.deployment.runtime.background.discard)


def _answer_for(exchange: Exchange, flow: Flow) -> None:
    identity = (b"activityid", flow.correlation_id.encode("latin-1", "replace"))
    failure = flow.failure
    if failure is None:
        exchange.respond(202, [identity])
        return
    status = 413 if isinstance(failure, TooLarge) else 400 if isinstance(failure, BadPayload) else 500
    text = "The message could not be read." if status == 400 else "The message could not be processed."
    body = b'{"code":%d,"message":"%b","correlationId":"%b"}' % (failure.code or status, text.encode(), identity[1])
    exchange.respond(status, [(b"content-type", b"application/json"), identity], body)
