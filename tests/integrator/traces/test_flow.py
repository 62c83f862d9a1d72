"""What a trace says of a flow: each step with what it changed, called and how it ended; branches nested."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from integrator.engine.message import Message
from integrator.engine.services import rest
from tests.integrator.coverage import covers
from tests.integrator.traces.world import SYNAPSE, api, labels, steps, world

CALL = '<call><endpoint name="Back"><http method="post" uri-template="{backend}/b?api_key=geheim1"/></endpoint></call>'


@covers("obs.trace")
async def test_steps_tell_what_they_changed(tmp_path: Path) -> None:
    """Properties, headers and the body before and after; file, line and path; endpoint, status and time; the outcome."""
    flow = (
        '\n<property name="n" value="1"/>\n<property name="n" value="2"/>\n<header name="X-A" value="b" scope="transport"/>'
        '<payloadFactory media-type="json"><format>{"new": true}</format><args/></payloadFactory>'
        f"{CALL}<respond/>"
    )
    async with world(tmp_path, {("api", "orders"): api(flow)}) as running:
        answer = await running.call(body=b'{"old": 1}')
        trace = await running.newest()
    first, second, header, factory, call, respond = steps(trace["flow"])
    assert (answer.status, trace["outcome"], trace["status"], trace["artifact"]) == (200, "ok", 200, "api:orders")
    assert trace["correlationId"] == answer.headers["activityid"]
    assert trace["steps"] == 6
    assert first["changes"] == [{"scope": "property", "name": "n", "before": None, "after": "1"}]
    assert second["changes"] == [{"scope": "property", "name": "n", "before": "1", "after": "2"}]
    assert {"scope": "header", "name": "x-a", "before": None, "after": "b"} in header["changes"]
    assert (second["line"], second["path"]) == (3, "api orders → /* inSequence → property[2]")
    assert second["file"].endswith("api/orders.xml")
    assert (trace["bodies"][factory["before"]]["text"], trace["bodies"][factory["after"]]["text"]) == (
        '{"old": 1}',
        '{"new": true}',
    )
    assert trace["bodies"][call["after"]]["text"] == '{"a":1}'
    (sent,) = call["calls"]
    assert (sent["method"], sent["status"], sent["error"]) == ("POST", 200, "")
    assert sent["url"].endswith("/b?api_key=***")
    assert 0 < sent["durationMs"] <= call["durationMs"] <= trace["durationMs"]
    assert [step["outcome"] for step in steps(trace["flow"])] == ["ok"] * 5 + ["ended"]
    assert respond["before"] == respond["after"]


async def test_branches_are_nested(tmp_path: Path) -> None:
    """Conditions, called sequences and templates, foreach, and the copies of iterate with what goes on in each."""
    template = f'<template {SYNAPSE} name="T"><sequence><log level="custom"/></sequence></template>'
    sequence = (
        f'<sequence {SYNAPSE} name="S"><iterate expression="json-eval($.items)" continueParent="true" sequential="true">'
        f'<target><sequence>{CALL}<log level="custom"/></sequence></target></iterate></sequence>'
    )
    flow = (
        '<filter xpath="true()"><then><call-template target="T"/></then></filter>'
        '<foreach expression="json-eval($.items)"><sequence><property name="x" value="y"/></sequence></foreach>'
        '<sequence key="S"/><respond/>'
    )
    artifacts = {("api", "orders"): api(flow), ("templates", "T"): template, ("sequences", "S"): sequence}
    async with world(tmp_path, artifacts) as running:
        await running.call(body=b'{"items": [1, 2]}')
        shape = labels((await running.newest())["flow"])
    copy = [["target", "call", "log"]]
    assert shape == [
        "api orders",
        [
            "/* inSequence",
            ["filter", ["then", ["call-template", ["template T", "log"]]]],
            ["foreach", ["foreach", "property"], ["foreach", "property"]],
            [
                "sequence",
                [
                    "sequence S",
                    ["iterate", ["copy 1", *copy, ["sequence S"], REST], ["copy 2", *copy, ["sequence S"], REST]],
                ],
            ],
            "respond",
        ],
    ]


REST = ["/* inSequence", "respond"]
"""A copy that called goes on behind the step that made it, as in the original."""


@covers("obs.errors")
async def test_a_fault_tells_its_path(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The step that failed is marked with code, message, place and path; the log line has path and correlation id."""
    wrong = '<property name="n" type="INTEGER" expression="string(\'x\')"/>'
    flow = f'<filter xpath="true()"><then><log level="custom"/>{wrong}</then></filter>'
    artifacts = {("api", "orders"): api(flow, fault='<property name="d" expression="$ctx:ERROR_DETAIL"/><respond/>')}
    logging.getLogger("integrator.mediation").addHandler(caplog.handler)
    async with world(tmp_path, artifacts) as running:
        with caplog.at_level(logging.ERROR, "integrator"):
            answer = await running.call(activityid="here-is-an-id")
        trace = await running.newest()
    path = "api orders → /* inSequence → filter → then → property"
    failed = [step for step in steps(trace["flow"]) if step["error"]]
    assert [step["element"] for step in failed] == ["property"]
    assert failed[0]["error"]["path"] == path == trace["error"]["path"]
    assert failed[0]["error"]["place"].endswith("api/orders.xml:1 <property>")
    assert trace["outcome"] == "failed"
    assert labels(trace["flow"])[-1][0] == "/* faultSequence"
    assert trace["flow"]["groups"][-1]["fault"] is True
    detail = next(step for step in steps(trace["flow"]["groups"][-1]))["changes"][0]
    assert f"in {path}" in detail["after"]
    logging.getLogger("integrator.mediation").removeHandler(caplog.handler)
    line = next(record for record in caplog.records if "api:orders failed" in record.getMessage())
    assert line.getMessage().endswith(f" in {path}")
    assert line.correlation_id == "here-is-an-id" == answer.headers["activityid"]


