"""What a gateway tells about calls: analytics events, traces, metrics of all workers, and logs chosen while it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import redis
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway import faults, schema
from gateway.analytics import Events
from gateway.export import Export
from gateway.schema.analytics import expand
from gateway.siblings import merged
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway
from tests.gateway.test_sync import fill
from tests.support.wait import until

STREAM = "apim:analytics"


def logged(gateway: Gateway, name: str) -> list[dict[str, Any]]:
    """The lines of one logger."""
    lines = (json.loads(line) for line in gateway.log.splitlines() if line.startswith("{"))
    return [line for line in lines if line["logger"] == name]


def test_every_call_of_an_api_becomes_one_event(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with redis.Redis.from_url(redis_url) as client:
        client.delete(STREAM)
        with running_gateway(var, hub.url, redis_url, GATEWAY_ANALYTICS="1") as gateway:
            headers = {"activityid": "seen", "user-agent": 'tester/1 "x" \\ é'}
            assert gateway.call("/one/1.0/a?secret=1", token=signer.token(), headers=headers).status == 200
            assert gateway.call("/one/1.0/a").status == 401
            assert gateway.call("/nothing/here").status == 404
        events = [one for _, fields in client.xrange(STREAM) for one in expand(fields[b"batch"])]
    assert [(one["proxyResponseCode"], one["eventType"], one["errorCode"]) for one in events] == [
        (200, "response", ""),
        (401, "fault", "900902"),
    ]
    first = events[0]
    known = {
        "correlationId": "seen", "apiId": "id-one", "apiName": "one", "apiVersion": "1.0", "apiContext": "/one/1.0",
        "apiMethod": "GET", "apiResourceTemplate": "/*", "apiType": "HTTP", "apiCreator": "admin", "applicationName": "App 1",
        "applicationOwner": "somebody", "keyType": "PRODUCTION", "userName": "client-1", "userIp": "127.0.0.1",
        "userAgent": 'tester/1 "x" \\ é', "targetResponseCode": 200, "responseCacheHit": False, "gatewayType": "APIM",
        "regionId": "Default",
    }  # fmt: skip
    assert {name: first[name] for name in known} == known
    assert first["responseLatency"] >= first["backendLatency"] >= 0
    assert first["responseSize"] > 0
    assert (events[1]["errorType"], events[1]["targetResponseCode"]) == ("AUTH", 0)
    assert "secret" not in json.dumps(events)


def test_events_may_go_to_the_log(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    told = {"GATEWAY_ANALYTICS": "1", "GATEWAY_ANALYTICS_SINK": "log"}
    with running_gateway(var, hub.url, redis_url, **told) as gateway:
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 200
        line = until(lambda: logged(gateway, "gateway.analytics"))[0]
    assert (line["event"], line["apiName"], line["proxyResponseCode"]) == ("apimMetrics", "one", 200)


@dataclass
class Compiled:
    """An API of which only the record matters."""

    record: schema.Api


class FinishedCall:
    """As much of a finished call as an event is made of."""

    def __init__(self, number: int) -> None:
        self.exchange = self
        self.correlation = b"%d" % number
        self.method, self.address, self.fields = b"GET", "127.0.0.1", {b"user-agent": b"x"}
        self.now = self.began = self.backend_started = self.backend_answered = 0.0
        self.operation = self.decision = self.principal = self.fault = None
        self.status, self.cache_hit, self.received, self.sent = 200, False, 0, 0


def numbers(batch: bytes) -> list[str]:
    """The correlation ids of a batch."""
    return [one["correlationId"] for one in expand(batch)]


async def test_what_waits_is_bounded_and_what_was_refused_is_sent_again() -> None:
    events = Events("Default", 3)
    api: Any = Compiled(world.api("one", "http://127.0.0.1:1"))
    for number in range(5):
        events.add(FinishedCall(number), api, 0.1)  # type: ignore[arg-type]
        if number in (1, 4):
            events.seal()
    assert events.dropped == 2
    tries: list[list[str]] = []

    async def send(batch: bytes) -> None:
        tries.append(numbers(batch))
        if len(tries) < 3:
            raise OSError("away")

    export = Export(events, send)
    try:
        await wait_for(lambda: len(tries) == 3)
        events.add(FinishedCall(9), api, 0.1)  # type: ignore[arg-type]
    finally:
        await export.stop()
    assert tries == [["2", "3", "4"]] * 3 + [["9"]]


def test_faults_with_one_code_keep_their_own_texts() -> None:
    events = Events("Default", 10)
    api: Any = Compiled(world.api("one", "http://127.0.0.1:1"))
    for fault in (faults.INVALID, faults.NO_SANDBOX):
        call: Any = FinishedCall(1)
        call.fault = fault
        events.add(call, api, 0.1)
    events.seal()
    found = [(one["errorCode"], one["errorType"], one["errorMessage"]) for one in expand(events.take()[1])]
    assert found == [("900901", "AUTH", "Invalid Credentials"), ("900901", "OTHER", "Runtime Error")]


async def wait_for(condition: Callable[[], bool]) -> None:
    """Waits for a condition without blocking the loop."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Collector:
    """An OTLP collector over HTTP."""

    url: str = ""
    spans: list[Any] = field(default_factory=list)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that decodes what it gets."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = ExportTraceServiceRequest.FromString(body)
            kept.spans += [span for one in request.resource_spans for part in one.scope_spans for span in part.spans]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    kept.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    yield kept
    server.shutdown()
    server.server_close()


