"""Inbound endpoints that are Python classes, parameters from the registry, APIs bound to inbound endpoints (reference 5.11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.settings import HTTP_PORT, HTTPS_PORT, MANAGEMENT_PORT
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api
from tests.integrator.engine.harness import Backend, Running, backend, eventually, integrator, write
from tests.support.ports import free_offset, free_port
from tests.support.redis_server import running_redis
from wire.upstream import UpstreamError

CLASSES = """
import pathlib, threading, time

class Poller:
    def __init__(self, inlet):
        self.inlet, self.count = inlet, 0
        self.file = pathlib.Path(inlet.parameters["out"])
    def poll(self):
        self.count += 1
        if self.count > 3: return
        kept = self.inlet.inject(f"<n>{self.count}</n>", "application/xml", {"X-From": self.inlet.name}, {"extra": "prop"})
        with self.file.open("a") as out: out.write(f"{self.count}:{kept} ")
    def destroy(self):
        with self.file.open("a") as out: out.write("destroyed")

class Listener(Poller):
    def listen(self):
        while not self.inlet.stopped.is_set() and self.count < 3:
            self.poll()
        self.inlet.stopped.wait()

class Events(Poller):
    def register(self):
        self.timer = threading.Timer(0.01, lambda: [self.poll() for _ in range(3)])
        self.timer.start()

class Broken:
    def __init__(self, inlet): self.inlet = inlet
    def poll(self): raise OSError("gone")
"""
STEPS = (
    '<filter source="//n" regex="2"><then><sequence key="missing"/></then></filter>'
    '<property name="uri.var.way" expression="fn:concat($ctx:inbound.endpoint.name, $ctx:extra, $trp:X-From)"/>'
    '<call><endpoint key="e"/></call>'
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the classes, a sequence that tells a backend, and one that handles faults."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", '[python]\npackages = ["house_of_inbounds"]\n')
    (home / "python").mkdir()
    (home / "python" / "house_of_inbounds.py").write_text(CLASSES)
    write(home, "registry", "config/out.txt", f"{tmp_path}/out.txt")
    write(home, "sequences", "s", f'<sequence {NS} name="s">{STEPS}</sequence>')
    fault = '<property name="uri.var.way" value="fault"/><call><endpoint key="e"/></call>'
    write(home, "sequences", "h", f'<sequence {NS} name="h">{fault}</sequence>')
    return home


def told(home: Path, stub: Backend) -> None:
    """The endpoint of the sequences."""
    uri = f"http://127.0.0.1:{stub.port}/{{uri.var.way}}"
    write(home, "endpoints", "e", f'<endpoint {NS} name="e"><http uri-template="{uri}" method="post"/></endpoint>')


def inbound(kind: str, behavior: str, attributes: str = 'sequence="s" onError="h"', **parameters: str) -> str:
    """An inbound endpoint of a class; its parameter `out` comes from the registry."""
    values = {"inbound.behavior": behavior, "interval": "5", **parameters}
    inner = "".join(f'<parameter name="{name}">{value}</parameter>' for name, value in values.items())
    inner += '<parameter name="out" key="conf:/out.txt"/>'
    return f'<inboundEndpoint {NS} name="i" class="house_of_inbounds.{kind}" {attributes}><parameters>{inner}</parameters></inboundEndpoint>'  # noqa: E501


@covers(
    "inbound.custom.polling",
    "inbound.custom.listening",
    "inbound.custom.eventbased",
    "inbound.common.interval",
    "inbound.common.sequential",
    "inbound.common.parameter-key",
)
@pytest.mark.parametrize(
    ("kind", "behavior"), [("Poller", "polling"), ("Listener", "listening"), ("Events", "eventBased")]
)
@pytest.mark.parametrize("sequential", ["true", "false"])
async def test_a_class(home: Path, kind: str, behavior: str, sequential: str) -> None:
    """Each behaviour hands in messages; a fault is told to a sequential one; it is destroyed with its artifact."""
    out = home.parent / "out.txt"
    async with backend([{}]) as stub:
        told(home, stub)
        file = write(home, "inbound-endpoints", "i", inbound(kind, behavior, sequential=sequential))
        async with integrator(home) as running:
            assert running.service.engine.deployment.errors == ()
            await eventually(lambda: len(stub.seen) == 3)
            seen = [f"{seen.target} {seen.body.decode()}" for seen in stub.seen]
            expected = ["/ipropi <n>1</n>", "/fault <n>2</n>", "/ipropi <n>3</n>"]
            assert seen == expected if sequential == "true" else sorted(seen) == sorted(expected)
            second = "False" if sequential == "true" else "True"
            await eventually(lambda: out.read_text() == f"1:True 2:{second} 3:True ")
            file.unlink()
            await eventually(lambda: out.read_text().endswith("destroyed"))


async def test_a_class_that_fails(home: Path) -> None:
    """What poll() raises is logged, and it polls on; a suspended one never starts; other artifacts run."""
    write(home, "inbound-endpoints", "i", inbound("Broken", "polling"))
    suspended = inbound("Poller", "polling", 'sequence="s" suspend="true"').replace('name="i"', 'name="j"')
    write(home, "inbound-endpoints", "j", suspended)
    write(home, "api", "ok", api("ok", "<respond/>"))
    async with integrator(home) as running:
        assert (await running.call("GET", "/ok")).status == 200
    assert not (home.parent / "out.txt").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            inbound("Poller", "sometimes"),
            "parameter inbound.behavior='sometimes': allowed are polling, listening, eventBased",
        ),
        (inbound("Poller", "polling", ""), "attribute 'sequence' is required"),
        (inbound("Poller", "polling", interval="0"), "parameter interval=0: 1 or more milliseconds"),
        (
            inbound("Poller", "polling").replace("house_of_inbounds.", "org.wso2."),
            "allowed is a Python class by dotted path",
        ),
        (
            f'<inboundEndpoint {NS} name="i" protocol="jms" sequence="s"/>',
            "protocol='jms': not there yet; allowed are http, https",
        ),
    ],
)
async def test_refused(home: Path, text: str, reason: str) -> None:
    """Wrong parameters and what is not there."""
    write(home, "inbound-endpoints", "i", text)
    async with integrator(home) as running:
        (error,) = running.service.engine.deployment.errors
        assert "inbound-endpoints/i.xml:1 <inboundEndpoint>" in str(error) and reason in str(error)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this module."""
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@covers("inbound.common.coordination")
@pytest.mark.parametrize(("coordination", "count"), [("true", 3), ("false", 6)])
async def test_one_of_several_processes(home: Path, redis_url: str, coordination: str, count: int) -> None:
    """With coordination one process of a home polls, without it each does."""
    (home.parent / "out.txt").write_text("")
    async with backend([{}]) as stub:
        told(home, stub)
        write(home, "inbound-endpoints", "i", inbound("Poller", "polling", coordination=coordination))
        write(
            home,
            "sequences",
            "s",
            f'<sequence {NS} name="s"><property name="uri.var.way" value="w"/><call><endpoint key="e"/></call></sequence>',
        )  # noqa: E501
        async with integrator(home, redis_url=redis_url) as one, integrator(home, redis_url=redis_url) as two:
            lease = "inbound:i"
            await eventually(lambda: len(stub.seen) == count)
            holders = [await running.service.engine.runtime.lease(lease, "a third", 1) for running in (one, two)]
            assert holders == ([False, False] if coordination == "true" else [True, True])
            assert len(stub.seen) == count


