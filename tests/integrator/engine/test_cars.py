"""Carbon applications: every type, main and fault, registry resources, all or nothing (reference 1.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api, car, packed, put, text_api
from tests.integrator.engine.harness import SERVER, eventually, integrator, write

SEQUENCE = f'<sequence {NS} name="{{}}"><property name="said" value="{{}}"/></sequence>'
ALL_TYPES = {
    "config": ("config/property", "greeting:string"),
    "a": ("synapse/api", api("a", '<sequence key="s"/><call-template target="t"/><respond/>')),
    "i": (
        "synapse/inbound-endpoint",
        f'<inboundEndpoint {NS} name="i" protocol="http" sequence="s" suspend="true"><parameters>'
        '<parameter name="inbound.http.port">1</parameter></parameters></inboundEndpoint>',
    ),
    "p": (
        "synapse/message-processors",
        f'<messageProcessor {NS} name="p" class="org.apache.synapse.message.processor.impl.sampler.SamplingProcessor" '
        'messageStore="m"><parameter name="sequence">s</parameter></messageProcessor>',
    ),
    "k": (
        "synapse/task",
        f'<task {NS} name="k" class="org.apache.synapse.startup.tasks.MessageInjector"><trigger interval="3600" count="0"/>'
        '<property name="message"><m/></property></task>',
    ),
    "x": (
        "synapse/proxy-service",
        f'<proxy {NS} name="x"><target><inSequence><respond/></inSequence></target></proxy>',
    ),
    "t": (
        "synapse/template",
        f'<template {NS} name="t"><sequence><payloadFactory media-type="text"><format>$1 $2</format><args>'
        '<arg expression="$ctx:said"/><arg expression="get-property(\'e\')"/></args></payloadFactory></sequence></template>',
    ),
    "m": ("synapse/message-store", f'<messageStore {NS} name="m"/>'),
    "s": ("synapse/sequence", SEQUENCE.format("s", "hello")),
    "n": ("synapse/endpoint", f'<endpoint {NS} name="n"><address uri="http://localhost:1"/></endpoint>'),
    "e": ("synapse/local-entry", f'<localEntry {NS} key="e">entry</localEntry>'),
    "q": (
        "synapse/priority-executor",
        f'<priority-executor {NS} name="q"><threads max="2" core="1"/></priority-executor>',
    ),
    "d": (
        "datasource/datasource",
        "<datasource><name>d</name><definition><configuration><url>jdbc:sqlite:/tmp/none.db</url></configuration></definition>"
        "</datasource>",
    ),
    "meta": ("synapse/metadata", "<not read/>"),
    "jar": ("lib/synapse/mediator", b"PK"),
}


@covers("capp.type")
async def test_every_type(tmp_path: Path) -> None:
    """Each type is deployed as what it is, in the order of the types; what only a Java server runs is left out."""
    home = tmp_path / "home"
    put(home, "carbonapps", "App.car", car(ALL_TYPES))
    async with integrator(home) as running:
        deployment = running.service.engine.deployment
        assert [str(error) for error in deployment.errors] == []
        (application,) = deployment.applications
        order = "datasources local-entries endpoints sequences message-stores templates proxy-services tasks message-processors"
        assert [part.kind for part in application.parts] == [
            *order.split(),
            "api",
            "inbound-endpoints",
            "priority-executors",
        ]
        assert application.left_out == (
            "jar: lib/synapse/mediator is for a Java server; use <class> with a Python class instead",
        )
        assert (await running.call("GET", "/a")).body == b"hello entry"
        assert deployment.data_source("d") is not None


@covers("capp.main-fault")
async def test_main_and_fault(tmp_path: Path) -> None:
    """Those of a car take the place of the home's while it is deployed."""
    home = tmp_path / "home"

    def sequence(name: str, text: str) -> str:
        steps = f'<payloadFactory media-type="text"><format>{text}</format><args/></payloadFactory><respond/>'
        return f'<sequence {NS} name="{name}">{steps}</sequence>'

    write(home, "sequences", "main", sequence("main", "main of the home"))
    write(home, "api", "bad", api("bad", '<sequence key="missing"/>'))
    parts = {name: ("synapse/sequence", sequence(name, f"{name} of the car")) for name in ("main", "fault")}
    async with integrator(home) as running:

        async def answers(path: str, text: str) -> bool:
            return (await running.call("GET", path)).body.decode() == text

        assert await answers("/x", "main of the home")
        file = put(home, "carbonapps", "App.car", car(parts))
        await eventually(lambda: answers("/x", "main of the car"))
        assert await answers("/bad", "fault of the car")
        write(home, "sequences", "main", sequence("main", "main of the home, changed"))
        file.unlink()
        await eventually(lambda: answers("/x", "main of the home, changed"))
        assert (await running.call("GET", "/bad")).status == 500
        assert running.service.engine.deployment.errors == ()


