"""Analytics records: a line of JSON an API, proxy, sequence, endpoint or inbound call, as `[analytics]` says (reference 7.3)."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrator.engine.observe import analytics
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api
from tests.integrator.engine.harness import Running, backend, eventually, integrator, write
from tests.support.ports import free_port

ON = "[analytics]\nenabled = true\n"
LINE = re.compile(r"\d\d:\d\d:\d\d,\d{3} \[-\] \[integrator\]  INFO ElasticStatisticsPublisher (\S+) (\{.*\})")
JSON = {"content-type": "application/json"}
CALL = '<call><endpoint key="store"/></call><respond/>'


@pytest.fixture(autouse=True)
def _off_afterwards() -> Iterator[None]:
    """The records of a process are off again, whatever the test did; the logger writes as in a running integrator."""
    logger = logging.getLogger("integrator.analytics")
    before = logger.level, logger.propagate
    yield
    analytics.active.clear()
    logger.setLevel(before[0])
    logger.propagate = before[1]


def lines(running: Running) -> list[str]:
    """What the file holds."""
    file = running.settings.var / "logs" / "integrator" / "synapse-analytics.log"
    return file.read_text("utf-8").splitlines() if file.exists() else []


def records(running: Running) -> list[dict[str, Any]]:
    """The records of the file, every line of which is one."""
    found = []
    for line in lines(running):
        match = LINE.fullmatch(line)
        assert match is not None, line
        found.append(json.loads(match[2]))
    return found


async def written(running: Running, count: int) -> list[str]:
    """The kinds of the records, when there are so many: an answer may arrive before its record."""
    await eventually(lambda: len(lines(running)) >= count)
    return [item["payload"]["entityType"] for item in records(running)]


def payloads(running: Running, kind: str) -> list[dict[str, Any]]:
    """Payloads of the records of one kind."""
    return [item["payload"] for item in records(running) if item["payload"]["entityType"] == kind]


def endpoint(port: int, name: str = "store") -> str:
    """A named endpoint."""
    return f'<endpoint {NS} name="{name}"><http method="GET" uri-template="http://127.0.0.1:{port}/b"/></endpoint>'


@covers("obs.analytics", "scope.analytics")
async def test_records_of_an_api(tmp_path: Path) -> None:
    """API, sequence and endpoint each with a record; metadata of the scope analytics, without what was removed."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", ON + 'id = "mi-7"\n[server]\nhostname = "integrator.example"\n')
    scope = "".join(
        f'<property name="{name}" {given} scope="analytics"/>'
        for name, given in (
            ("customer", 'expression="$trp:x-customer"'),
            ("amount", 'value="12" type="INTEGER"'),
            ("gone", 'value="x"'),
            ("nothing", 'expression="$ctx:unset"'),
        )
    )
    remove = '<property name="gone" action="remove" scope="analytics"/>'
    write(home, "sequences", "mark", f'<sequence {NS} name="mark">{scope}{remove}</sequence>')
    write(home, "api", "t", api("t", '<sequence key="mark"/>' + CALL))
    async with backend([{"delay": 0.05, "headers": JSON, "body": "{}"}]) as stub:
        write(home, "endpoints", "store", endpoint(stub.port))
        async with integrator(home) as running:
            assert running.service.engine.deployment.errors == ()
            customer = 'zoe"\u2028}'.encode().decode("latin-1")
            answer = await running.call("POST", "/t/x?token=secret", JSON | {"x-customer": customer}, b"{}")
            await written(running, 3)
            found = records(running)
    assert [item["payload"]["entityType"] for item in found] == ["SequenceMediator", "Endpoint", "API"]
    whole, told = found[2], found[2]["payload"]
    assert whole["schemaVersion"] == 1 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", whole["timestamp"])
    server = whole["serverInfo"]
    assert (server["serverName"], server["id"]) == ("integrator.example", "mi-7")
    assert server["hostname"] and re.fullmatch(r"[\d.]+", server["ipAddress"])
    assert told["metadata"]["amount"] == 12 and told["metadata"]["customer"].startswith('zoe"')
    assert set(told["metadata"]) == {"amount", "customer"} and found[0]["payload"]["metadata"] == told["metadata"]
    assert told["entityClassName"] == "org.apache.synapse.api.API"
    assert (told["failure"], told["faultResponse"]) == (False, False) and told["latency"] >= 50
    assert told["correlation_id"] == answer.headers["activityid"] and told["messageId"].startswith("urn:uuid:")
    assert told["apiDetails"] == {
        "api": "t", "subRequestPath": "/x", "apiContext": "/t", "method": "POST", "transport": "http"
    }  # fmt: skip
    assert (told["remoteHost"], told["contentType"], told["httpMethod"]) == ("127.0.0.1", "application/json", "POST")
    assert found[0]["payload"]["sequenceDetails"] == {"name": "mark"}
    assert found[1]["payload"]["endpointDetails"] == {"name": "store"} and found[1]["payload"]["latency"] >= 50
    assert {item["payload"]["messageId"] for item in found} == {told["messageId"]}


