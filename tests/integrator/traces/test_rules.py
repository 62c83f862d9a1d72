"""Which messages are kept: rules of people, settings and artifacts; and how much is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integrator.engine.harness import eventually
from tests.integrator.traces.world import SYNAPSE, World, api, steps, world

OK, BAD = "<respond/>", '<property name="n" type="INTEGER" expression="string(\'x\')"/>'
PAIR = {
    ("api", "good"): api(OK, name="good", trace=False),
    ("api", "bad"): api(BAD, name="bad", trace=False),
    ("sequences", "S"): f'<sequence {SYNAPSE} name="S"><log level="custom"/></sequence>',
    ("api", "through"): api('<sequence key="S"/><respond/>', name="through", trace=False),
}


async def kept(running: World) -> list[tuple[str, str]]:
    """Artifact and reason of all traces, oldest first."""
    return [(trace["artifact"], trace["reason"]) for trace in reversed(await running.traces())]


RULES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"rate": 1}, [("api:good", "every message"), ("api:bad", "every message"), ("api:through", "every message")]),
    ({"rate": 0}, []),
    ({"artifact": "api:bad"}, [("api:bad", "trace of api:bad")]),
    ({"artifact": "sequence:S"}, [("api:through", "trace of sequence:S")]),
    ({"header": "X-Debug"}, [("api:good", "header X-Debug")]),
    ({"header": "X-Debug", "value": "other"}, []),
    ({"correlationId": "id-2"}, [("api:bad", "correlation id")]),
    ({"faults": True}, [("api:bad", "it failed")]),
    ({"faults": True, "artifact": "api:good"}, []),
    ({"slowerMs": 60_000}, []),
    ({"count": 2}, [("api:good", "every message"), ("api:bad", "every message")]),
]


@pytest.mark.parametrize(
    ("rule", "expected"), RULES, ids=[" ".join(f"{k}={v}" for k, v in rule.items()) for rule, _ in RULES]
)
async def test_a_rule_keeps_what_matches(tmp_path: Path, rule: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """Three messages, one rule; a removed rule keeps nothing more."""
    async with world(tmp_path, PAIR) as running:
        status, added = await running.manage("/traces/rules", "POST", rule)
        assert status == 200, added
        await running.call("/good/1", activityid="id-1", x_debug="yes")
        await running.call("/bad/1", activityid="id-2")
        await running.call("/through/1", activityid="id-3")
        assert await kept(running) == expected
        if not rule.get("count"):
            listed = (await running.manage("/traces/rules"))[1]
            assert [item["id"] for item in listed["list"]] == [added["id"]]
            assert (await running.manage(f"/traces/rules/{added['id']}", "DELETE"))[0] == 200
        assert (await running.manage("/traces/rules"))[1]["count"] == 0
        await running.call("/bad/1", activityid="id-2", x_debug="yes")
        assert await kept(running) == expected


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"rate": 2}, "rate=2.0: a number from 0 to 1"),
        ({"artifact": "orders"}, "KIND:NAME"),
        ({"artifact": "thing:t"}, "a kind of api, proxy"),
        ({"nothing": 1}, "'nothing' is not known; allowed are artifact"),
        ({"faults": "yes"}, "faults='yes': bool is expected"),
        ({"value": "x"}, "value needs header"),
        ([], "a JSON object is expected"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_wrong_rule_is_refused(tmp_path: Path, rule: Any, told: str) -> None:
    """The answer names key, value and what is allowed."""
    async with world(tmp_path, {}) as running:
        status, answer = await running.manage("/traces/rules", "POST", rule)
    assert status == 400
    assert told in answer["Error"]


async def test_the_switch_of_an_artifact(tmp_path: Path) -> None:
    """`trace` of the management API switches an API's traces on and off while it runs, also what the artifact says."""
    artifacts = {("api", "good"): api(OK, name="good", trace=False), ("api", "orders"): api(OK)}
    async with world(tmp_path, artifacts) as running:
        for name, turn in (("good", "enable"), ("orders", "disable")):
            status, _ = await running.manage("/apis", "POST", {"name": name, "trace": turn})
            assert status == 200
        await running.call("/good/1")
        await running.call("/orders/1")
        assert await kept(running) == [("api:good", "trace of api:good")]


