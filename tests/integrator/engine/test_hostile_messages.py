"""What strangers put into messages: text that looks like keys, headers, templates, log lines or addresses stays text."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from integrator.engine.errors import Fault
from integrator.engine.logs import TextFormatter
from integrator.engine.registry import Registry
from tests.integrator.engine.harness import Backend, backend, integrator, listening, write

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="{name}" context="/{name}"><resource methods="POST"><inSequence>
{flow}</inSequence><faultSequence><property name="HTTP_SC" value="599" scope="axis2"/>
<payloadFactory media-type="text"><format>refused</format></payloadFactory><respond/></faultSequence></resource></api>"""
JSON = {"content-type": "application/json"}
SECRET = "the text of a file outside"
KEYED = {
    "payload": '<payloadFactory media-type="text"><format key="{json-eval($.k)}"/><args/></payloadFactory><respond/>',
    "xslt": '<xslt key="{json-eval($.k)}"/><respond/>',
    "validate": '<validate><schema key="{json-eval($.k)}"/><on-fail><respond/></on-fail></validate><respond/>',
    "sequence": '<sequence key="{json-eval($.k)}"/><respond/>',
    "endpoint": '<call><endpoint key-expression="json-eval($.k)"/></call><respond/>',
    "property": '<property name="n" expression="get-property(\'registry\', $ctx:k)"/>'
    '<payloadFactory media-type="text"><format>[$1]</format><args><arg expression="$ctx:n"/></args></payloadFactory><respond/>',
    "function": '<payloadFactory media-type="text"><format>[${registry(payload.k)}]</format></payloadFactory><respond/>',
}


@pytest.mark.parametrize("kind", KEYED)
async def test_a_key_in_a_message_reaches_no_file(tmp_path: Path, kind: str) -> None:
    """Neither by file:, nor by climbing, nor by a NUL; a key of the registry is read."""
    home, outside = tmp_path / "home", tmp_path / "outside.txt"
    outside.write_text(SECRET)
    take = '<property name="k" expression="json-eval($.k)"/>'
    write(home, "api", "t", API.format(name="t", flow=take + KEYED[kind]))
    write(home, "registry", "config/held.txt", "held")
    async with integrator(home) as running:
        for key in (
            f"file:{outside}",
            f"file://{outside}",
            "conf:/../../../outside.txt",
            "conf:../../../outside.txt",
            f"gov:/{'../' * 30}{outside}",
            f"/_system/config/../../../{outside.name}",
            "conf:/a\0b",
            "conf:/" + "x" * 5000,
            str(outside),
            "",
        ):
            answer = await running.call("POST", "/t", JSON, json.dumps({"k": key}).encode())
            assert SECRET not in answer.body.decode(), key
            assert answer.status in (200, 599), key
        if kind in ("payload", "property", "function"):
            answer = await running.call("POST", "/t", JSON, b'{"k": "conf:/held.txt"}')
            assert "held" in answer.body.decode()


async def reached(tmp_path: Path, flow: str, bodies: list[Any]) -> tuple[list[int], Backend]:
    """Statuses of calls to an API whose backend answers everything, and what the backend saw."""
    async with backend([{"status": 200, "body": "ok"}]) as stub:
        flow = flow.replace("PORT", str(stub.port))
        write(tmp_path / "home", "api", "t", API.format(name="t", flow=flow))
        async with integrator(tmp_path / "home") as running:
            statuses = []
            for body in bodies:
                statuses.append((await running.call("POST", "/t", JSON, json.dumps(body).encode())).status)
            return statuses, stub


WRITES = {
    "header": '<header name="H" expression="json-eval($.v)" scope="transport"/>',
    "property": '<property name="H" expression="json-eval($.v)" scope="transport"/>',
    "method": '<property name="HTTP_METHOD" expression="json-eval($.v)" scope="axis2"/>',
    "host": '<property name="REQUEST_HOST_HEADER" expression="json-eval($.v)" scope="axis2"/>',
    "type": '<property name="ContentType" expression="json-eval($.v)" scope="axis2"/>',
    "messageType": '<property name="messageType" expression="json-eval($.v)" scope="axis2"/>',
    "postfix": '<property name="REST_URL_POSTFIX" expression="json-eval($.v)" scope="axis2"/>',
    "action": '<header name="Action" expression="json-eval($.v)"/>',
    "variable": '<property name="uri.var.v" expression="json-eval($.v)"/>',
}
SEND = '<call><endpoint><address uri="http://127.0.0.1:PORT/in"/></endpoint></call><respond/>'
SEND_VARIABLE = '<call><endpoint><http method="POST" uri-template="http://127.0.0.1:PORT/in/{uri.var.v}"/></endpoint></call><respond/>'
BREAKS = [
    "x\r\nX-Evil: 1",
    "x\nX-Evil: 1",
    "x\rX-Evil: 1",
    "/ HTTP/1.1\r\nHost: e\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\nX-Evil: 1",
    "\r\n\r\nGET /evil HTTP/1.1\r\nHost: e\r\n\r\n",
    "x\0y",
    "\u560d\u560aX-Evil: 1",
    "x\u2028X-Evil: 1\x85X-Evil: 1",
]


