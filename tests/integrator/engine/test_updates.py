"""Updates and stops: what is in flight ends on what it began with; what cannot be deployed leaves what ran (reference 1.8)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from integrator.engine.deploy.loaded import scan
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api, car, put, text_api
from tests.integrator.engine.harness import SERVER, Backend, Running, backend, eventually, integrator, write
from wire.client import Client


async def arrived(stub: Backend, count: int) -> None:
    """Wait until the backend has got so many requests."""
    await eventually(lambda: len(stub.seen) == count)


@covers("deploy.update")
async def test_messages_in_flight(tmp_path: Path) -> None:
    """A message that waits for its backend while its API changes goes on with the old one; the next has the new one."""
    home = tmp_path / "home"
    async with backend([{"delay": 0.2, "headers": {"content-type": "text/plain"}, "body": "slow"}]) as stub:
        call = f'<call><endpoint><http method="GET" uri-template="http://127.0.0.1:{stub.port}/"/></endpoint></call>'
        say = '<payloadFactory media-type="text"><format>{}</format><args/></payloadFactory><respond/>'
        file = write(home, "api", "t", api("t", call + say.format("old")))
        async with integrator(home, scan_s=0.01) as running:
            waiting = asyncio.create_task(running.call("GET", "/t"))
            await arrived(stub, 1)
            file.write_text(text_api("t", "a new one"))
            await eventually(lambda: _says(running, b"a new one"))
            assert (await waiting).body == b"old"
            file.unlink()
            await eventually(lambda: not running.service.engine.deployment.apis)
            assert (await running.call("GET", "/t")).status == 404


async def _says(running: object, body: bytes) -> bool:
    return (await running.call("GET", "/t")).body == body  # type: ignore[attr-defined,no-any-return]


ARTIFACTS = {
    "sequences": ("sequence", '<sequence {ns} name="x"><log/></sequence>'),
    "endpoints": ("endpoint", '<endpoint {ns} name="x"><address uri="http://localhost:1"/></endpoint>'),
    "local-entries": ("localEntry", '<localEntry {ns} key="x">text</localEntry>'),
    "templates": ("template", '<template {ns} name="x"><sequence><log/></sequence></template>'),
    "proxy-services": ("proxy", '<proxy {ns} name="x"><target><inSequence><respond/></inSequence></target></proxy>'),
    "tasks": (
        "task",
        '<task {ns} name="x" class="org.apache.synapse.startup.tasks.MessageInjector"><trigger interval="3600" count="1"/>'
        '<property name="message" value="m"/></task>',
    ),
    "message-stores": ("messageStore", '<messageStore {ns} name="x"/>'),
    "message-processors": (
        "messageProcessor",
        '<messageProcessor {ns} name="x" class="a.SamplingProcessor" messageStore="s"><parameter name="sequence">q</parameter>'
        "</messageProcessor>",
    ),
    "api": (
        "api",
        '<api {ns} name="x" context="/x"><resource methods="GET"><inSequence><respond/></inSequence></resource></api>',
    ),
    "inbound-endpoints": (
        "inboundEndpoint",
        '<inboundEndpoint {ns} name="x" protocol="http" sequence="s" suspend="true"><parameters>'
        '<parameter name="inbound.http.port">1</parameter></parameters></inboundEndpoint>',
    ),
    "priority-executors": ("priority-executor", '<priority-executor {ns} name="x"/>'),
}


@covers("deploy.update", "deploy.hot")
@pytest.mark.parametrize("kind", ARTIFACTS)
async def test_every_kind(tmp_path: Path, kind: str) -> None:
    """Comes, stays when its new text is wrong (file, line, element and reason are told), changes, goes."""
    home = tmp_path / "home"
    element, text = ARTIFACTS[kind]
    good = text.replace("{ns}", NS)
    async with integrator(home, scan_s=3600, scheduler="none") as running:
        engine = running.service.engine
        file = write(home, kind, "x", good)
        assert await engine.refresh()
        first = engine.deployment.artifacts[(kind, "x")]
        file.write_text(f"<{element} {NS}>\n<unknown/></{element}>" if kind != "local-entries" else f"<{element}/>")
        assert await engine.refresh()
        (error,) = engine.deployment.errors
        assert f"{kind}/x.xml:" in str(error) and str(error).endswith("; the version before goes on")
        assert engine.deployment.artifacts[(kind, "x")] is first
        file.write_text(f"{good}\n<!-- changed -->")
        assert await engine.refresh()
        assert engine.deployment.errors == () and engine.deployment.artifacts[(kind, "x")] is not first
        assert not await engine.refresh()
        file.unlink()
        assert await engine.refresh()
        assert (kind, "x") not in engine.deployment.artifacts


@covers("deploy.update", "deploy.duplicate")
async def test_an_update_that_collides(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is refused and the version before goes on; sequences, endpoints, templates and local entries share their keys."""
    caplog.set_level("ERROR", logger="integrator.deployment")
    home = tmp_path / "home"
    write(home, "api", "a", text_api("a", "a"))
    file = write(home, "api", "b", text_api("b", "b"))
    write(home, "sequences", "x", ARTIFACTS["sequences"][1].replace("{ns}", NS))
    write(home, "endpoints", "x", ARTIFACTS["endpoints"][1].replace("{ns}", NS))
    async with integrator(home, scan_s=3600) as running:
        engine = running.service.engine
        (error,) = engine.deployment.errors
        assert "sequences/x.xml: sequences 'x' is deployed already in" in str(error) and "endpoints/x.xml" in str(error)
        file.write_text(text_api("b", "taken", "/a"))
        await engine.refresh()
        assert "its context is that of 'a'" in str(engine.deployment.errors[-1]) and "goes on" in str(
            engine.deployment.errors[-1]
        )
        assert [(await running.call("GET", f"/{name}")).body for name in "ab"] == [b"a", b"b"]
        write(home, "api", "c", text_api("c", "c"))
        await engine.refresh()
        told = [record.getMessage() for record in caplog.records]
        assert [sum(text in line for line in told) for text in ("sequences 'x' is deployed", "of 'a'")] == [1, 1]


