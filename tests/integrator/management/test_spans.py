"""Spans for an OpenTelemetry collector: a tree for each message, without secrets; a collector that is gone disturbs nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import backend, eventually, write
from tests.integrator.management.world import NS, TOML, managed


def named(span: dict[str, Any]) -> dict[str, str]:
    """Attributes by name."""
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


@covers("obs.opentelemetry", "scope.trace")
async def test_a_message_becomes_a_tree_of_spans(tmp_path: Path) -> None:
    """Message, steps and the request to the backend; own attributes; headers for the collector; no query, no payload."""
    async with backend([{"path": "/b", "body": "ok"}, {"path": "/v1/traces", "body": "{}"}]) as stub:
        toml = f'\n[opentelemetry]\nenable = true\nurl = "http://127.0.0.1:{stub.port}/v1/traces"\nheaders = {{ x-key = "k1" }}\n'
        async with managed(tmp_path, TOML + toml) as session:
            flow = '<property name="team" value="blue" scope="trace"/><call><endpoint>'
            flow += f'<address uri="http://127.0.0.1:{stub.port}/b"/></endpoint></call><respond/>'
            inside = f'<resource methods="GET"><inSequence>{flow}</inSequence></resource>'
            text = f'<api {NS} name="calls" context="/calls">{inside}</api>'
            write(tmp_path / "home", "api", "calls", text)
            await eventually(lambda: ("api", "calls") in session.running.service.engine.deployment.artifacts)
            await session.running.call("GET", "/calls?password=hunter2", {"activityid": "id-80"})
            await eventually(lambda: any(one.target == "/v1/traces" for one in stub.seen))
        sent = next(one for one in stub.seen if one.target == "/v1/traces")
        body = json.loads(sent.body)["resourceSpans"][0]
        spans = body["scopeSpans"][0]["spans"]
        assert sent.headers["x-key"] == "k1" and b"hunter2" not in sent.body
        root, by_id = spans[0], {span["spanId"]: span for span in spans}
        assert (root["name"], root["kind"], "parentSpanId" in root) == ("api:calls", 2, False)
        told = named(root)
        assert (told["url.path"], told["correlation.id"], told["team"]) == ("/calls", "id-80", "blue")
        assert told["http.response.status_code"] == "200"
        request = next(span for span in spans if span["kind"] == 3)
        assert named(request)["url.full"].endswith("/b") and by_id[request["parentSpanId"]]["name"].startswith("call")
        assert all(span["traceId"] == root["traceId"] and len(span["traceId"]) == 32 for span in spans)
        for span in spans[1:]:
            assert span["parentSpanId"] in by_id and int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"])


async def test_without_a_collector_nothing_is_traced(tmp_path: Path) -> None:
    """Off: no rule. A wrong table: told, off. A collector that is gone: messages are served all the same."""
    async with managed(tmp_path / "off") as session:
        assert not session.running.service.engine.runtime.tracing.active
    async with managed(tmp_path / "wrong", TOML + '\n[opentelemetry]\nenable = true\ntype = "zipkin"\n') as session:
        assert session.running.service.monitor.spans is None
    gone = TOML + '\n[opentelemetry]\nenable = true\nurl = "http://127.0.0.1:1/v1/traces"\nratio = 1\n'
    async with managed(tmp_path / "gone", gone) as session:
        assert (await session.running.call("GET", "/shop/a")).status == 200
        spans = session.running.service.monitor.spans
        await spans.flush()
        assert not spans.waiting


async def test_a_collector_that_talks_too_much_ends_nothing(tmp_path: Path) -> None:
    """An answer longer than what is read is a failure like any other: later spans are sent."""
    async with backend([{"path": "/v1/traces", "body": "x" * 100_000}]) as stub:
        toml = f'\n[opentelemetry]\nenable = true\nurl = "http://127.0.0.1:{stub.port}/v1/traces"\n'
        async with managed(tmp_path, TOML + toml) as session:
            spans = session.running.service.monitor.spans
            for count in (1, 2):
                await session.running.call("GET", "/shop/a")
                await spans.flush()
                await eventually(lambda count=count: len(stub.seen) >= count)  # type: ignore[misc]
