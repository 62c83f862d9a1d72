"""publishEvent beside the flow: events arrive in order, a full queue drops them, the log takes them too."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from integrator.engine import events
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import SERVER, Running, backend, eventually, integrator, write

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET"><inSequence>
<publishEvent timeout="10"><eventSink>s</eventSink><streamName>stream</streamName><streamVersion>1.0.0</streamVersion>
<attributes><payload><attribute name="n" type="INTEGER" expression="$ctx:query.param.n"/></payload></attributes></publishEvent>
<respond/></inSequence></resource></api>"""


def prepare(home: Path, url: str) -> None:
    """A home with one sink."""
    write(home, "api", "t", API)
    file = home / SERVER / "event-sinks" / "s.xml"
    file.parent.mkdir(parents=True)
    file.write_text(f"<eventSink><receiverUrl>{url}</receiverUrl></eventSink>")


async def publish(running: Running, numbers: range) -> None:
    """One request for each number."""
    for number in numbers:
        assert (await running.call("GET", f"/t?n={number}")).status == 200


@covers("mediator.publishEvent.async")
async def test_events_go_beside_the_flow(tmp_path: Path) -> None:
    """The caller does not wait for a slow sink; what waits goes together."""
    async with backend([{"path": "/e", "delay": 0.2}]) as stub:
        prepare(tmp_path / "home", f"http://127.0.0.1:{stub.port}/e")
        async with integrator(tmp_path / "home") as running:
            await publish(running, range(8))

            def arrived() -> list[int]:
                return [event["payloadData"]["n"] for seen in stub.seen for event in json.loads(seen.body)]

            assert len(arrived()) < 8
            await eventually(lambda: arrived() == list(range(8)))
            assert len(stub.seen) < 8
            first = json.loads(stub.seen[0].body)[0]
            assert (first["streamName"], first["streamVersion"], first["metaData"]) == ("stream", "1.0.0", {})


async def test_a_full_queue_drops_events_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Memory is bounded; after the timeout of the mediator the flow goes on without the event."""
    monkeypatch.setattr(events, "QUEUE", 2)
    async with backend([{"path": "/e", "delay": 0.6}]) as stub:
        prepare(tmp_path / "home", f"http://127.0.0.1:{stub.port}/e")
        async with integrator(tmp_path / "home") as running:
            await publish(running, range(1))
            await eventually(lambda: stub.seen)
            await publish(running, range(1, 4))
            assert "event sink s: no room, 1 events dropped so far" in caplog.text


async def test_events_go_to_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A sink with log: needs no server."""
    caplog.set_level(logging.INFO, "integrator.events")
    prepare(tmp_path / "home", "log:")
    async with integrator(tmp_path / "home") as running:
        await publish(running, range(1))
        await eventually(lambda: '"payloadData":{"n":0}' in caplog.text)
