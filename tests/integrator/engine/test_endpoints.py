"""What endpoints do that a list of requests cannot show: calls at the same time, redeployments, switches, metrics."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from integrator.engine.endpoints.groups import LeastConnections
from integrator.engine.metrics import REGISTRY
from integrator.engine.switches import STATISTICS, TRACE, switch_endpoint
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import backend, eventually, integrator, write

SYNAPSE = "http://ws.apache.org/ns/synapse"
API = (
    f'<api xmlns="{SYNAPSE}" name="t" context="/t"><resource methods="GET POST" uri-template="/*">'
    '<inSequence><property name="k" expression="$trp:X-K"/><call><endpoint key-expression="$ctx:k"/></call><respond/>'
    "</inSequence>"
    '<faultSequence><payloadFactory media-type="text"><format>$1</format><args><arg expression="$ctx:ERROR_CODE"/></args>'
    "</payloadFactory><respond/></faultSequence></resource></api>"
)


def leaf(url: str, inner: str = "", name: str = "") -> str:
    """An http endpoint."""
    return f'<endpoint name="{name}"><http method="POST" uri-template="{url}"/>{inner}</endpoint>'


def named(name: str, inner: str) -> str:
    """An endpoint artifact."""
    return f'<endpoint xmlns="{SYNAPSE}" name="{name}">{inner}</endpoint>'


@covers("endpoint.loadbalance.algorithm.weightedRRLC")
async def test_least_connections(tmp_path: Path) -> None:
    """While a member is busy the others get the calls, by their weight; idle members take turns by weight."""
    home = tmp_path / "home"
    answers = [{"path": "/slow", "delay": 2.0}, {"path": "/quick"}]
    async with backend(answers) as stub:
        url = f"http://127.0.0.1:{stub.port}"
        weight = '<property name="loadbalance.weight" value="{}"/>'
        members = leaf(f"{url}/slow", weight.format(2)) + leaf(f"{url}/quick", weight.format(4))
        algorithm = "org.apache.synapse.endpoints.algorithms.WeightedRRLCAlgorithm"
        write(home, "endpoints", "e", named("e", f'<loadbalance algorithm="{algorithm}">{members}</loadbalance>'))
        write(home, "api", "t", API)
        async with integrator(home) as running:
            endpoint = running.service.engine.deployment.endpoint("e")
            assert isinstance(endpoint, LeastConnections) and endpoint.weights == [1, 2]
            first = asyncio.ensure_future(running.call("POST", "/t", {"x-k": "e"}, b"x"))
            await eventually(lambda: [seen.target for seen in stub.seen] == ["/slow"])
            for _ in range(4):
                await running.call("POST", "/t", {"x-k": "e"}, b"x")
            assert [seen.target for seen in stub.seen] == ["/slow"] + ["/quick"] * 4
            await first
            assert endpoint.open == [0, 0]


@covers("errorcode.303100", "errorcode.304100")
async def test_failing_over_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No fault, but a line in the log and a number in the metrics, each with its code."""
    home = tmp_path / "home"
    async with backend([{"path": "/ok"}]) as stub:
        members = leaf("http://127.0.0.1:1/x", name="first") + leaf(f"http://127.0.0.1:{stub.port}/ok")
        write(home, "endpoints", "balanced", named("balanced", f"<loadbalance>{members}</loadbalance>"))
        write(home, "endpoints", "over", named("over", f"<failover>{members}</failover>"))
        write(home, "api", "t", API)
        async with integrator(home) as running:
            for name, code in (("balanced", "303100"), ("over", "304100")):
                labels = {"endpoint": name, "code": code}
                before = REGISTRY.get_sample_value("integrator_endpoint_failovers_total", labels) or 0
                with caplog.at_level(logging.WARNING, "integrator.endpoint"):
                    caplog.clear()
                    assert (await running.call("POST", "/t", {"x-k": name}, b"x")).status == 200
                assert any(f"ERROR_CODE : {code}" in record.getMessage() for record in caplog.records)
                assert REGISTRY.get_sample_value("integrator_endpoint_failovers_total", labels) == before + 1