INFO = """<resources>
<item><file>x.txt</file><path>/_system/config/deep</path><mediaType>text/plain</mediaType>
  <properties><property key="color" value="red"/></properties></item>
<item><file>b.bin</file><path>/_system/governance</path><mediaType>application/octet-stream</mediaType></item>
<collection><directory>many</directory><path>/_system/governance/c</path>
  <properties><property key="kept" value="yes"/></properties></collection>
<association><sourcePath>/a</sourcePath><targetPath>/b</targetPath><type>depends</type></association>
</resources>"""


@covers("capp.registry-info", "artifact.registry.media-type")
async def test_registry_resources(tmp_path: Path) -> None:
    """Items and collections with properties; a binary media type gives base64; the home's own file goes first."""
    home = tmp_path / "home"
    beside = {
        "resources/x.txt": "text",
        "resources/b.bin": "\x00\x01",
        "resources/many/one.txt": "1",
        "resources/many/s/two.txt": "2",
    }
    more = {f"r_1.0.0/{name}": text for name, text in beside.items()}
    keys = [
        "conf:/deep/x.txt",
        "conf:/deep/x.txt@color",
        "gov:/b.bin",
        "gov:/c/one.txt",
        "gov:/c/s/two.txt",
        "gov:/c@kept",
        "conf:/none",
        "conf:/own.bin",
    ]
    arguments = "".join(f"<arg expression=\"get-property('registry', '{key}')\"/>" for key in keys)
    shown = "|".join(f"${number}" for number in range(1, len(keys) + 1))
    steps = (
        f'<payloadFactory media-type="text"><format>{shown}</format><args>{arguments}</args></payloadFactory><respond/>'
    )
    put(
        home,
        "carbonapps",
        "App.car",
        car({"r": ("registry/resource", INFO), "a": ("synapse/api", api("a", steps))}, **more),
    )
    write(home, "registry", "config/own.bin", "own")
    write(home, "registry", "config/.metadata/own.bin.meta", "mediaType=image/png\n")
    async with integrator(home) as running:
        assert running.service.engine.deployment.errors == ()
        assert (await running.call("GET", "/a")).body.decode() == "text|red|AAE=|1|2|yes||b3du"


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (INFO.replace("/_system/config/deep", "/_system/config/../../x"), "a path below /_system/config"),
        (INFO.replace("/_system/config/deep", "/elsewhere"), "a path below /_system/config"),
        (
            "<resources><item><file>../../artifacts.xml</file><path>/_system/config</path></item></resources>",
            "expected",
        ),
        (
            "<resources><item><file>none</file><path>/_system/config</path></item></resources>",
            "does not hold this file",
        ),
        ("<resources><dump><file>x</file></dump></resources>", "allowed are item and collection"),
    ],
)
async def test_bad_registry_resources(tmp_path: Path, info: str, reason: str) -> None:
    """A resource that is not there or leaves its root makes the car faulty; nothing of it is deployed."""
    home = tmp_path / "home"
    more = {"r_1.0.0/resources/x.txt": "x"}
    put(
        home,
        "carbonapps",
        "App.car",
        car({"r": ("registry/resource", info), "a": ("synapse/api", text_api("a", "x"))}, **more),
    )
    write(home, "api", "ok", text_api("ok", "runs"))
    async with integrator(home) as running:
        deployment = running.service.engine.deployment
        assert len(deployment.errors) == 1 and reason in str(deployment.errors[0]), deployment.errors
        assert [api.name for api in deployment.apis] == ["ok"] and not deployment.applications


