"""Connector archives: templates that are plain Synapse run, what needs Java is refused by name (reference 1.4, 3.11)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api, car, packed, put, text_api
from tests.integrator.engine.harness import eventually, integrator, write

GREET = (
    f'<template {NS} name="greet"><parameter name="who"/><parameter name="mark" defaultValue="!"/><sequence>'
    '<payloadFactory media-type="text"><format>$1 $2$3 from $4</format><args><arg expression="$ctx:greeter.word"/>'
    '<arg expression="$func:who"/><arg expression="$func:mark"/><arg expression="get-property(\'greeter.name\')"/></args>'
    "</payloadFactory></sequence></template>"
)
INIT = (
    f'<template {NS} name="init"><parameter name="word" isMandatory="true"/><parameter name="name"/><sequence>'
    '<property name="greeter.word" expression="$func:word"/><property name="greeter.name" expression="$func:name"/>'
    "</sequence></template>"
)
TWICE = (
    f'<template {NS} name="twice"><parameter name="who"/><sequence><property name="first" expression="$func:who"/>'
    "<greeter.greet><who>{$ctx:first}{$ctx:first}</who></greeter.greet></sequence></template>"
).replace("{$ctx:first}{$ctx:first}", "{concat($ctx:first, $func:who)}")
JAVA = f'<template {NS} name="java"><sequence><class name="com.acme.connector.Sign"/></sequence></template>'
COMPONENT = '<component name="greeter" type="synapse/template"><subComponents>{}</subComponents></component>'  # noqa: RUF027
IMPORT = '<import {} name="greeter" package="org.acme.connector" status="{}"/>'


def connector(**templates: str) -> bytes:
    """A connector `greeter` with its init in a component of its own."""
    listed = "".join(
        f"<component name='{name}'><file>{name}.xml</file><description>About {name}</description></component>"
        for name in templates
    )
    return packed(
        {
            "connector.xml": '<connector><component name="greeter" package="org.acme.connector"><dependency component="ops"/>'
            '<dependency component="config"/><description>Greets</description></component><icon>icon/i.png</icon></connector>',
            "ops/component.xml": COMPONENT.format(listed),
            **{f"ops/{name}.xml": text for name, text in templates.items()},
            "config/component.xml": COMPONENT.format("<component name='init'><file>init.xml</file></component>"),
            "config/init.xml": INIT,
            "icon/i.png": b"\x89PNG",
            "lib/helper.jar": b"PK",
        }
    )


def home_with(tmp_path: Path, status: str = "enabled") -> Path:
    """A home with the archive, its import and a connection."""
    home = tmp_path / "home"
    put(home, "synapse-libs", "greeter.zip", connector(greet=GREET, twice=TWICE))
    if status:
        write(home, "imports", "{org.acme.connector}greeter", IMPORT.format(NS, status))
    entry = "<greeter.init><word>Hello</word><name>{$url:n}</name></greeter.init>".replace("{$url:n}", "the entry")
    write(home, "local-entries", "conn", f'<localEntry {NS} key="conn">{entry}</localEntry>')
    return home


@covers(
    "layout.synapse-libs",
    "layout.imports",
    "layout.connector",
    "mediator.connector",
    "mediator.connector.operation",
    "mediator.connector.configKey",
    "mediator.connector.init",
    "mediator.connector.local-entry",
    "mediator.connector.parameters",
)
async def test_an_archive_runs(tmp_path: Path) -> None:
    """An element runs the template: configKey first, its init, children as $func, defaults, and templates that call another."""
    home = home_with(tmp_path)
    write(
        home, "api", "a", api("a", '<greeter.greet configKey="conn"><who>{$trp:X-Who}</who></greeter.greet><respond/>')
    )
    write(
        home,
        "api",
        "b",
        api("b", "<greeter.init><word>Hi</word></greeter.init><greeter.twice><who>me</who></greeter.twice><respond/>"),
    )
    deferred = "<greeter.greet configKey='conn'><who>{{$ctx:late}}</who><mark>?</mark></greeter.greet>"
    write(home, "api", "c", api("c", f'<property name="late" value="you"/>{deferred}<respond/>'))
    call = '<call-template target="org.acme.connector.greeter.greet"><with-param name="who" value="x"/></call-template>'
    write(home, "api", "d", api("d", f'<property name="greeter.word" value="By name"/>{call}<respond/>'))
    write(home, "api", "e", api("e", '<greeter.greet configKey="none"/><respond/>'))
    async with integrator(home) as running:
        assert [str(error) for error in running.service.engine.deployment.errors] == []
        answers = {name: (await running.call("GET", f"/{name}", {"x-who": "Ann"})).body.decode() for name in "abcd"}
        assert answers == {
            "a": "Hello Ann! from the entry",
            "b": "Hi meme! from ",
            "c": "Hello you? from the entry",
            "d": "By name x! from ",
        }
        assert (await running.call("GET", "/e")).status == 500


@pytest.mark.parametrize(
    ("status", "element", "reason"),
    [
        ("disabled", "<greeter.greet/>", "connector 'greeter' is not enabled: imports/{org.acme.connector}greeter.xml"),
        ("", "<greeter.greet/>", "connector 'greeter' is not enabled"),
        ("enabled", "<greeter.wave/>", "connector 'greeter' has no operation 'wave'; it has greet, init, twice"),
        (
            "enabled",
            "<waver.wave/>",
            "connector 'waver' is not installed; archives in synapse-libs or cars give greeter",
        ),
        ("enabled", "<greeter.greet><who>{//a[}</who></greeter.greet>", "<who>"),
    ],
)
async def test_what_is_refused(tmp_path: Path, status: str, element: str, reason: str) -> None:
    """An element of a connector that is not there, not enabled or without the operation refuses its artifact; others run."""
    home = home_with(tmp_path, status)
    write(home, "api", "a", api("a", element))
    write(home, "api", "ok", text_api("ok", "runs"))
    async with integrator(home) as running:
        refused = [str(error) for error in running.service.engine.deployment.errors]
        assert len(refused) == 1 and "api/a.xml:1 <" in refused[0] and reason in refused[0], refused
        assert (await running.call("GET", "/ok")).body == b"runs"


async def test_an_operation_in_java_is_refused_by_class(tmp_path: Path) -> None:
    """It names the class; the other operations run; a Python class of an allowed package is no Java."""
    home = tmp_path / "home"
    python = JAVA.replace("com.acme.connector.Sign", "house_of_connectors.Sign").replace('"java"', '"python"')
    put(home, "synapse-libs", "greeter.zip", connector(greet=GREET, java=JAVA, python=python))
    write(home, "imports", "{org.acme.connector}greeter", IMPORT.format(NS, "enabled"))
    write(home, "conf", "deployment.toml", '[python]\npackages = ["house_of_connectors"]\n')
    (home / "python").mkdir()
    source = "class Sign:\n    def mediate(self, mc):\n        mc.setProperty('greeter.word', 'signed by Python')\n"
    (home / "python" / "house_of_connectors.py").write_text(source)
    write(home, "api", "a", api("a", "<greeter.java/><respond/>"))
    write(home, "api", "b", api("b", "<greeter.python/><greeter.greet/><respond/>"))
    async with integrator(home) as running:
        refused = sorted(str(error) for error in running.service.engine.deployment.errors)
        assert [text.partition(": operation")[0].rpartition("/")[2] for text in refused] == [
            "a.xml:1 <greeter.java>",
            "greeter.zip",
        ]
        assert all(
            "'java' of connector 'greeter' needs com.acme.connector.Sign: a Java class" in text for text in refused
        )
        assert (await running.call("GET", "/b")).body == b"signed by Python ! from "


async def test_an_archive_comes_changes_and_goes(tmp_path: Path) -> None:
    """What waits for a connector is deployed with it, runs its new templates, and is told of when it goes."""
    home = tmp_path / "home"
    write(home, "api", "a", api("a", "<greeter.greet><who>W</who></greeter.greet><respond/>"))
    write(home, "imports", "{org.acme.connector}greeter", IMPORT.format(NS, "enabled"))
    async with integrator(home) as running:
        engine = running.service.engine

        async def answer() -> str:
            return (await running.call("GET", "/a")).body.decode()

        assert "'greeter' is not installed" in str(engine.deployment.errors[0])
        file = put(home, "synapse-libs", "greeter.zip", connector(greet=GREET))
        await eventually(lambda: not engine.deployment.errors)
        assert await answer() == " W! from "
        put(home, "synapse-libs", "greeter.zip", connector(greet=GREET.replace('"!"', '"!!!"')))

        async def changed() -> bool:
            return await answer() == " W!!! from "

        await eventually(changed)
        put(home, "synapse-libs", "greeter.zip", b"no zip at all")
        await eventually(lambda: engine.deployment.errors)
        assert "the version before goes on" in str(engine.deployment.errors[0])
        assert await answer() == " W!!! from "
        file.unlink()
        await eventually(lambda: "is not installed" in str(engine.deployment.errors))
        assert (await running.call("GET", "/a")).status == 500


@covers("mediator.connector.operation")
async def test_a_connector_in_a_car(tmp_path: Path) -> None:
    """It is enabled by being in the car, whatever stands first in artifacts.xml; it goes with the car."""
    home = tmp_path / "home"
    call = api("a", "<greeter.greet><who>C</who></greeter.greet><respond/>")
    parts = {"a": ("synapse/api", call), "greeter-connector": ("synapse/lib", connector(greet=GREET))}
    file = put(home, "carbonapps", "App.car", car(parts))
    async with integrator(home) as running:
        assert running.service.engine.deployment.errors == ()
        assert (await running.call("GET", "/a")).body == b" C! from "
        file.unlink()
        await eventually(lambda: not running.service.engine.deployment.apis)
        assert running.service.engine.deployment.libraries == {}


async def test_the_built_in_connector_takes_the_place_of_java(tmp_path: Path) -> None:
    """An archive of a connector that is built in is no mistake: its elements run as Python, its Java is not looked for."""
    home = tmp_path / "home"
    archive = packed(
        {
            "connector.xml": '<connector><component name="redis"><dependency component="f"/></component></connector>',
            "f/component.xml": COMPONENT.format("<component name='ping'><file>l.xml</file></component>"),
            "f/l.xml": JAVA,
        }
    )
    put(home, "synapse-libs", "redis.zip", archive)
    write(home, "imports", "{org.wso2.carbon.connector}redis", f'<import {NS} name="redis"/>')
    async with integrator(home) as running:
        assert [str(error) for error in running.service.engine.deployment.errors] == []
