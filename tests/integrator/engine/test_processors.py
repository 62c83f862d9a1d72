"""Message processors: each parameter does what it says (reference 5.10). Rounds are run by hand, so nothing waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from integrator.engine.processors import Outcome
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api
from tests.integrator.engine.harness import Backend, Running, backend, eventually, integrator, write

IMPL = "org.apache.synapse.message.processor.impl"
FORWARD = f"{IMPL}.forwarder.ScheduledMessageForwardingProcessor"
SAMPLE = f"{IMPL}.sampler.SamplingProcessor"
FAILOVER = f"{IMPL}.failover.FailoverScheduledMessageForwardingProcessor"
IN = (
    '<property name="OUT_ONLY" expression="$url:out" /><property name="target.endpoint" expression="$url:to"/>'
    '<property name="REST_URL_POSTFIX" scope="axis2" action="remove"/><store messageStore="s"/>'
    '<payloadFactory media-type="text"><format>kept</format><args/></payloadFactory><respond/>'
)
QUIET = "<suspendOnFailure><errorCodes>-1</errorCodes></suspendOnFailure>"


def processor(kind: str, parameters: dict[str, Any], more: str = 'messageStore="s" targetEndpoint="e"') -> str:
    """A processor artifact."""
    inner = "".join(f'<parameter name="{name}">{value}</parameter>' for name, value in parameters.items())
    return f'<messageProcessor {NS} name="p" class="{kind}" {more}>{inner}</messageProcessor>'


@dataclass
class Stage:
    """A running integrator with a store and a processor."""

    running: Running
    stub: Backend

    async def store(self, *texts: str, query: str = "") -> None:
        """Put messages into the store."""
        for text in texts:
            answer = await self.running.call("POST", f"/in{query}", {"content-type": "text/plain"}, text.encode())
            assert answer.body == b"kept"

    async def round(self) -> Outcome:
        """One round of the processor."""
        return await self.running.service.engine.process_once("p")

    async def results(self, count: int) -> list[str]:
        """Results of some rounds."""
        return [(await self.round()).result for _ in range(count)]

    async def sizes(self, *names: str) -> list[int]:
        """Messages in stores."""
        return [await self.running.service.engine.deployment.stores[name].size() for name in names]

    def seen(self) -> list[str]:
        """What the endpoints got."""
        return [f"{seen.target} {seen.body.decode()}" for seen in self.stub.seen]


@asynccontextmanager
async def stage(
    tmp_path: Path, text: str, answers: list[dict[str, Any]] | None = None, **more: Any
) -> AsyncIterator[Stage]:
    """Artifacts around a processor: stores s and s2, endpoints e and other, sequences that tell the backend of themselves."""
    home = tmp_path / "home"
    async with backend(
        [*(answers or []), {"status": 200, "headers": {"content-type": "text/plain"}, "body": "reply"}]
    ) as stub:
        for name in ("s", "s2"):
            write(home, "message-stores", name, f'<messageStore {NS} name="{name}"/>')
        write(home, "api", "in", api("in", IN))
        for name in ("e", "other", "told"):
            uri = f"http://127.0.0.1:{stub.port}/{name}"
            write(
                home,
                "endpoints",
                name,
                f'<endpoint {NS} name="{name}"><address uri="{uri}">{QUIET}</address></endpoint>',
            )
        for name in ("reply", "fault_seq", "off", "sampled"):
            filled = f'<format>{name}: $1</format><args><arg expression="string($body)"/></args>'
            shown = f'<payloadFactory media-type="text">{filled}</payloadFactory>'
            write(
                home,
                "sequences",
                name,
                f'<sequence {NS} name="{name}">{shown}<call><endpoint key="told"/></call></sequence>',
            )
        write(home, "message-processors", "p", text)
        async with integrator(home, scheduler="none", **more) as running:
            assert [str(error) for error in running.service.engine.deployment.errors] == []
            yield Stage(running, stub)


@covers("processor.forwarding", "processor.param.reply.sequence", "processor.param.interval")
async def test_forwarding(tmp_path: Path) -> None:
    """In order, removed when delivered, the reply runs its sequence; OUT_ONLY asks for none; a message may name its endpoint."""
    async with stage(
        tmp_path, processor(FORWARD, {"interval": 2500, "message.processor.reply.sequence": "reply"})
    ) as on:
        await on.store("1", "2")
        await on.store("3", query="?to=other")
        await on.store("4", query="?out=true")
        outcomes = [await on.round() for _ in range(5)]
        assert [(one.result, one.next_s) for one in outcomes] == [("delivered", 2.5)] * 4 + [("idle", 2.5)]
        assert on.seen() == [
            "/e 1",
            "/told reply: reply",
            "/e 2",
            "/told reply: reply",
            "/other 3",
            "/told reply: reply",
            "/e 4",
        ]
        assert await on.sizes("s") == [0]


async def test_endpoint_of_the_message(tmp_path: Path) -> None:
    """Without targetEndpoint each message names its endpoint; one that does not is a failed attempt."""
    async with stage(tmp_path, processor(FORWARD, {"max.delivery.attempts": 1}, 'messageStore="s"')) as on:
        await on.store("1", query="?to=other")
        await on.store("2")
        assert await on.results(2) == ["delivered", "deactivated"]
        assert on.seen() == ["/other 1"]


@covers(
    "processor.param.client.retry.interval",
    "processor.param.max.delivery.attempts",
    "processor.param.fault.sequence",
    "processor.param.deactivate.sequence",
)
async def test_attempts(tmp_path: Path) -> None:
    """Head-of-line: the same message again after the retry interval; each failure is told; after the last one it is off."""
    parameters = {
        "client.retry.interval": 700,
        "max.delivery.attempts": 2,
        "message.processor.fault.sequence": "fault_seq",
        "message.processor.deactivate.sequence": "off",
    }
    async with stage(tmp_path, processor(FORWARD, parameters), [{"path": "/e", "status": 503}]) as on:
        await on.store("1", "2")
        first = await on.round()
        assert (first.result, first.next_s) == ("retry", 0.7)
        assert await on.results(2) == ["deactivated", "inactive"]
        assert on.seen() == ["/e 1", "/told fault_seq: 1", "/e 1", "/told fault_seq: 1", "/told off: 1"]
        assert await on.sizes("s") == [2]


@pytest.mark.parametrize(
    ("parameters", "result", "sizes"),
    [
        ({"max.delivery.drop": "Enabled"}, "dropped", [1, 0]),
        ({"message.processor.failMessagesStore": "s2"}, "moved", [1, 1]),
    ],
)
@covers("processor.param.max.delivery.drop", "processor.param.failMessagesStore")
async def test_last_attempt(tmp_path: Path, parameters: dict[str, str], result: str, sizes: list[int]) -> None:
    """Drop it, or move it to another store, and go on with the next message."""
    text = processor(FORWARD, {"max.delivery.attempts": 1, **parameters})
    async with stage(tmp_path, text, [{"path": "/e", "status": 500}]) as on:
        await on.store("1", "2")
        assert await on.results(1) == [result]
        assert await on.sizes("s", "s2") == sizes


@covers("processor.param.non.retry.status.codes")
async def test_codes_that_are_no_failure(tmp_path: Path) -> None:
    """Listed answers of the endpoint count as delivered."""
    answers = [{"path": "/e", "status": 409}, {"path": "/other", "status": 410}]
    async with stage(tmp_path, processor(FORWARD, {"non.retry.status.codes": "404,409"}), answers) as on:
        await on.store("1")
        await on.store("2", query="?to=other")
        assert await on.results(2) == ["delivered", "retry"]


@covers("processor.param.is.active")
async def test_starts_switched_off(tmp_path: Path) -> None:
    """is.active=false: nothing is taken until somebody switches it on."""
    async with stage(tmp_path, processor(FORWARD, {"is.active": "false"})) as on:
        await on.store("1")
        assert await on.results(1) == ["inactive"]
        text = processor(FORWARD, {})
        write(on.running.settings.home, "message-processors", "p", text)
        await eventually(lambda: on.running.service.engine.deployment.processors["p"].active)
        assert await on.results(1) == ["delivered"]


@covers("processor.param.member.count", "processor.param.concurrency", "processor.sampling")
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [(FORWARD, {"member.count": 2}), (SAMPLE, {"sequence": "sampled", "concurrency": 2})],
)
async def test_how_many_a_round(tmp_path: Path, kind: str, parameters: dict[str, Any]) -> None:
    """member.count and concurrency say how many messages a round takes; a sampling processor runs its sequence with each."""
    async with stage(tmp_path, processor(kind, parameters)) as on:
        await on.store("1", "2", "3")
        assert await on.results(1) == ["delivered"]
        assert on.seen() == (["/e 1", "/e 2"] if kind == FORWARD else ["/told sampled: 1", "/told sampled: 2"])
        assert await on.sizes("s") == [1]


@covers("processor.param.cronExpression", "processor.param.throttle")
async def test_cron(tmp_path: Path) -> None:
    """With a cron expression what waits is worked off with the throttle's pause; then the next moment is waited for."""
    parameters = {"cronExpression": "0 0 0 1 1 ? 2199", "throttle.interval": 200}
    async with stage(tmp_path, processor(FORWARD, parameters)) as on:
        await on.store("1", "2")
        outcomes = [await on.round() for _ in range(3)]
        assert [(one.result, one.next_s) for one in outcomes] == [
            ("delivered", 0.2),
            ("delivered", 0.2),
            ("idle", 86_400.0),
        ]
        text = processor(FORWARD, parameters | {"throttle": "false"})
        write(on.running.settings.home, "message-processors", "p", text)
        await eventually(lambda: on.running.service.engine.deployment.processors["p"].throttle_s == 0)
        await on.store("3")
        assert (await on.round()).next_s == 0.0