@covers("obs.analytics")
async def test_records_of_proxies_inbound_endpoints_and_failures(tmp_path: Path) -> None:
    """What failed says so, at each place it went through; a SOAP fault as answer too."""
    home, port = tmp_path / "home", free_port()
    write(home, "conf", "deployment.toml", ON)
    soap = '<makefault version="soap11" response="true"><code expression="$ctx:c"/><reason value="no"/></makefault>'
    soap = soap.replace('expression="$ctx:c"', 'value="s:Server" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"')
    write(
        home,
        "proxy-services",
        "p",
        f'<proxy {NS} name="p"><target><inSequence>{soap}<respond/></inSequence></target></proxy>',
    )  # noqa: E501
    write(home, "endpoints", "store", endpoint(1))
    write(home, "sequences", "calls", f'<sequence {NS} name="calls">{CALL}</sequence>')
    write(home, "sequences", "handled", f'<sequence {NS} name="handled" onError="quiet">{CALL}</sequence>')
    write(home, "sequences", "quiet", f'<sequence {NS} name="quiet"><respond/></sequence>')
    write(home, "api", "t", api("t", '<sequence key="handled"/>'))
    parameters = f'<parameters><parameter name="inbound.http.port">{port}</parameter></parameters>'
    inbound = f'<inboundEndpoint {NS} name="door" protocol="http" sequence="calls" suspend="false">{parameters}</inboundEndpoint>'  # noqa: E501
    write(home, "inbound-endpoints", "door", inbound)
    async with integrator(home) as running:
        assert running.service.engine.deployment.errors == ()
        body = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a/></s:Body></s:Envelope>'
        await running.call("POST", "/services/p", {"content-type": "text/xml", "soapaction": "x"}, body)
        await written(running, 1)
        (told,) = payloads(running, "ProxyService")
        assert (told["faultResponse"], told["proxyServiceDetails"], told["transport"]) == (True, {"name": "p"}, "http")
        assert (told["isClientDoingREST"], told["isClientDoingSOAP11"]) == (False, True)
        assert told["entityClassName"] == "org.apache.synapse.core.axis2.ProxyService"
        await running.request(f"http://127.0.0.1:{port}/x")
        assert await written(running, 5) == [
            "ProxyService",
            "Endpoint",
            "SequenceMediator",
            "SequenceMediator",
            "InboundEndpoint",
        ]
        (told,) = payloads(running, "InboundEndpoint")
        assert told["inboundEndpointDetails"] == {"name": "door"} and told["failure"]
        failed = {one["sequenceDetails"]["name"]: one["failure"] for one in payloads(running, "SequenceMediator")}
        assert failed == {"calls": True, "fault": False}
        assert [one["failure"] for one in payloads(running, "Endpoint")] == [True]
        await running.call("GET", "/t")
        await written(running, 9)
        failed = {one["sequenceDetails"]["name"]: one["failure"] for one in payloads(running, "SequenceMediator")}
        assert (failed["handled"], failed["quiet"], payloads(running, "API")[0]["failure"]) == (True, False, True)


