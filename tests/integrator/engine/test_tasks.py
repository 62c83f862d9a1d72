"""Scheduled tasks: triggers and what each class does (reference 5.8). Times are looked at, not waited for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from integrator.engine.artifacts import read_artifact
from integrator.engine.errors import DeploymentError
from integrator.engine.tasks import Task
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS
from tests.integrator.engine.harness import Backend, Running, backend, eventually, integrator, write

INJECTOR = "org.apache.synapse.startup.tasks.MessageInjector"
TEMPLATE = "org.apache.synapse.startup.tasks.TemplateMessageExecutor"
ONCE = '<trigger once="true"/>'
NOON = datetime.fromisoformat("2026-05-04T12:00:00+00:00")
WRITER = """
class Job:
    def __init__(self): self.path, self.note = "", None
    def setText(self, text): self.text = text.upper()
    def execute(self):
        with open(self.path, "a") as file: file.write(self.text + self.note.get("a"))
class Broken:
    def execute(self): raise RuntimeError("no paper")
"""


def task(trigger: str = ONCE, kind: str = INJECTOR, attributes: str = "", inner: str = "", **properties: str) -> str:
    """A task artifact; a value that begins with < is an element."""
    made = "".join(
        f'<property name="{name}">{value}</property>'
        if value.startswith("<")
        else f'<property name="{name}" value="{value}"/>'
        for name, value in properties.items()
    )
    return f'<task {NS} name="k" class="{kind}" {attributes}>{trigger}{made}{inner}</task>'


def read(text: str) -> Task:
    """The record of a task."""
    return read_artifact("tasks", text, "k.xml").value  # type: ignore[no-any-return]


MESSAGE = '<m xmlns="">hi</m>'


@covers(
    "artifact.task.interval", "artifact.task.count", "artifact.task.once", "artifact.task.cron", "artifact.task.group"
)
@pytest.mark.parametrize(
    ("trigger", "waits"),
    [
        ('<trigger interval="5"/>', [0.0, 5.0, 5.0]),
        ('<trigger interval="250ms" count="2"/>', [0.0, 0.25, None]),
        ('<trigger interval="5" count="-1"/>', [0.0, 5.0, 5.0]),
        ('<trigger count="2"/>', [0.0, 1.0, None]),
        ('<trigger once="true"/>', [0.0, None, None]),
        ('<trigger cron="0 0/15 * * * ?"/>', [900.0, 900.0, 900.0]),
        ('<trigger cron="0 30 9 L * ? 2026"/>', [26 * 86_400 + 21.5 * 3600 + 0] * 3),
        ('<trigger cron="0 0 0 1 1 ? 2020"/>', [None, None, None]),
    ],
)
def test_triggers(trigger: str, waits: list[float | None]) -> None:
    """Seconds from noon to the first, second and third run."""
    made = read(task(trigger, attributes='group="g"', message=MESSAGE))
    assert [made.next_run(NOON, runs) for runs in range(3)] == waits
    assert (made.group, read(task(message=MESSAGE)).group) == ("g", "synapse.simple.quartz")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (task("", message=MESSAGE), "child <trigger> is required"),
        (task("<trigger/>", message=MESSAGE), "one of the attributes interval, cron, once is required"),
        (task('<trigger interval="1" cron="* * * * * ?"/>', message=MESSAGE), "either cron or interval may be given"),
        (task('<trigger interval="0"/>', message=MESSAGE), "a number of seconds above 0"),
        (task('<trigger interval="soon"/>', message=MESSAGE), "attribute interval"),
        (task('<trigger cron="1 2"/>', message=MESSAGE), "6 or 7 fields are expected"),
        (task(message=MESSAGE, injectTo="nowhere"), "property injectTo='nowhere': allowed are main, sequence, proxy"),
        (task(message=MESSAGE, injectTo="proxy"), "property 'proxyName' is required"),
        (
            task(message=MESSAGE, injectTo="proxy", proxyName="p", format="soap13"),
            "property format='soap13': allowed are soap11, soap12, pox, get",
        ),
        (task(inner='<property name="message" expression="//a"/>'), "attribute expression: properties of tasks"),
        (task(kind=TEMPLATE), "property 'templateKey' is required"),
        (task(kind="org.wso2.Unknown"), "or a Python class by dotted path"),
        (task(inner="<other/>"), "element <other> is not allowed"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """A wrong task is refused with file, line and element."""
    with pytest.raises(DeploymentError, match=r"k\.xml:1 <") as error:
        read(text)
    assert reason in str(error.value)


async def run(tmp_path: Path, text: str, stub: Backend) -> Running:
    """Deploy a task and what it may use, run it once by hand."""
    home = tmp_path / "home"
    tell = '<property name="HTTP_METHOD" value="POST" scope="axis2"/><call><endpoint key="e"/></call>'
    uri = f"http://127.0.0.1:{stub.port}"
    write(home, "endpoints", "e", f'<endpoint {NS} name="e"><http uri-template="{uri}/{{uri.var.who}}"/></endpoint>')
    for name in ("q", "main", "fault"):
        write(
            home,
            "sequences",
            name,
            f'<sequence {NS} name="{name}"><property name="uri.var.who" value="{name}"/>{tell}</sequence>',
        )
    target = f'<target><inSequence><property name="uri.var.who" value="p"/>{tell}</inSequence></target>'
    write(home, "proxy-services", "p", f'<proxy {NS} name="p">{target}</proxy>')
    filled = '<payloadFactory media-type="text"><format>$1 $2</format><args><arg expression="$func:a"/><arg expression="$func:b"/></args></payloadFactory>'  # noqa: E501
    template = f'<sequence>{filled}<property name="uri.var.who" value="t"/>{tell}</sequence>'
    write(
        home,
        "templates",
        "t",
        f'<template {NS} name="t"><parameter name="a"/><parameter name="b" defaultValue="d"/>{template}</template>',
    )
    write(home, "registry", "config/m.json", '{"from": "registry"}')
    write(home, "conf", "deployment.toml", '[python]\npackages = ["house_of_tasks"]\n')
    (home / "python").mkdir()
    (home / "python" / "house_of_tasks.py").write_text(WRITER)
    write(home, "tasks", "k", text)
    async with integrator(home, scheduler="none") as running:
        assert [str(error) for error in running.service.engine.deployment.errors] == []
        await running.service.engine.run_task("k")
        return running


SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@covers(
    "artifact.task",
    "artifact.task.property",
    "artifact.task.MessageInjector",
    "artifact.task.messageInjector.message",
    "artifact.task.messageInjector.registryKey",
    "artifact.task.messageInjector.to",
    "artifact.task.messageInjector.soapAction",
    "artifact.task.messageInjector.format",
    "artifact.task.messageInjector.injectTo-main",
    "artifact.task.messageInjector.injectTo-sequence",
    "artifact.task.messageInjector.injectTo-proxy",
)
@pytest.mark.parametrize(
    ("properties", "line", "body", "headers"),
    [
        ({"message": MESSAGE}, "POST /main", '<m xmlns="">hi</m>', {"content-type": "application/xml"}),
        ({"message": "{&quot;a&quot;: 1}"}, "POST /main", '{"a": 1}', {"content-type": "application/json"}),
        ({"registryKey": "conf:/m.json"}, "POST /main", '{"from": "registry"}', {}),
        ({"message": MESSAGE, "injectTo": "main"}, "POST /main", '<m xmlns="">hi</m>', {}),
        ({"message": MESSAGE, "injectTo": "sequence", "sequenceName": "q"}, "POST /q", '<m xmlns="">hi</m>', {}),
        ({"message": MESSAGE, "injectTo": "proxy", "proxyName": "p"}, "POST /p", '<m xmlns="">hi</m>', {}),
        (
            {"message": MESSAGE, "format": "soap11", "soapAction": "urn:do"},
            "POST /main",
            SOAP,
            {"soapaction": "urn:do"},
        ),
        ({"message": MESSAGE, "format": "soap12"}, "POST /main", "http://www.w3.org/2003/05/soap-envelope", {}),
        ({"message": MESSAGE, "injectTo": "sequence", "sequenceName": "none"}, "POST /fault", '<m xmlns="">hi</m>', {}),
    ],
)
async def test_injector(
    tmp_path: Path, properties: dict[str, str], line: str, body: str, headers: dict[str, str]
) -> None:
    """What is injected where, and how it arrives."""
    async with backend([{}]) as stub:
        await run(tmp_path, task(**properties), stub)
        (seen,) = stub.seen
        assert f"{seen.method} {seen.target}" == line
        assert body in seen.body.decode()
        for name, value in headers.items():
            assert seen.headers[name].strip('"').startswith(value)


@covers("artifact.task.messageInjector.to")
async def test_the_address_of_an_injected_message(tmp_path: Path) -> None:
    """`to` is where a send without endpoint goes."""
    async with backend([{}]) as stub:
        home = tmp_path / "home"
        write(home, "sequences", "main", f'<sequence {NS} name="main"><send/></sequence>')
        write(home, "tasks", "k", task(message=MESSAGE, to=f"http://127.0.0.1:{stub.port}/there"))
        async with integrator(home, scheduler="none") as running:
            await running.service.engine.run_task("k")
        assert [f"{seen.method} {seen.target}" for seen in stub.seen] == ["POST /there"]


@covers("artifact.task.TemplateMessageExecutor")
async def test_template(tmp_path: Path) -> None:
    """The children of templateParams are the template's parameters."""
    async with backend([{}]) as stub:
        await run(tmp_path, task(kind=TEMPLATE, templateKey="t", templateParams="<params><a>given</a></params>"), stub)
        assert [(seen.target, seen.body) for seen in stub.seen] == [("/t", b"given d")]