@covers("processor.failover", "processor.param.target-store")
async def test_moves_to_another_store(tmp_path: Path) -> None:
    """Messages go to the target store; while that is not there the head stays and is tried again."""
    text = processor(FAILOVER, {"message.target.store.name": "s2"}, 'messageStore="s"')
    async with stage(tmp_path, text) as on:
        await on.store("1", "2")
        assert await on.results(3) == ["delivered", "delivered", "idle"]
        assert await on.sizes("s", "s2") == [0, 2]
        missing = {
            "message.target.store.name": "none",
            "max.delivery.attempts": 2,
            "message.processor.fault.sequence": "fault_seq",
        }
        write(on.running.settings.home, "message-processors", "p", processor(FAILOVER, missing, 'messageStore="s"'))
        await eventually(lambda: on.running.service.engine.deployment.processors["p"].max_attempts == 2)
        await on.store("3")
        assert await on.results(3) == ["retry", "deactivated", "inactive"]
        assert await on.sizes("s") == [1] and on.seen() == ["/told fault_seq: 3"] * 2


async def test_a_store_that_is_gone(tmp_path: Path) -> None:
    """max.store.connection.attempts: tried so often, then off."""
    parameters = {"max.store.connection.attempts": 2, "store.connection.retry.interval": 300}
    async with stage(tmp_path, processor(FORWARD, parameters, 'messageStore="gone" targetEndpoint="e"')) as on:
        kind = "org.apache.synapse.message.store.impl.jdbc.JDBCMessageStore"
        url = '<parameter name="store.jdbc.connection.url">jdbc:sqlite:/nowhere/at/all.db</parameter>'
        write(
            on.running.settings.home,
            "message-stores",
            "gone",
            f'<messageStore {NS} name="gone" class="{kind}">{url}</messageStore>',
        )
        await eventually(lambda: "gone" in on.running.service.engine.deployment.stores)
        first = await on.round()
        assert (first.result, first.next_s) == ("unreachable", 0.3)
        assert await on.results(2) == ["deactivated", "inactive"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (processor("com.acme.Own", {}), "attribute class='com.acme.Own': allowed are classes"),
        (processor(FORWARD, {}, 'targetEndpoint="e"'), "attribute 'messageStore' is required"),
        (processor(SAMPLE, {}), "parameter 'sequence' is required"),
        (processor(FAILOVER, {}), "parameter 'message.target.store.name' is required"),
        (processor(FORWARD, {"interval": "soon"}), "parameter interval 'soon': a whole number"),
        (processor(FORWARD, {"interval": -5}), "parameter interval='-5': 0 or more"),
        (processor(FORWARD, {"cronExpression": "x"}), "parameter cronExpression: cron 'x'"),
        (processor(FORWARD, {"member.count": 0}), "parameter member.count='0': 1 or more"),
    ],
)
async def test_refused(tmp_path: Path, text: str, reason: str) -> None:
    """Wrong parameters refuse the processor with its file and line."""
    write(tmp_path / "home", "message-processors", "p", text)
    async with integrator(tmp_path / "home", scheduler="none") as running:
        (error,) = running.service.engine.deployment.errors
        assert "message-processors/p.xml:1 <messageProcessor>" in str(error) and reason in str(error)