async def test_a_call_that_fails(tmp_path: Path) -> None:
    """No answer: the call has no status but a reason."""
    flow = '<call><endpoint><address uri="http://127.0.0.1:1/x"/></endpoint></call>'
    async with world(tmp_path, {("api", "orders"): api(flow)}) as running:
        await running.call()
        (step, *_) = steps((await running.newest())["flow"])
    assert (step["outcome"], step["calls"][0]["status"]) == ("failed", 0)
    assert step["calls"][0]["error"]
    assert step["error"]["code"] == 101503


@pytest.mark.parametrize(
    "secret",
    [
        ("authorization", "Bearer 0123456789abcdef"),
        ("cookie", "id=0123456789abcdef"),
        ("x-api-key", "0123456789abcdef"),
    ],
    ids=["authorization", "cookie", "api-key"],
)
async def test_secrets_are_masked(tmp_path: Path, secret: tuple[str, str]) -> None:
    """Headers, properties, fields of bodies, addresses, configuration, copies under another name: no secret is in a trace."""
    flow = (
        '<property name="dbPassword" value="0123456789abcdef"/><property name="h" expression="$trp:' + secret[0] + '"/>'
        f"{CALL}<respond/>"
    )
    body = b'{"user": "u", "password": "0123456789abcdef", "nested": {"clientSecret": "0123456789abcdef"}}'
    async with world(tmp_path, {("api", "orders"): api(flow)}) as running:
        await running.call("/orders/1?token=0123456789abcdef", body, **{secret[0].replace("-", "_"): secret[1]})
        text = str(await running.newest())
    assert "geheim1" not in text
    assert '"user": "u"' in text
    assert "0123456789abcdef" not in text


async def test_an_untraced_message_is_a_plain_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a rule nothing on the path knows of traces: the message is a Message, its chains have no other variant."""
    seen: list[Any] = []
    plain = rest.Resource.accepts

    def accepts(self: rest.Resource, method: str, message: Message) -> str:
        seen.append(message)
        return plain(self, method, message)

    monkeypatch.setattr(rest.Resource, "accepts", accepts)
    async with world(tmp_path, {("api", "orders"): api("<respond/>", trace=False)}) as running:
        await running.call()
        deployment = running.running.service.engine.deployment
        chain = deployment.apis[0].resources[0].compiled.incoming
        assert (await running.traces(), deployment.runtime.tracing.active) == ([], False)
    assert [type(message) for message in seen] == [Message]
    assert chain is not None
    assert chain.traced is None