@pytest.mark.parametrize("way", WRITES)
async def test_no_line_break_reaches_the_wire(tmp_path: Path, way: str) -> None:
    """A backend sees one request a call at most, never a header or request that the text made."""
    flow = WRITES[way] + (SEND_VARIABLE if way == "variable" else SEND)
    statuses, stub = await reached(tmp_path, flow, [{"v": text} for text in [*BREAKS, "plain"]])
    assert set(statuses) <= {200, 400, 599}  # 400: the backend takes no such method or host
    assert statuses[-1] == 200 or way == "method"  # what strangers send suspends no endpoint
    assert len(stub.seen) <= len(BREAKS) + 1
    for seen in stub.seen:
        assert "x-evil" not in seen.headers
        assert "evil" not in seen.target or seen.target.startswith("/in")


@pytest.mark.parametrize("way", ["header", "HTTP_SC_DESC", "type", "HTTP_SC"])
async def test_no_line_break_reaches_the_caller(tmp_path: Path, way: str) -> None:
    """An answer is one answer with the headers of the flow, read as bytes."""
    changes = {
        "header": WRITES["header"],
        "type": WRITES["type"],
        "HTTP_SC": '<property name="HTTP_SC" expression="json-eval($.v)" scope="axis2"/>',
        "HTTP_SC_DESC": '<property name="HTTP_REASON_PHRASE" expression="json-eval($.v)" scope="axis2"/>'
        '<property name="HTTP_SC_DESC" expression="json-eval($.v)" scope="axis2"/>',
    }
    write(tmp_path / "home", "api", "t", API.format(name="t", flow=changes[way] + "<respond/>"))
    async with integrator(tmp_path / "home") as running:
        for text in BREAKS:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.http_port)
            body = json.dumps({"v": text}).encode()
            head = b"POST /t HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d"
            writer.write(head % len(body) + b"\r\n\r\n" + body)
            head = (await asyncio.wait_for(reader.read(), 15)).partition(b"\r\n\r\n")[0]
            writer.close()
            lines = [line.lower() for line in head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")]
            assert lines[0].startswith(b"http/1.1 ")
            assert not any(line.startswith((b"x-evil", b"get ")) for line in lines[1:]), text


TEMPLATES = {
    "default": '<payloadFactory media-type="json"><format>{"a": "$1", "b": "$2"}</format><args>'
    '<arg expression="$.v" evaluator="json"/><arg expression="$.w" evaluator="json"/></args></payloadFactory><respond/>',
    "freemarker": '<payloadFactory media-type="json" template-type="freemarker"><format><![CDATA['
    '{"a": "${payload.v?json_string}", "b": "${payload.w?json_string}"}]]></format><args/></payloadFactory><respond/>',
    "inlined": '<payloadFactory media-type="json"><format>{"a": ${payload.v}, "b": ${payload.w}}</format>'
    "</payloadFactory><respond/>",
}
TEXTS = [
    "$2",
    "${payload.w}",
    "${7*7}",
    "<#assign x='freemarker.template.utility.Execute'?new()>${x('id')}",
    "${''.getClass().forName('java.lang.Runtime')}",
    "{{7*7}}{json-eval($.w)}",
    "wso2:vault-lookup('x')",
    '", "c": "1',
    '[", "c": "1',
    '{", "c": {"d": "1',
    "</a><b>",
    "\\u0022,\\",
]


@pytest.mark.parametrize("kind", TEMPLATES)
async def test_text_of_a_message_is_no_template(tmp_path: Path, kind: str) -> None:
    """What is put in is not looked at again, and stays one value of the answer."""
    write(tmp_path / "home", "api", "t", API.format(name="t", flow=TEMPLATES[kind]))
    async with integrator(tmp_path / "home") as running:
        for text in TEXTS:
            answer = await running.call("POST", "/t", JSON, json.dumps({"v": text, "w": "other"}).encode())
            assert (answer.status, json.loads(answer.body)) == (200, {"a": text, "b": "other"})


async def test_an_address_in_a_message_is_http_only(tmp_path: Path) -> None:
    """A flow that takes its address of the message speaks to no file, and to nothing but HTTP."""
    flow = '<header name="To" expression="json-eval($.v)"/><call><endpoint><default/></endpoint></call><respond/>'
    write(tmp_path / "home", "api", "t", API.format(name="t", flow=flow))
    closed = listening()
    async with integrator(tmp_path / "home") as running:
        for text in (
            "file:///etc/passwd",
            "gopher://127.0.0.1:6379/_FLUSHALL",
            "ftp://127.0.0.1/x",
            "//127.0.0.1/x",
            "http://",
            "http://[::1",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:x/",
            f"http://127.0.0.1:{closed.getsockname()[1]}/",
            "http://\0/",
            "http://a b/",
            "http://" + "a" * 70_000 + "/",
            "jms:/x",
            "",
        ):
            answer = await running.call("POST", "/t", JSON, json.dumps({"v": text}).encode())
            assert (answer.status, answer.body) == (599, b"refused"), text
    closed.close()


DEEP = {
    "json": (b'{"a":' * 100_000, "application/json"),
    "closed json": (b"[" * 5000 + b"]" * 5000, "application/json"),
    "xml": (b"<a>" * 100_000, "application/xml"),
    "closed xml": (b"<a>" * 5000 + b"</a>" * 5000, "text/xml"),
    "entities": (
        b'<!DOCTYPE a [<!ENTITY x "aaaaaaaaaa"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]><a>&y;&y;&y;</a>',
        "application/xml",
    ),
    "external": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "application/xml"),
    "parameter": (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]><a/>', "text/xml"),
    "attributes": (b"<a " + b" ".join(b'b%d="1"' % n for n in range(200_000)) + b"/>", "application/xml"),
    "number": (b"[" + b"9" * 200_000 + b"]", "application/json"),
    "exponent": (b'{"v": 1e999999999}', "application/json"),
}