async def test_switches_of_each_kind_and_the_prefix(tmp_path: Path) -> None:
    """What is switched off is not told; the word before the record is what was asked for; a change counts at once."""
    home = tmp_path / "home"
    off = "".join(f"{kind}_analytics.enabled = false\n" for kind in ("api", "endpoint"))
    write(home, "conf", "deployment.toml", f'{ON}prefix = "HERE"\n{off}')
    write(home, "sequences", "s", f'<sequence {NS} name="s">{CALL}</sequence>')
    write(home, "api", "t", api("t", '<sequence key="s"/>'))
    async with backend([{"body": ""}]) as stub:
        write(home, "endpoints", "store", endpoint(stub.port))
        async with integrator(home) as running:
            await running.call("GET", "/t")
            assert await written(running, 1) == ["SequenceMediator"]
            assert " HERE {" in lines(running)[0]
            write(home, "conf", "deployment.toml", f"{ON}sequence_analytics.enabled = false\n")
            await eventually(lambda: analytics.active and "API" in analytics.active[0].kinds)
            await running.call("GET", "/t")
            assert await written(running, 3) == ["SequenceMediator", "Endpoint", "API"]


async def test_off_there_is_nothing_on_the_path(tmp_path: Path) -> None:
    """No wrapper around listener, chain or endpoint: before they are on, and after they were switched off again."""
    home = tmp_path / "home"
    write(home, "sequences", "s", f'<sequence {NS} name="s"><respond/></sequence>')
    write(home, "endpoints", "store", endpoint(1))
    write(home, "api", "t", api("t", '<sequence key="s"/>'))
    async with integrator(home) as running:
        engine, listener = running.service.engine, running.service.listener

        def laid() -> tuple[bool, bool, bool]:
            chain, leaf = engine.deployment.required_sequence("s"), engine.deployment.endpoint("store")
            return "serve" in vars(listener), isinstance(chain, analytics.ToldChain), "send" in vars(leaf)

        assert laid() == (False, False, False)
        file = write(home, "conf", "deployment.toml", ON)
        await eventually(lambda: laid() == (True, True, True))
        await running.call("GET", "/t")
        assert await written(running, 2) == ["SequenceMediator", "API"]
        file.unlink()
        await eventually(lambda: laid() == (False, False, False))
        await running.call("GET", "/t")
        assert len(records(running)) == 2


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("enabled = 1", "enabled=1: allowed are true and false"),
        ('enabled = true\npublisher = "databridge"', "publisher='databridge': allowed is log"),
        ("enabled = true\napi_analytics.enabled = 'no'", "api_analytics.enabled='no': allowed are true and false"),
        ("enabled = true\nsequence_analytics = false", "sequence_analytics=False: write sequence_analytics.enabled"),
        ('enabled = true\nprefix = "A\\nB"', "prefix='A\\nB': a text of one line"),
        ('enabled = true\nid = ""', "id='': a text of one line"),
    ],
)
async def test_what_is_wrong_is_told(tmp_path: Path, toml: str, words: str) -> None:
    """File, table, key, value and what is allowed; everything else runs."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", f"[analytics]\n{toml}\n")
    write(home, "api", "t", api("t", "<respond/>"))
    async with integrator(home) as running:
        (error,) = running.service.engine.deployment.errors
        assert str(error).startswith(f"conf/deployment.toml <analytics>: {words}")
        assert (await running.call("GET", "/t")).status == 200 and not lines(running)


async def test_a_record_is_bounded(tmp_path: Path) -> None:
    """Metadata of any number and length; lines stay lines."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", ON)
    steps = "".join(f'<property name="p{number}" value="v" scope="analytics"/>' for number in range(150))
    long = '<property name="p0" expression="$trp:x-long" scope="analytics"/>'
    write(home, "api", "t", api("t", steps + long + "<respond/>"))
    async with integrator(home) as running:
        await running.call("GET", "/t", {"x-long": "y" * 6000})
        await written(running, 1)
        (told,) = payloads(running, "API")
    assert len(told["metadata"]) == analytics.MOST_METADATA and len(told["metadata"]["p0"]) == analytics.LONGEST