async def test_settings_of_the_home(tmp_path: Path) -> None:
    """[[tracing.rule]] holds from the start; bounds of number and payload hold too, and the size is told."""
    settings = '[tracing]\nmax_traces = 2\npayload_bytes = 10\n[[tracing.rule]]\nartifact = "api:good"\n'
    async with world(tmp_path, PAIR, settings=settings) as running:
        for number in range(4):
            await running.call(f"/good/{number}", b'{"long": "0123456789"}')
        await running.call("/bad/1")
        listed = await running.traces()
        trace = await running.newest()
        _, found = await running.manage("/traces")
    assert [item["target"] for item in listed] == ["/good/3", "/good/2"]
    assert trace["bodies"][0] == {
        "text": '{"long": "',
        "contentType": "application/json",
        "size": 22,
        "cut": True,
        "note": "",
    }
    assert (found["kept"]["count"], found["kept"]["maxCount"]) == (2, 2)


async def test_bytes_are_bounded(tmp_path: Path) -> None:
    """Old traces go when the new ones need their room; the newest always stays."""
    settings = "[tracing]\nmax_bytes = 40000\n[[tracing.rule]]\nrate = 1.0\n"
    async with world(tmp_path, PAIR, settings=settings) as running:
        for number in range(8):
            await running.call(f"/good/{number}", b'"' + b"x" * 20_000 + b'"')
        _, found = await running.manage("/traces")
    assert 1 <= found["kept"]["count"] < 3
    assert found["list"][0]["target"] == "/good/7"
    assert found["kept"]["bytes"] <= 60_000


async def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    """The file is named; the integrator runs with what it had."""
    async with world(tmp_path, PAIR, settings="[tracing]\nmax_traces = 0\n") as running:
        errors = [str(error) for error in running.running.service.engine.deployment.errors]
    assert errors == ["conf/deployment.toml <tracing>: max_traces=0: a whole number above 0 is expected"]


async def test_many_steps_are_bounded(tmp_path: Path) -> None:
    """A flow of more steps than are kept runs to its end; what is left out is told."""
    flow = '<foreach expression="json-eval($.items)"><sequence><property name="x" value="y"/></sequence></foreach><respond/>'
    async with world(tmp_path, {("api", "orders"): api(flow)}) as running:
        answer = await running.call(body=b'{"items": [' + b",".join([b"1"] * 1500) + b"]}")
        trace = await running.newest()
    assert answer.status == 200
    assert trace["leftOut"] > 0
    assert len(list(steps(trace["flow"]))) <= 2000


async def test_listing_and_forgetting(tmp_path: Path) -> None:
    """Filters by artifact, outcome, status and text; one trace or all are forgotten."""
    async with world(tmp_path, PAIR, settings="[[tracing.rule]]\nrate = 1.0\n") as running:
        await running.call("/good/1")
        await running.call("/bad/2")

        async def targets(query: str) -> list[str]:
            return [item["target"] for item in await running.traces(query)]

        assert await targets("?artifact=GOOD") == ["/good/1"]
        assert await targets("?outcome=failed") == ["/bad/2"]
        assert await targets("?status=5xx") == ["/bad/2"]
        assert await targets("?status=200") == ["/good/1"]
        assert await targets("?search=bad/2") == ["/bad/2"]
        assert await targets("?limit=1") == ["/bad/2"]
        assert (await running.manage("/traces?limit=0"))[0] == 400
        first = (await running.traces())[0]["id"]
        assert (await running.manage(f"/traces/{first}", "DELETE"))[0] == 200
        assert (await running.manage(f"/traces/{first}"))[0] == 404
        assert (await running.manage("/traces", "DELETE"))[0] == 200
        assert await targets("") == []


