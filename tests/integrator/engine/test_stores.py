"""Stores, processors and tasks: nothing acknowledged is lost, and each outcome is the promised one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from integrator.engine import open_home
from integrator.engine.stores import redis as redis_module
from integrator.engine.stores.base import Store
from integrator.engine.stores.memory import MemoryStore
from integrator.engine.stores.redis import RedisStore
from integrator.settings import Settings
from tests.integrator.engine.harness import backend, eventually, integrator, write
from tests.support.redis_server import running_redis

NS = 'xmlns="http://ws.apache.org/ns/synapse"'
STORE = f'<messageStore {NS} name="s"/>'
API = (
    f'<api {NS} name="in" context="/in"><resource methods="POST"><inSequence><property name="k" value="v"/>'
    '<store messageStore="s"/><payloadFactory media-type="json"><format>{"ok":true}</format><args/></payloadFactory>'
    "<respond/></inSequence></resource></api>"
)
FORWARD = "org.apache.synapse.message.processor.impl.forwarder.ScheduledMessageForwardingProcessor"
SAMPLE = "org.apache.synapse.message.processor.impl.sampler.SamplingProcessor"


def processor(parameters: dict[str, str], kind: str = FORWARD) -> str:
    """A processor artifact."""
    inner = "".join(f'<parameter name="{name}">{value}</parameter>' for name, value in parameters.items())
    target = ' targetEndpoint="e"' if kind == FORWARD else ""
    return f'<messageProcessor {NS} name="p" class="{kind}" messageStore="s"{target}>{inner}</messageProcessor>'


def endpoint(port: int) -> str:
    """An endpoint that is never suspended."""
    quiet = "<suspendOnFailure><errorCodes>-1</errorCodes></suspendOnFailure>"
    return f'<endpoint {NS} name="e"><address uri="http://127.0.0.1:{port}/out">{quiet}</address></endpoint>'


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this module."""
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> Store:
    """Each implementation."""
    if request.param == "memory":
        yield MemoryStore("a")
        return
    client = Redis.from_url(request.getfixturevalue("redis_url"))
    yield RedisStore("a", client, f"test:{id(request)}")
    await client.aclose()


async def test_contract(store: Store) -> None:
    """First in, first out; one holder; only an acknowledged message leaves."""
    for data in (b"1", b"2"):
        await store.put(data)
    held = await store.reserve()
    assert held and held.data == b"1"
    assert await store.reserve() is None
    await store.release(held)
    again = await store.reserve()
    assert again and again.data == b"1"
    await store.ack(held)  # a hold that was given up acknowledges nothing
    assert await store.size() == 2
    await store.ack(again)
    assert await store.size() == 1
    last = await store.reserve()
    assert last and last.data == b"2"
    await store.ack(last)
    assert await store.reserve() is None


