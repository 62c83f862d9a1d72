"""Analytics records as the original writes them for Elastic: one line of JSON an API, proxy, sequence, endpoint, inbound call.

`[analytics]` of deployment.toml switches them on (reference 7.3). A process has the analytics of its home; they are known before
artifacts are compiled, so that without them nothing is asked while messages pass.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from integrator.engine.endpoints.base import Endpoint
from integrator.engine.expressions.scopes import ANALYTICS
from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message
from integrator.engine.observe.analytics_config import Analytics
from integrator.engine.sequence import Chain
from integrator.engine.xmltools import local

log = logging.getLogger("integrator.analytics")

SCHEMA_VERSION = 1
MOST_METADATA, LONGEST = 100, 4096
"""Pairs of metadata in one record, and characters of one text."""
CLASSES = {
    "API": "org.apache.synapse.api.API",
    "ProxyService": "org.apache.synapse.core.axis2.ProxyService",
    "SequenceMediator": "org.apache.synapse.mediators.base.SequenceMediator",
    "Endpoint": "org.apache.synapse.endpoints.Endpoint",
    "InboundEndpoint": "org.apache.synapse.inbound.InboundEndpoint",
}
"""How a record names the kind of its artifact, briefly and in full."""
Work = Callable[[], Awaitable[None]]
Around = Callable[[Message, Work], Awaitable[None]]

active: list[Analytics] = []
"""The analytics of the home that is open: one, or none."""


def use(found: Analytics | None) -> bool:
    """Take these; whether artifacts have to be compiled again, as they were compiled with or without."""
    changed = bool(active) != (found is not None)
    active[:] = [found] if found is not None else []
    return changed


class ToldChain(Chain):
    """A named sequence whose runs are told."""

    __slots__ = ()

    def run(self, message: Message, start: int = 0) -> Coroutine[Any, Any, bool]:
        """Run, and write a record; going on in the middle is part of the run before."""
        return super().run(message, start) if start else self._told(message)

    async def _told(self, message: Message) -> bool:
        with _told(message, "SequenceMediator", self.name.partition(" ")[2]):
            return await super().run(message, 0)


def told_sequence(chain: Chain) -> Chain:
    """The chain of a named sequence, told while analytics are on."""
    if active:
        chain.__class__ = ToldChain  # the same layout: only how it runs differs
    return chain


def told_endpoint(name: str, endpoint: Endpoint) -> Endpoint:
    """A named endpoint, told while analytics are on."""
    if active:
        send = endpoint.send

        async def told(message: Message) -> None:
            with _told(message, "Endpoint", name):
                await send(message)

        endpoint.send = told  # type: ignore[method-assign]
    return endpoint


def around(inner: Around | None) -> Around | None:
    """What is laid around the serving of each request: `inner` with analytics, when they are on."""
    if not active:
        return inner

    async def told(message: Message, work: Work) -> None:
        request = _request(message)
        watch = Watch(message)
        try:
            await (inner(message, work) if inner is not None else work())
        finally:
            _entry(watch, message, request)

    return told


class Watch:
    """When something began, and whether a step failed since then."""

    def __init__(self, message: Message):
        self.at = time.time()
        self.clock = time.perf_counter()
        self.failure = message.properties.get("ERROR_DETAIL")
        self.failed = False

    def has_failed(self, message: Message) -> bool:
        """Whether an error came out of it, or one was handled in it."""
        return self.failed or message.properties.get("ERROR_DETAIL") is not self.failure


@contextmanager
def _told(message: Message, kind: str, name: str) -> Iterator[None]:
    watch = Watch(message)
    try:
        yield
    except BaseException:
        watch.failed = True
        raise
    finally:
        if active and kind in active[0].kinds:
            detail = "sequenceDetails" if kind == "SequenceMediator" else "endpointDetails"
            write(active[0], watch, message, kind, {detail: {"name": name}})


def _request(message: Message) -> dict[str, Any]:
    """What a record tells of the request; at the end the message holds the answer."""
    payload = message.payload
    return {
        "remoteHost": message.axis2.get("REMOTE_HOST"),
        "contentType": payload.content_type or None,
        "httpMethod": message.axis2.get("HTTP_METHOD"),
        "isClientDoingREST": payload.pox,
        "isClientDoingSOAP11": not payload.pox and payload.media == "text/xml",
    }


def _entry(watch: Watch, message: Message, request: dict[str, Any]) -> None:
    """Records of the API or proxy that served, and of the inbound endpoint by which the message came."""
    if not active:
        return
    kind, _, name = message.flow.artifact.partition(":")
    properties = message.properties
    http = {name: request[name] for name in ("remoteHost", "contentType", "httpMethod")}
    watch.failed = message.flow.failure is not None
    if kind == "api" and "API" in active[0].kinds:
        details = {
            "api": properties.get("SYNAPSE_REST_API", name),
            "subRequestPath": str(properties.get("REST_SUB_REQUEST_PATH", "")).partition("?")[0],
            "apiContext": properties.get("REST_API_CONTEXT"),
            "method": properties.get("REST_METHOD"),
            "transport": properties.get("TRANSPORT_IN_NAME"),
        }
        write(active[0], watch, message, "API", {"apiDetails": details, **http})
    elif kind == "proxy" and "ProxyService" in active[0].kinds:
        more = {"transport": properties.get("TRANSPORT_IN_NAME"), **request, "proxyServiceDetails": {"name": name}}
        write(active[0], watch, message, "ProxyService", more)
    inbound = properties.get("inbound.endpoint.name")
    if inbound is not None and "InboundEndpoint" in active[0].kinds:
        write(active[0], watch, message, "InboundEndpoint", {"inboundEndpointDetails": {"name": inbound}, **http})


def write(settings: Analytics, watch: Watch, message: Message, kind: str, more: dict[str, Any]) -> None:
    """One line. What has no value is left out: readers of these lines stumble over null."""
    record = {
        "serverInfo": settings.server,
        "timestamp": f"{datetime.fromtimestamp(watch.at, UTC).isoformat(timespec='milliseconds')[:-6]}Z",
        "schemaVersion": SCHEMA_VERSION,
        "payload": {
            "metadata": metadata_of(message),
            "entityType": kind,
            "entityClassName": CLASSES[kind],
            "failure": watch.has_failed(message),
            "faultResponse": _is_fault(message),
            "latency": round((time.perf_counter() - watch.clock) * 1000),
            "messageId": message.id,
            "correlation_id": message.flow.correlation_id,
            **_plain(more),
        },
    }
    at = datetime.now().strftime("%H:%M:%S,%f")[:-3]
    text = msgspec.json.encode(record).decode()
    log.info("%s [-] [integrator]  INFO ElasticStatisticsPublisher %s %s", at, settings.prefix, text)


def metadata_of(message: Message) -> dict[str, Any]:
    """What the property mediator wrote to the scope `analytics`."""
    start = len(ANALYTICS)
    found = {name[start:]: value for name, value in message.operation.items() if name.startswith(ANALYTICS)}
    return _plain(dict(list(found.items())[:MOST_METADATA]))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON has them: numbers and booleans as they are, anything else as text, cut."""
    return {name: _value(value) for name, value in values.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, bool | int | float):
        return value
    return (text_of(value) or "")[:LONGEST]


def _is_fault(message: Message) -> bool:
    """Whether the message is a SOAP fault by now; a body that nobody read is not read for that."""
    payload = message.payload
    if not payload.built or payload.is_json:
        return False
    root = payload.root
    return root is not None and local(root) == "Fault"


def own_address() -> str:
    """The address by which this machine reaches others; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