@covers("capp.faulty", "capp.name", "deploy.duplicate", "deploy.update")
async def test_all_or_nothing(tmp_path: Path) -> None:
    """A car that collides or has one bad artifact deploys nothing; its version before goes on, and the reason is told."""
    home = tmp_path / "home"
    write(home, "sequences", "own", SEQUENCE.format("own", "x"))
    good = {"s": ("synapse/sequence", SEQUENCE.format("s", "1")), "a": ("synapse/api", text_api("a", "one"))}
    put(home, "carbonapps", "A.car", car(good, "A"))
    put(home, "carbonapps", "B.car", car({"b": ("synapse/api", text_api("b", "b"))}, "A"))
    taken = {
        "c": ("synapse/api", text_api("c", "c")),
        "own": ("synapse/endpoint", ALL_TYPES["n"][1].replace('"n"', '"own"')),
    }
    put(home, "carbonapps", "C.car", car(taken, "C"))
    put(
        home,
        "carbonapps",
        "D.car",
        packed({"artifacts.xml": '<artifacts><artifact name="D" version="1"/></artifacts>'}),
    )
    async with integrator(home) as running:
        engine = running.service.engine

        def reasons() -> list[str]:
            return [str(error).removeprefix(f"{SERVER}/") for error in engine.deployment.errors]

        assert [item.name for item in engine.deployment.apis] == ["a"]
        assert [reason.partition(" is deployed")[0] for reason in reasons()] == [
            "carbonapps/B.car: application A 1.0.0",
            "carbonapps/C.car: endpoints 'own'",
        ]
        bad = dict(good) | {
            "a": ("synapse/api", text_api("a", "two")),
            "s": ("synapse/sequence", "<sequence name='s'><no/></sequence>"),
        }
        put(home, "carbonapps", "A.car", car(bad, "A", "1.0.1"))
        await eventually(lambda: len(engine.deployment.errors) == 3)
        assert "A.car!s_1.0.0/s-1.0.0.xml:1 <no>: unknown mediator <no>" in reasons()[0] and "goes on" in reasons()[0]
        assert (await running.call("GET", "/a")).body == b"one"
        collides = dict(good) | {"a": ("synapse/api", text_api("a", "three")), "own": taken["own"]}
        put(home, "carbonapps", "A.car", car(collides, "A", "1.0.2"))
        await eventually(lambda: "'own' is deployed" in reasons()[0])
        assert "the version before goes on" in reasons()[0]
        assert (await running.call("GET", "/a")).body == b"one"
        put(home, "carbonapps", "A.car", car(good | {"a": ("synapse/api", text_api("a", "four"))}, "A", "1.0.3"))

        async def fourth() -> bool:
            return (await running.call("GET", "/a")).body == b"four"

        await eventually(fourth)
        assert [item.version for item in engine.deployment.applications if item.name == "A"][:1] == ["1.0.3"]


async def test_roles(tmp_path: Path) -> None:
    """`[server] roles` says whose parts are deployed."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", '[server]\nroles = ["Special"]\n')
    put(home, "carbonapps", "A.car", car({"a": ("synapse/api", text_api("a", "x"))}))
    async with integrator(home) as running:
        assert running.service.engine.deployment.apis == ()