@covers("errorcode.309002")
async def test_session_whose_member_is_gone(tmp_path: Path) -> None:
    """Sessions outlive a redeployment; one at a member that is no longer there is refused."""
    home = tmp_path / "home"
    cookie = {"headers": {"set-cookie": "S=1"}}
    async with backend([{"path": "/a"} | cookie, {"path": "/b"} | cookie]) as stub:
        url = f"http://127.0.0.1:{stub.port}"

        def balanced(*paths: str) -> str:
            inner = "".join(leaf(f"{url}{path}") for path in paths)
            return named("e", f'<session type="http"/><loadbalance>{inner}</loadbalance>')

        write(home, "endpoints", "e", balanced("/a", "/b"))
        write(home, "api", "t", API)
        async with integrator(home) as running:
            headers = {"x-k": "e", "cookie": "S=1"}
            assert (await running.call("POST", "/t", headers, b"x")).status == 200
            before = running.service.engine.deployment
            write(home, "endpoints", "e", balanced("/b", "/a"))
            await eventually(lambda: running.service.engine.deployment is not before)
            await running.call("POST", "/t", headers, b"x")
            assert [seen.target for seen in stub.seen] == ["/a", "/a"]
            between = running.service.engine.deployment
            write(home, "endpoints", "e", balanced("/b"))
            await eventually(lambda: running.service.engine.deployment is not between)
            assert (await running.call("POST", "/t", headers, b"x")).body == b"309002"


@covers("endpoint.state.off")
async def test_switched_off(tmp_path: Path) -> None:
    """An endpoint that is off sends nothing, whatever time passes; a group goes on without it."""
    home = tmp_path / "home"
    async with backend([{"path": "/a"}, {"path": "/b"}]) as stub:
        url = f"http://127.0.0.1:{stub.port}"
        write(home, "endpoints", "one", named("one", f'<http method="POST" uri-template="{url}/a"/>'))
        both = f'<failover><endpoint key="one"/>{leaf(f"{url}/b")}</failover>'
        write(home, "endpoints", "group", named("group", both))
        write(home, "api", "t", API)
        async with integrator(home) as running:
            endpoint = running.service.engine.deployment.endpoint("one")
            assert endpoint is not None
            switch_endpoint(endpoint, active=False)
            assert (await running.call("POST", "/t", {"x-k": "one"}, b"x")).body == b"303001"
            assert (await running.call("POST", "/t", {"x-k": "group"}, b"x")).status == 200
            assert endpoint.describe()["state"] == "OFF"
            switch_endpoint(endpoint, active=True)
            assert (await running.call("POST", "/t", {"x-k": "one"}, b"x")).status == 200
            assert [seen.target for seen in stub.seen] == ["/b", "/a"]


@covers("endpoint.common.statistics", "endpoint.common.trace", "endpoint.common.description", "endpoint.enableRM")
async def test_what_is_only_said(tmp_path: Path) -> None:
    """Tracing and statistics that an endpoint asks for are on; a description and WS-RM of old artifacts change nothing."""
    home = tmp_path / "home"
    async with backend([{"path": "/a"}]) as stub:
        kind = f'<address uri="http://127.0.0.1:{stub.port}/a" statistics="enable" trace="enable"><enableRM/></address>'
        write(home, "endpoints", "on", named("on", f"<description>what it is for</description>{kind}"))
        write(home, "endpoints", "off", named("off", kind.replace('"enable"', '"disable"')))
        write(home, "api", "t", API)
        async with integrator(home) as running:
            deployment = running.service.engine.deployment
            for name in ("on", "off"):
                artifact = deployment.artifacts["endpoints", name]
                switches = deployment.runtime.switches
                assert [switches.is_on(what, artifact) for what in (TRACE, STATISTICS)] == [name == "on"] * 2
                answer = await running.call("POST", "/t", {"x-k": name, "content-type": "text/plain"}, b"x")
                assert answer.status == 200
            assert "what it is for" in deployment.artifacts["endpoints", "on"].text
            assert [seen.body for seen in stub.seen] == [b"x", b"x"]