@covers("artifact.task")
async def test_python_class(tmp_path: Path) -> None:
    """A Python class gets its properties and execute(); what it raises runs the fault sequence."""
    file = tmp_path / "out.txt"
    async with backend([{}]) as stub:
        properties = {"path": str(file), "text": "done ", "note": '<n a="!"/>'}
        await run(tmp_path, task(kind="house_of_tasks.Job", **properties), stub)
        assert file.read_text() == "DONE !" and stub.seen == []
    async with backend([{}]) as stub:
        await run(tmp_path / "second", task(kind="house_of_tasks.Broken"), stub)
        assert [seen.target for seen in stub.seen] == ["/fault"]


@covers("deploy.order", "artifact.task.once")
async def test_tasks_begin_when_all_is_deployed(tmp_path: Path) -> None:
    """A task of a folder that is read early finds the API that is read last, and the car that is read after it."""
    home = tmp_path / "home"
    async with backend([{}]) as stub:
        text = f'<call><endpoint><http uri-template="http://127.0.0.1:{stub.port}/z" method="post"/></endpoint></call>'
        write(home, "tasks", "k", task(message=MESSAGE, injectTo="sequence", sequenceName="z"))
        write(home, "sequences", "z", f'<sequence {NS} name="z"><sequence key="conf:/late.xml"/></sequence>')
        write(home, "registry", "config/late.xml", f'<sequence {NS} name="late">{text}</sequence>')
        async with integrator(home) as running:
            await eventually(lambda: stub.seen)
            order = [path.split("/")[-2] for path in running.service.engine._files]  # noqa: SLF001
            assert order == ["sequences", "tasks"]
        assert len(stub.seen) == 1


async def test_nothing_to_inject(tmp_path: Path) -> None:
    """A task without a message is deployed, as in the Micro Integrator; its runs inject nothing."""
    async with backend([{"path": "/q", "body": ""}]) as stub:
        await run(tmp_path, task(injectTo="sequence", sequenceName="q"), stub)
        assert "/q" not in [seen.target for seen in stub.seen]


async def test_unknown_format(tmp_path: Path) -> None:
    """Into a sequence a message of a format that is none goes as it is."""
    async with backend([{"path": "/q", "body": ""}]) as stub:
        await run(tmp_path, task(message=MESSAGE, format="text/xml", injectTo="sequence", sequenceName="q"), stub)
        assert [(seen.target, seen.headers["content-type"].partition(";")[0]) for seen in stub.seen] == [
            ("/q", "application/xml")
        ]
