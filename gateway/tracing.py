"""OpenTelemetry traces of calls (W3C trace context), for the share of calls that is sampled; nothing at all when off.

A sampled call gets a server span and, below it, a client span for its backend, whose context goes out as `traceparent`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan

    from gateway.call import Call

CONTEXT_HEADERS = (b"traceparent", b"tracestate")
QUEUE = 4096
"""Spans kept while the collector is slow; more are dropped."""


class Tracer:
    """Makes the spans of calls and sends them to `endpoint` (OTLP over HTTP, `…/v1/traces`) from a thread of its own."""

    def __init__(self, endpoint: str, share: float, service: str) -> None:
        resource = Resource.create({"service.name": service})
        self._provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(share)))
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE))
        self._tracer = self._provider.get_tracer("apim.gateway")
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, call: Call) -> None:
        """Starts the spans of a call when it is sampled, and puts their context into the request to the backend."""
        exchange = call.exchange
        api = call.api
        context = self._propagator.extract(_incoming(exchange.fields))
        name = f"{exchange.method.decode()} {api.record.context}" if api is not None else exchange.method.decode()
        server = self._tracer.start_span(name, context, SpanKind.SERVER)
        if not server.is_recording():
            return
        client = self._tracer.start_span(name, trace.set_span_in_context(server), SpanKind.CLIENT)
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, trace.set_span_in_context(client))
        request = call.edit()
        for header in CONTEXT_HEADERS:
            request.remove(header)
        request.headers += [(key.encode(), value.encode()) for key, value in carrier.items()]
        call.span = Span(call, server, client)

    def stop(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()


class Span:
    """The two spans of one call."""

    __slots__ = ("call", "client", "server")

    def __init__(self, call: Call, server: OtelSpan, client: OtelSpan) -> None:
        self.call = call
        self.server = server
        self.client = client

    def end(self, status: int, code: str) -> None:
        """The call is over with this HTTP status and, when the gateway refused it, this fault code."""
        self.server.set_attributes(_attributes(self.call, status, code))
        if status >= 500:
            self.server.set_status(Status(StatusCode.ERROR, code))
        if self.call.backend_started:
            self.client.set_attribute("http.response.status_code", status)
            self.client.end()
        self.server.end()
        self.call.span = None


def _attributes(call: Call, status: int, code: str) -> dict[str, Any]:
    """Names of OpenTelemetry's semantic conventions, and ours under `apim.`."""
    exchange = call.exchange
    found: dict[str, Any] = {
        "http.request.method": exchange.method.decode("latin-1"),
        "url.path": exchange.path[:512].decode("latin-1"),
        "url.scheme": exchange.scheme,
        "http.response.status_code": status,
        "client.address": exchange.address,
        "apim.correlation_id": call.correlation.decode("latin-1"),
    }
    if call.operation is not None:
        found["http.route"] = call.operation.record.target
    if call.api is not None:
        found["apim.api"] = f"{call.api.record.name}:{call.api.record.version}"
    if call.decision is not None and call.decision.application is not None:
        found["apim.application"] = call.decision.application.name
    if code:
        found["error.type"] = code
    return found


def _incoming(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): fields[name].decode("latin-1") for name in CONTEXT_HEADERS if name in fields}