@covers("endpoint.timeout.global")
async def test_limit_of_the_process(tmp_path: Path) -> None:
    """No endpoint waits for longer than the process allows, whatever it says itself."""
    home = tmp_path / "home"
    async with backend([{"path": "/slow", "delay": 5}]) as stub:
        timeout = "<timeout><duration>60000</duration></timeout>"
        kind = f'<http method="POST" uri-template="http://127.0.0.1:{stub.port}/slow">{timeout}</http>'
        write(home, "endpoints", "e", named("e", kind))
        write(home, "api", "t", API)
        async with integrator(home, global_timeout_ms=150) as running:
            assert (await running.call("POST", "/t", {"x-k": "e"}, b"x")).body == b"101504"


@covers("prop.POST_TO_URI", "prop.FULL_URI")
@pytest.mark.parametrize("name", ["POST_TO_URI", "FULL_URI", "none"])
async def test_whole_address_in_the_first_line(tmp_path: Path, name: str) -> None:
    """As to a proxy, when asked for."""
    home = tmp_path / "home"
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        prop = f'<property name="{name}" value="true" scope="axis2"/>'
        write(
            home,
            "endpoints",
            "e",
            named("e", f'<http method="POST" uri-template="http://127.0.0.1:{port}/b?q=1"/>{prop}'),
        )
        write(home, "api", "t", API)
        async with integrator(home) as running:
            assert (await running.call("POST", "/t", {"x-k": "e"}, b"")).status == 200
    begin = b"" if name == "none" else b"http://127.0.0.1:%d" % port
    assert heads[0].startswith(b"POST %b/b?q=1 HTTP/1.1\r\n" % begin)


STORING = (
    f'<api xmlns="{SYNAPSE}" name="t" context="/t"><resource methods="POST"><inSequence>'
    '<property name="target.endpoint" expression="$trp:X-To"/><property name="RETRY_ON_SOAPFAULT" expression="$trp:X-Retry"/>'
    '<store messageStore="s"/><respond/></inSequence></resource></api>'
)
FAULT = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>e:Server</faultcode></e:Fault>'
    "</e:Body></e:Envelope>"
)


@covers("prop.target.endpoint", "prop.RETRY_ON_SOAPFAULT")
async def test_forwarding_processor(tmp_path: Path) -> None:
    """A message says by which endpoint it goes; a SOAP fault is tried again unless the message says that it is delivered."""
    home = tmp_path / "home"
    fault = {"status": 500, "headers": {"content-type": "text/xml"}, "body": FAULT}
    async with backend([{"path": "/own"}, {"path": "/fault"} | fault]) as stub:
        for name in ("own", "fault"):
            kind = f'<address uri="http://127.0.0.1:{stub.port}/{name}" format="soap11"/>'
            write(home, "endpoints", name, named(name, kind))
        processor = "org.apache.synapse.message.processor.impl.forwarder.ScheduledMessageForwardingProcessor"
        parameters = '<parameter name="interval">20</parameter><parameter name="client.retry.interval">20</parameter>'
        write(
            home,
            "message-processors",
            "p",
            f'<messageProcessor xmlns="{SYNAPSE}" name="p" class="{processor}" messageStore="s" targetEndpoint="fault">'
            f"{parameters}</messageProcessor>",
        )
        write(home, "message-stores", "s", f'<messageStore xmlns="{SYNAPSE}" name="s"/>')
        write(home, "api", "t", STORING)
        async with integrator(home) as running:
            headers = {"content-type": "text/xml"}
            await running.call("POST", "/t", headers | {"x-to": "own"}, b"<a/>")
            await eventually(lambda: [seen.target for seen in stub.seen] == ["/own"])
            stub.seen.clear()
            await running.call("POST", "/t", headers | {"x-to": "fault", "x-retry": "false"}, b"<a/>")
            await running.call("POST", "/t", headers | {"x-to": "own"}, b"<a/>")
            await eventually(lambda: [seen.target for seen in stub.seen] == ["/fault", "/own"])
            stub.seen.clear()
            await running.call("POST", "/t", headers | {"x-to": "fault", "x-retry": "true"}, b"<a/>")
            await eventually(lambda: [seen.target for seen in stub.seen][:2] == ["/fault", "/fault"])