async def test_only_administrators(tmp_path: Path) -> None:
    """Payloads may be personal: others are refused every part of it."""
    async with world(tmp_path, PAIR) as running:
        for path, method in (
            ("/traces", "GET"),
            ("/traces/x", "GET"),
            ("/traces/rules", "POST"),
            ("/traces/try", "POST"),
        ):
            status, _ = await running.manage(path, method, {}, user="bob:other-password")
            assert status == 403, path


async def test_trying_a_request(tmp_path: Path) -> None:
    """The integrator sends the request to itself, answers with what came, and with the trace of just that message."""
    async with world(tmp_path, PAIR) as running:
        request = {"method": "POST", "path": "/good/7?x=1", "headers": {"content-type": "text/plain"}, "body": "hello"}
        status, found = await running.manage("/traces/try", "POST", request)
        assert (status, found["status"], found["body"]) == (200, 200, "hello")
        _, trace = await running.manage(f"/traces/{found['trace']}")
        assert (trace["target"], trace["reason"]) == ("/good/7?x=1", "tried from the page")
        for wrong in (
            *({"path": "http://elsewhere/"}, {"path": "/x", "method": "BREW"}, {"path": "/a b"}, {"path": 7}),
            *({"path": "/x", "headers": {"a": "b\r\nc: d"}}, {"path": "/x", "headers": {"a\n": "b"}}),
            *(
                {"path": "/x", "headers": {"Content-Length": "1"}},
                {"path": "/x", "headers": []},
                {"path": "/x", "body": 1},
            ),
        ):
            assert (await running.manage("/traces/try", "POST", wrong))[0] == 400, wrong
        assert (await running.manage("/traces/rules"))[1]["count"] == 0


async def test_messages_without_a_caller(tmp_path: Path) -> None:
    """Messages of tasks and message processors are traced too, with what a processor sends outside any step."""
    store = f'<messageStore {SYNAPSE} name="M" class="org.apache.synapse.message.store.impl.memory.InMemoryStore"/>'
    processor = (
        f'<messageProcessor {SYNAPSE} name="P" messageStore="M" targetEndpoint="Back" '
        'class="org.apache.synapse.message.processor.impl.forwarder.ScheduledMessageForwardingProcessor">'
        '<parameter name="interval">50</parameter></messageProcessor>'
    )
    artifacts = {
        ("message-stores", "M"): store,
        ("message-processors", "P"): processor,
        (
            "endpoints",
            "Back",
        ): f'<endpoint {SYNAPSE} name="Back"><http method="post" uri-template="{{backend}}/b"/></endpoint>',
        ("api", "in"): api('<store messageStore="M"/><respond/>', name="in", trace=False),
    }
    async with world(tmp_path, artifacts) as running:
        await running.manage("/traces/rules", "POST", {"artifact": "message-processor:P"})
        await running.call("/in/1", b"{}")

        async def found() -> list[tuple[str, str]]:
            return await kept(running)

        assert await eventually(found) == [("message-processor:P", "trace of message-processor:P")]
        trace = await running.newest()
    (sent,) = steps(trace["flow"])
    assert (sent["element"], sent["outcome"], sent["calls"][0]["status"]) == ("endpoint", "ok", 200)


async def test_the_endpoint_of_a_proxy(tmp_path: Path) -> None:
    """What a proxy without an inSequence sends is in its trace."""
    target = '<target><endpoint><address uri="{backend}/b"/></endpoint></target>'
    proxy = f'<proxy {SYNAPSE} name="P" trace="enable">{target}</proxy>'
    async with world(tmp_path, {("proxy-services", "P"): proxy}) as running:
        answer = await running.call("/services/P", b"<a/>", content_type="application/xml")
        trace = await running.newest()
    assert (answer.status, trace["artifact"]) == (200, "proxy:P")
    assert [step["calls"][0]["status"] for step in steps(trace["flow"])] == [200]