def test_traces_join_the_callers_and_go_on_to_the_backend(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer, collector: Collector
) -> None:
    fill(hub, backend, signer)
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with running_gateway(var, hub.url, redis_url, GATEWAY_TRACES=collector.url, GATEWAY_TRACE_SHARE="0") as gateway:
        headers = {"traceparent": f"00-{trace}-{parent}-01"}
        answer = gateway.call("/one/1.0/a", "POST", signer.token(), b"body", headers)
        assert (answer.status, answer.json["body"]) == (200, "body")
        seen = {name.lower(): value for name, value in answer.json["headers"].items()}
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 200
        refused = gateway.call("/one/1.0/a", headers=headers)
        assert refused.status == 401
    spans = {(span.kind, span.span_id.hex()): span for span in collector.spans}
    servers = [span for (kind, _), span in spans.items() if kind == 2]
    clients = [span for (kind, _), span in spans.items() if kind == 3]
    assert {span.trace_id.hex() for span in spans.values()} == {trace}
    assert [span.parent_span_id.hex() for span in servers] == [parent, parent]
    assert len(clients) == 1
    assert seen["traceparent"] == f"00-{trace}-{clients[0].span_id.hex()}-01"
    found = [{one.key: one.value.string_value for one in span.attributes} for span in servers]
    assert {one.get("error.type", "") for one in found} == {"", "900902"}
    assert found[0]["http.route"] == "/*"
    assert found[0]["apim.application"] == "App 1"


def test_a_scrape_shows_the_calls_of_all_workers(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, workers=2) as gateway:
        gateway.until_sequence(hub.sequence)
        for _ in range(40):
            gateway.call("/one/1.0/a", token=signer.token())

        def counted() -> bool:
            text = gateway.call("/metrics").body.decode()
            lines = [
                line for line in text.splitlines() if line.startswith("gateway_requests_total") and 'api="one"' in line
            ]
            assert text.count("# TYPE gateway_requests_total") == 1
            return sum(int(line.rpartition(" ")[2]) for line in lines) >= 40 and text.count("gateway_in_flight{") == 2

        until(counted, what="40 calls in the metrics of two workers")


def test_merging_keeps_each_family_together() -> None:
    assert merged(["# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n", "# TYPE a counter\na 2\n"]) == (
        "# TYPE a counter\na 1\na 2\n# TYPE b gauge\nb 1\n"
    )


def test_the_log_level_of_one_api_changes_while_it_serves(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    hub.publish("api", "Default:id-one", world.api("one", backend.url, api_key_header="X-Pass"), hint=False)
    token = signer.token()
    with running_gateway(var, hub.url, redis_url) as gateway:
        gateway.call("/one/1.0/a", token=token)
        hub.publish("log_level", "id-one", schema.LogLevel("id-one", "BASIC"))
        gateway.until_sequence(hub.sequence)
        gateway.call("/one/1.0/b", token=token, headers={"x-thing": "seen"})
        hub.publish("log_level", "id-one", schema.LogLevel("id-one", "STANDARD"))
        gateway.until_sequence(hub.sequence)
        secrets = {"x-api-key": "hide me", "x-pass": "hide me"}
        gateway.call("/one/1.0/c", token=token, headers={"x-thing": "seen", **secrets})
        hub.publish("log_level", "id-one", None)
        gateway.until_sequence(hub.sequence)
        gateway.call("/one/1.0/d", token=token)
    lines = logged(gateway, "gateway.api")  # all of them: the gateway has ended
    assert [line["path"] for line in lines] == ["/one/1.0/b", "/one/1.0/c"]
    assert "headers" not in lines[0]
    assert lines[1]["headers"]["x-thing"] == "seen"
    assert {lines[1]["headers"][name] for name in ("authorization", *secrets)} == {"(hidden)"}
    assert token not in gateway.log and "hide me" not in gateway.log


def test_the_correlation_log_says_where_the_time_went(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, GATEWAY_CORRELATION_LOG="1") as gateway:
        gateway.call("/one/1.0/a", token=signer.token(), headers={"activityid": "mine"})
        line = until(lambda: logged(gateway, "gateway.correlation"))[0]
    assert (line["correlation_id"], line["api"], line["status"]) == ("mine", "one:1.0", 200)
    assert line["total_ms"] >= line["backend_ms"] >= 0
    assert line["total_ms"] == pytest.approx(line["request_ms"] + line["backend_ms"] + line["response_ms"], abs=0.01)
