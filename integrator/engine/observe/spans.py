"""Sends finished message traces to an OpenTelemetry collector: OTLP over HTTP, as JSON (`[opentelemetry]`, reference 7.3).

A span for the message, for each list of steps, each step and each request that a step sent. What is sent is what the trace holds,
which masks secrets; payloads are not sent.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from integrator.engine.config import Config
from integrator.engine.metrics import VERSION
from integrator.engine.tracing.record import Call, Group, StepRecord, Trace
from wire.client import AnswerTooLarge, Client, Limits
from wire.errors import UpstreamError

log = logging.getLogger("integrator.opentelemetry")

PAUSE_S = 1.0
MOST_WAITING, MOST_AT_ONCE = 500, 50
"""Traces that wait for the collector, the oldest go first; and traces of one request."""
SERVER, INTERNAL, CLIENT = 2, 1, 3
OK, ERROR = 1, 2
CUSTOM = "trace:"
"""Begin of the names of what the property mediator writes to the scope `trace`."""
Span = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """Where spans go, with which headers, and which share of the messages is traced."""

    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    ratio: float


def target_of(config: Config) -> Target | None:
    """The collector of deployment.toml; None when there is none. What is wrong is told in the log."""
    table = config.tables.get("opentelemetry", {})
    if not isinstance(table, dict) or not table.get("enable"):
        return None
    kind = str(table.get("type") or table.get("logs_enabled") or "otlp").lower()
    if kind != "otlp":
        log.error("opentelemetry.type=%r: allowed is otlp, which Jaeger and Zipkin collectors take too", kind)
        return None
    url = str(table.get("url") or f"http://{table.get('host') or 'localhost'}:{table.get('port') or 4318}/v1/traces")
    ratio = table.get("ratio", 1.0)
    if not url.startswith(("http://", "https://")) or not isinstance(ratio, int | float) or not 0 < ratio <= 1:
        log.error(
            "opentelemetry.url=%r, ratio=%r: an http(s) address and a number above 0 up to 1 are expected", url, ratio
        )
        return None
    named = {
        str(one.get("name")): str(one.get("value")) for one in table.get("properties", ()) if isinstance(one, dict)
    }
    given = named | {str(name): str(value) for name, value in dict(table.get("headers", {})).items()}
    return Target(url, tuple((name.lower().encode(), value.encode()) for name, value in given.items()), float(ratio))


class Spans:
    """Collects traces and sends them from time to time; a collector that is gone costs no message anything."""

    def __init__(self, client: Client, target: Target, server: str):
        self.client = client
        self.target = target
        self.server = server
        self.waiting: deque[Trace] = deque(maxlen=MOST_WAITING)
        self._failing = False
        self._task = asyncio.get_running_loop().create_task(self._run())

    def finished(self, trace: Trace) -> None:
        """Take a trace."""
        self.waiting.append(trace)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_S)
            await self.flush()

    async def flush(self) -> None:
        """Send what waits; what the collector does not take is dropped, with one warning."""
        while self.waiting:
            traces = [self.waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self.waiting)))]
            body = msgspec.json.encode(payload(traces, self.server))
            headers = [(b"content-type", b"application/json"), *self.target.headers]
            try:
                limits = Limits(connect=5, read=5, total=10)
                response = await self.client.request("POST", self.target.url, headers, body, limits)
                await response.body(64 * 1024)
                if response.status >= 300:
                    raise ValueError(f"it answered {response.status}")
                self._failing = False
            except (UpstreamError, AnswerTooLarge, OSError, ValueError) as error:
                if not self._failing:
                    log.warning("the collector %s does not take spans: %s", self.target.url, error)
                self._failing = True

    async def stop(self) -> None:
        """Send the last and end."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()


def payload(traces: list[Trace], server: str) -> dict[str, Any]:
    """The body of one request."""
    about = attributes({"service.name": "integrator", "service.version": VERSION, "host.name": server})
    spans = [span for trace in traces for span in spans_of(trace)]
    scope = {"scope": {"name": "integrator"}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [scope]}]}


def spans_of(trace: Trace) -> Iterator[Span]:
    """The spans of one message, the message's own first."""
    maker = _Maker(trace)
    told = {
        "http.request.method": trace.method,
        "url.path": trace.target.partition("?")[0],
        "http.response.status_code": trace.status,
        "correlation.id": trace.correlation_id,
        "error.message": str(trace.error.get("message", "")),
        "error.code": str(trace.error.get("code", "")),
        **dict(maker.custom()),
    }
    root = maker.span(trace.artifact or "message", "", 0.0, trace.duration_ms, trace.outcome, told, SERVER)
    yield root
    yield from maker.inside(trace.root, root["spanId"])


class _Maker:
    """Makes the spans of one trace."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.id = trace.id.replace("-", "")[:32]

    def span(
        self, name: str, parent: str, start_ms: float, took_ms: float, outcome: str, told: dict[str, Any], kind: int
    ) -> Span:
        """One span; times are relative to the trace's beginning."""
        begin = int(self.trace.started * 1e9 + start_ms * 1e6)
        made: Span = {
            "traceId": self.id,
            "spanId": secrets.token_hex(8),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(begin),
            "endTimeUnixNano": str(begin + int(took_ms * 1e6)),
            "attributes": attributes(told),
            "status": {"code": ERROR if outcome == "failed" else OK},
        }
        return made | ({"parentSpanId": parent} if parent else {})

    def inside(self, group: Group, parent: str) -> Iterator[Span]:
        """What ran inside a list of steps."""
        for step in group.steps:
            yield from self._step(step, parent)
        for call in group.calls:
            yield self._call(call, parent)
        for inner in group.groups:
            yield from self._group(inner, parent)

    def _group(self, group: Group, parent: str) -> Iterator[Span]:
        told = {"integrator.fault_flow": "true"} if group.fault else {}
        span = self.span(
            group.label or "sequence", parent, group.started_ms, group.duration_ms, group.outcome, told, INTERNAL
        )
        yield span
        yield from self.inside(group, span["spanId"])

    def _step(self, step: StepRecord, parent: str) -> Iterator[Span]:
        name = step.path.rpartition("→")[2].strip() or "step"
        told = {"integrator.path": step.path, "error.message": str(step.error.get("message", "")), **dict(custom(step))}
        span = self.span(name, parent, step.started_ms, step.duration_ms, step.outcome, told, INTERNAL)
        yield span
        for call in step.calls:
            yield self._call(call, span["spanId"])
        for group in step.groups:
            yield from self._group(group, span["spanId"])

    def _call(self, call: Call, parent: str) -> Span:
        told = {
            "http.request.method": call.method,
            "url.full": call.url.partition("?")[0],
            "http.response.status_code": call.status,
            "error.message": call.error,
        }
        outcome = "failed" if call.error else "ok"
        return self.span(f"{call.method} request", parent, call.started_ms, call.duration_ms, outcome, told, CLIENT)

    def custom(self) -> Iterator[tuple[str, str]]:
        """What any step wrote to the scope `trace`."""
        waiting = [self.trace.root]
        while waiting:
            group = waiting.pop()
            waiting += group.groups
            for step in group.steps:
                waiting += step.groups
                yield from custom(step)


def custom(step: StepRecord) -> Iterator[tuple[str, str]]:
    """What a step wrote to the scope `trace`: attributes of people's own."""
    for change in step.changes:
        if change.scope == "operation" and change.name.startswith(CUSTOM) and change.after is not None:
            yield change.name.removeprefix(CUSTOM), change.after


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP writes them; what is empty is left out."""
    return [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}}
        for name, value in values.items()
        if value not in ("", 0)
    ]