@pytest.mark.parametrize("kind", DEEP)
async def test_a_body_that_means_harm(tmp_path: Path, kind: str) -> None:
    """It is refused or read in bounded time, shows no file, and the next call works."""
    flow = '<property name="x" expression="//a"/><log level="full"/><respond/>'
    write(tmp_path / "home", "api", "t", API.format(name="t", flow=flow))
    body, media = DEEP[kind]
    async with integrator(tmp_path / "home") as running:
        answer = await asyncio.wait_for(running.call("POST", "/t", {"content-type": media}, body), 20)
        assert answer.status < 500 or answer.body == b"refused"
        assert b"root:" not in answer.body
        assert b"aaaaaaaaaaaa" not in answer.body
        good = await running.call("POST", "/t", JSON, b'{"a": 1}')
        assert (good.status, json.loads(good.body)) == (200, {"a": 1})


@pytest.mark.parametrize(
    "text", ["a\n2026-01-01 00:00:00.000 INFO  integrator forged", "\x1b[2Ja\rb", "\x85x\u2028y\x9b1m"]
)
def test_no_text_forges_a_log_record(text: str) -> None:
    """A record begins at the start of a line: further lines of a text are indented, control characters named."""
    record = logging.LogRecord("integrator.log", logging.INFO, "", 0, "v = %s", (text,), None)
    shown = TextFormatter(False).format(record)
    assert all(line.startswith("    ") for line in shown.split("\n")[1:])
    assert shown.replace("\n", "").isprintable() or "\x85" not in shown
    assert not set(shown) & set("\r\x1b\x85\x9b\u2028")


def test_a_property_of_a_resource_is_one_line(tmp_path: Path) -> None:
    """A value with a line break makes no second property."""
    registry = Registry(tmp_path)
    registry.write_property("conf:/a@note", "x\nowner=evil")
    assert registry.properties("conf:/a") == {"note": "x owner=evil"}


def test_a_registry_that_cannot_be_written(tmp_path: Path) -> None:
    """What stood stays whole, nothing half-written is left behind, and the message has a fault."""
    registry = Registry(tmp_path, cache_s=0)
    registry.write_property("conf:/a", "old")
    (tmp_path / "registry/config/folder").mkdir()
    with pytest.raises(Fault, match="cannot be written"):
        registry.write_property("conf:/folder", "new")
    with pytest.raises(Fault, match="cannot be written"):
        registry.write_property("conf:/a/below", "new")
    assert registry.text("conf:/a") == "old"
    assert {path.name for path in tmp_path.rglob("*")} == {"registry", "config", "a", "folder"}