@covers("deploy.order")
async def test_the_order_of_loading(tmp_path: Path) -> None:
    """synapse.xml, then the folders in their order, then data services and cars: of two with one name the first stays."""
    home = tmp_path / "home"
    kinds = [kind for kind in ARTIFACTS if kind != "priority-executors"]
    for kind in reversed(kinds):
        write(home, kind, "x", ARTIFACTS[kind][1].replace("{ns}", NS).replace('"x"', f'"{kind}"'))
    write(
        home,
        "../default",
        "synapse",
        f"<definitions {NS}>{text_api('synapse', '1')}{text_api('c', 'synapse.xml')}</definitions>",
    )
    write(home, "api", "c", text_api("c", "folder"))
    put(home, "carbonapps", "A.car", car({"a": ("synapse/api", text_api("c", "car", "/d"))}))
    order = [
        path.removeprefix(f"{SERVER}/").removeprefix("synapse-configs/default/").partition("/")[0]
        for path in scan(home)
    ]
    assert list(dict.fromkeys(order)) == [
        "synapse.xml",
        "local-entries",
        "endpoints",
        "sequences",
        "templates",
        "proxy-services",
        "tasks",
        "message-stores",
        "message-processors",
        "api",
        "inbound-endpoints",
        "carbonapps",
    ]
    async with integrator(home, scheduler="none") as running:
        assert (await running.call("GET", "/c")).body == b"synapse.xml"
        assert len(running.service.engine.deployment.errors) == 2


@covers("deploy.shutdown")
async def test_a_stop_waits(tmp_path: Path) -> None:
    """Requests in flight, a task's run and what a flow left behind end before the integrator does; nothing new begins."""
    home = tmp_path / "home"
    async with backend([{"delay": 0.15, "headers": {"content-type": "text/plain"}, "body": "slow"}]) as stub:
        uri = f"http://127.0.0.1:{stub.port}"
        call = f'<call><endpoint><http method="POST" uri-template="{uri}/{{}}"/></endpoint></call>'
        write(home, "api", "t", api("t", call.format("1") + "<respond/>"))
        write(
            home,
            "sequences",
            "main",
            f'<sequence {NS} name="main">{call.format("task1")}{call.format("task2")}</sequence>',
        )
        task = ARTIFACTS["tasks"][1].replace("{ns}", NS).replace('interval="3600" count="1"', 'interval="1ms"')
        write(home, "tasks", "x", task)
        async with integrator(home, scan_s=3600) as running:
            await arrived(stub, 1)
            caller = Running(running.service, running.settings, Client())
            waiting = asyncio.create_task(caller.call("POST", "/t", {"content-type": "text/plain"}, b"x"))
            await eventually(lambda: "/1" in [seen.target for seen in stub.seen])
        answer = await asyncio.wait_for(waiting, 5)
        await caller.client.close()
        assert (answer.status, answer.body) == (200, b"slow")
        targets = [seen.target for seen in stub.seen]
        assert targets.count("/task1") == targets.count("/task2") and "/1" in targets
        await asyncio.sleep(0)
        assert [seen.target for seen in stub.seen] == targets


async def test_a_home_that_is_away(tmp_path: Path) -> None:
    """Gone or empty, as a volume that is not mounted, it takes nothing back; when it is there again it is followed again."""
    home, away = tmp_path / "home", tmp_path / "away"
    file = write(home, "api", "t", text_api("t", "old"))
    async with integrator(home, scan_s=3600) as running:
        engine = running.service.engine
        home.rename(away)
        with pytest.raises(OSError):
            await engine.refresh()
        home.mkdir()
        with pytest.raises(OSError, match="it is empty"):
            await engine.refresh()
        assert (await running.call("GET", "/t")).body == b"old"
        home.rmdir()
        away.rename(home)
        file.write_text(text_api("t", "a new one"))
        await engine.refresh()
        assert (await running.call("GET", "/t")).body == b"a new one"
        file.unlink()
        await engine.refresh()
        assert (await running.call("GET", "/t")).status == 404