def bound(name: str, binds: str, *resources: tuple[str, str]) -> str:
    """An API that says where it may be reached, and so may its resources."""
    inner = "".join(
        f'<resource methods="GET" uri-template="{path}" {where}><inSequence><payloadFactory media-type="text">'
        f"<format>{name}{path}</format><args/></payloadFactory><respond/></inSequence></resource>"
        for path, where in resources
    )
    return f'<api {NS} name="{name}" context="/{name}" {binds}>{inner}</api>'


@covers("api.binds-to")
async def test_apis_bound_to_inbound_endpoints(home: Path) -> None:
    """binds-to says who serves an API, also of a resource; without it the main ports do."""
    one, two = free_port(), free_port()
    write(home, "api", "only", bound("only", 'binds-to="one"', ("/all", ""), ("/less", 'binds-to="one"')))
    write(home, "api", "both", bound("both", 'binds-to="default, two,one"', ("/all", ""), ("/less", 'binds-to="two"')))
    write(home, "api", "main", bound("main", "", ("/all", "")))
    write(home, "api", "bad", bound("bad", 'binds-to="one"', ("/x", 'binds-to="two"')))
    text = '<payloadFactory media-type="text"><format>sequence</format><args/></payloadFactory><respond/>'
    write(home, "sequences", "seq", f'<sequence {NS} name="seq">{text}</sequence>')
    for name, port in (("one", one), ("two", two)):
        values = {"inbound.http.port": port, "inbound.worker.pool.size.max": 9}
        inner = "".join(f'<parameter name="{key}">{value}</parameter>' for key, value in values.items())
        head = f'<inboundEndpoint {NS} name="{name}" protocol="http" sequence="seq">'
        write(home, "inbound-endpoints", name, f"{head}<parameters>{inner}</parameters></inboundEndpoint>")
    async with integrator(home) as running:
        (error,) = running.service.engine.deployment.errors
        assert "bad.xml:1 <resource>: attribute binds-to='two': allowed are one" in str(error)

        async def answers(port: int) -> list[str]:
            paths = ("/only/all", "/only/less", "/both/all", "/both/less", "/main/all")
            found = [await running.request(f"http://127.0.0.1:{port}{path}") for path in paths]
            return [answer.body.decode() or str(answer.status) for answer in found]

        await eventually(lambda: _open(running, one))
        await eventually(lambda: _open(running, two))
        assert await answers(running.settings.http_port) == ["404", "404", "both/all", "404", "main/all"]
        assert await answers(one) == ["only/all", "only/less", "both/all", "404", "sequence"]
        assert await answers(two) == ["sequence", "sequence", "both/all", "both/less", "sequence"]


async def _open(running: Running, port: int) -> bool:
    try:
        await running.request(f"http://127.0.0.1:{port}/")
    except UpstreamError:
        return False
    return True


async def test_ports_of_the_registry_and_with_the_offset(home: Path) -> None:
    """A port may come from the registry, and be moved by the server's offset."""
    port = free_port()
    write(home, "conf", "deployment.toml", "[mediation]\ninbound.port_offset_enable = true\n")
    write(home, "sequences", "seq", f'<sequence {NS} name="seq"><respond/></sequence>')
    text = '<parameter name="inbound.http.port" key="conf:/port.txt"/>'
    write(
        home,
        "inbound-endpoints",
        "i",
        f'<inboundEndpoint {NS} name="i" protocol="http" sequence="seq"><parameters>{text}</parameters></inboundEndpoint>',
    )  # noqa: E501
    offset = free_offset(HTTP_PORT, HTTPS_PORT, MANAGEMENT_PORT)
    write(home, "registry", "config/port.txt", str(port - offset))
    async with integrator(home, port_offset=offset) as running:
        await eventually(lambda: _open(running, port))