async def test_a_dead_consumer_loses_its_hold(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the lease another consumer gets the same message."""
    monkeypatch.setattr(redis_module, "LEASE_MS", 100)
    client = Redis.from_url(redis_url)
    store = RedisStore("dead", client, "test")
    await store.put(b"m")
    assert await store.reserve()
    again = await eventually(store.reserve)
    assert again.data == b"m"
    await client.aclose()


async def test_a_lost_connection_loses_no_message(redis_url: str) -> None:
    """What an integrator has pooled when Redis restarts is dead; the next message is stored all the same."""
    shared, admin = redis_module.Shared(redis_url, "lost"), Redis.from_url(redis_url)
    store = shared.store("lost")
    await store.put(b"1")
    await admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await store.put(b"2")
    assert await store.size() == 2
    await shared.close()
    await admin.aclose()


@pytest.mark.parametrize("durable", [False, True])
async def test_store_and_forward(tmp_path: Path, redis_url: str, durable: bool) -> None:
    """A stored message reaches the endpoint, with its headers and body, when the endpoint recovers."""
    home = tmp_path / "home"
    async with backend([{"path": "/out", "status": 500}]) as stub:
        write(home, "message-stores", "s", STORE)
        write(home, "api", "in", API)
        write(home, "endpoints", "e", endpoint(stub.port))
        write(
            home,
            "message-processors",
            "p",
            processor({"interval": "50", "client.retry.interval": "50", "max.delivery.attempts": "-1"}),
        )
        async with integrator(home, redis_url=redis_url if durable else "") as running:
            answer = await running.call("POST", "/in", {"content-type": "application/json", "x-h": "1"}, b'{"a": 1.0}')
            assert json.loads(answer.body) == {"ok": True}
            await eventually(lambda: len(stub.seen) >= 2)
            stub.answers[0]["status"] = 202
            await eventually(lambda: running.service.engine.runtime and True)
            size = running.service.engine.deployment.stores["s"].size
            await eventually(lambda: _empty(size))
            seen = stub.seen[-1]
            assert (seen.method, seen.body, seen.headers["x-h"]) == ("POST", b'{"a": 1.0}', "1")
            count = len(stub.seen)
            await asyncio.sleep(0.15)
            assert len(stub.seen) == count


async def _empty(size) -> bool:
    return await size() == 0


async def test_attempts_and_deactivation(tmp_path: Path) -> None:
    """After the last attempt the processor is off, the message stays, and the deactivate sequence ran."""
    home = tmp_path / "home"
    async with backend([{"path": "/out", "status": 503}]) as stub:
        write(home, "message-stores", "s", STORE)
        write(home, "api", "in", API)
        write(home, "endpoints", "e", endpoint(stub.port))
        write(home, "message-processors", "p", processor({"interval": "3600000", "max.delivery.attempts": "2"}))
        async with integrator(home, scheduler="none") as running:
            engine = running.service.engine
            assert (await engine.process_once("p")).result == "idle"
            await running.call("POST", "/in", {"content-type": "text/plain"}, b"x")
            assert [(await engine.process_once("p")).result for _ in range(3)] == ["retry", "deactivated", "inactive"]
            assert await engine.deployment.stores["s"].size() == 1
            with pytest.raises(LookupError, match="deployed are p"):
                await engine.process_once("q")


@pytest.mark.parametrize(
    ("parameters", "result"),
    [({"max.delivery.drop": "Enabled"}, "dropped"), ({"message.processor.failMessagesStore": "s2"}, "moved")],
)
async def test_last_attempt(tmp_path: Path, parameters: dict[str, str], result: str) -> None:
    """Drop, or move to another store."""
    home = tmp_path / "home"
    write(home, "message-stores", "s", STORE)
    write(home, "message-stores", "s2", STORE.replace('"s"', '"s2"'))
    write(home, "api", "in", API)
    write(home, "message-processors", "p", processor({"max.delivery.attempts": "1", **parameters}))
    async with integrator(home, scheduler="none") as running:
        await running.call("POST", "/in", {"content-type": "text/plain"}, b"x")
        assert (await running.service.engine.process_once("p")).result == result
        sizes = [await running.service.engine.deployment.stores[name].size() for name in ("s", "s2")]
        assert sizes == [0, 1 if result == "moved" else 0]


async def test_sampling_and_reply(tmp_path: Path) -> None:
    """A sampling processor runs its sequence with the stored message."""
    home = tmp_path / "home"
    async with backend([{"path": "/out"}]) as stub:
        write(home, "message-stores", "s", STORE)
        write(home, "api", "in", API)
        write(home, "endpoints", "e", endpoint(stub.port))
        write(
            home,
            "sequences",
            "q",
            f'<sequence {NS} name="q"><property name="k" expression="$ctx:k" scope="transport"/><call><endpoint key="e"/></call></sequence>',  # noqa: E501
        )
        write(
            home,
            "message-processors",
            "p",
            processor({"interval": "3600000", "sequence": "q", "concurrency": "2"}, SAMPLE),
        )
        async with integrator(home, scheduler="none") as running:
            for text in (b"1", b"2", b"3"):
                await running.call("POST", "/in", {"content-type": "text/plain"}, text)
            assert (await running.service.engine.process_once("p")).result == "delivered"
            assert [seen.body for seen in stub.seen] == [b"1", b"2"]
            assert stub.seen[0].headers["k"] == "v"


def task(trigger: str) -> str:
    """A task that injects into sequence q."""
    properties = "".join(
        f'<property name="{name}" value="{value}"/>'
        for name, value in {"injectTo": "sequence", "sequenceName": "q"}.items()
    )
    message = '<property name="message"><m xmlns="">hi</m></property>'
    return f'<task {NS} name="k" class="org.apache.synapse.startup.tasks.MessageInjector">{trigger}{properties}{message}</task>'


async def test_task(tmp_path: Path) -> None:
    """A task with a count runs that often; from another process a home is opened and the same task run."""
    home = tmp_path / "home"
    async with backend([{"path": "/out"}]) as stub:
        write(home, "endpoints", "e", endpoint(stub.port))
        write(home, "sequences", "q", f'<sequence {NS} name="q"><call><endpoint key="e"/></call></sequence>')
        write(home, "tasks", "k", task('<trigger count="3" interval="50ms"/>'))
        async with integrator(home) as running:
            await eventually(lambda: len(stub.seen) == 3)
            await asyncio.sleep(0.2)
            assert [seen.body for seen in stub.seen] == [b'<m xmlns="">hi</m>'] * 3
            with pytest.raises(LookupError, match="deployed are k"):
                await running.service.engine.run_task("none")

        def elsewhere() -> None:
            with open_home(Settings(home=home, var=tmp_path, scheduler="celery")) as opened:
                opened.run_task("k")

        await asyncio.to_thread(elsewhere)
        assert len(stub.seen) == 4


@pytest.mark.parametrize(
    "trigger",
    [
        "",
        '<trigger cron="1 2"/>',
        '<trigger interval="x"/>',
        '<trigger cron="* * * * * ?" interval="1"/>',
        "<trigger/>",
    ],
)
async def test_wrong_triggers(tmp_path: Path, trigger: str) -> None:
    """A wrong trigger refuses the task."""
    home = tmp_path / "home"
    write(home, "tasks", "k", task(trigger))
    async with integrator(home) as running:
        assert "tasks/k.xml" in str(running.service.engine.deployment.errors[0])
