"""What the corpus cannot see: lines of the log mediator, the XML that records write again, and limits of hostile input."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest

from integrator.engine.content.freemarker import Template
from integrator.engine.content.freemarker_values import TemplateError
from integrator.engine.errors import DeploymentError, Fault
from integrator.engine.mediators import data_mapper, parse_one
from integrator.engine.reader import Reader
from integrator.engine.xmltools import SYNAPSE, children, parse, serialise
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import integrator, write
from wire.sandbox import Sandbox

API = f'<api xmlns="{SYNAPSE}" name="t" context="/t"><resource methods="GET POST"><inSequence>'
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = f'<e:Envelope xmlns:e="{SOAP}"><e:Header><h>head</h></e:Header><e:Body><r>in</r></e:Body></e:Envelope>'


async def lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, flow: str, body: str, kind: str
) -> list[logging.LogRecord]:
    """What the log mediator wrote while one message passed."""
    home = tmp_path / "home"
    write(home, "api", "t", f"{API}{flow}<respond/></inSequence></resource></api>")
    async with integrator(home) as running:
        with caplog.at_level(1, "integrator.log"):
            caplog.clear()
            answer = await running.call("POST", "/t", {"content-type": kind, "soapaction": '"urn:act"'}, body.encode())
    assert answer.status == 200
    return [record for record in caplog.records if record.name == "integrator.log"]


async def test_a_log_message_in_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    flow = (
        '<log category="WARN" logFullPayload="true"><message>order ${payload.n} of ${headers.x}</message>'
        '<property name="a" value="1"/></log><log logMessageID="true"><message>done</message></log>'
    )
    told, done = await lines(tmp_path, caplog, flow, '{"n": 7}', "application/json")
    assert told.levelno == logging.WARNING
    assert told.getMessage() == 'order 7 of , Payload: {"n": 7}, a = 1'
    assert done.getMessage().startswith("done, MessageID: urn:uuid:")


@covers(
    "mediator.log",
    "mediator.log.level.simple",
    "mediator.log.level.custom",
    "mediator.log.separator",
    "mediator.log.property",
)
async def test_simple_and_custom(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    flow = (
        '<log><property name="a" value="1"/></log><log level="custom" separator="\\n"><property name="n" '
        'expression="json-eval($.n)"/><property name="m" value="2"/></log>'
    )
    simple, custom = await lines(tmp_path, caplog, flow, '{"n": 7}', "application/json")
    text = simple.getMessage()
    assert text.startswith("To: ")
    for part in (
        ", WSAction: ",
        ", SOAPAction: ",
        ", MessageID: urn:uuid:",
        ", correlation_id: ",
        ", Direction: request, a = 1",
    ):
        assert part in text, (part, text)
    assert custom.getMessage() == "n = 7\nm = 2"
    assert custom.levelno == logging.INFO


@covers("mediator.log.level.headers", "mediator.log.level.full")
async def test_headers_and_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    headers, full = await lines(tmp_path, caplog, '<log level="headers"/><log level="full"/>', ENVELOPE, "text/xml")
    assert headers.getMessage() == "h : head"
    assert "Direction: request, Envelope: <e:Envelope" in full.getMessage()
    assert "<r>in</r>" in full.getMessage()
    (payload,) = await lines(tmp_path / "json", caplog, '<log level="full"/>', '{"n":7}', "application/json")
    assert payload.getMessage().endswith('Payload: {"n":7}')


@covers("mediator.log.category")
async def test_categories(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = ("INFO", "DEBUG", "TRACE", "WARN", "ERROR", "fatal")
    flow = "".join(f'<log level="custom" category="{name}"><property name="x" value="1"/></log>' for name in names)
    found = await lines(tmp_path, caplog, flow, "{}", "application/json")
    assert [record.levelno for record in found] == [
        logging.INFO,
        logging.DEBUG,
        5,
        logging.WARNING,
        logging.ERROR,
        logging.CRITICAL,
    ]


SAMPLES = [
    '<log level="full" category="WARN" separator=";"><property name="a" value="b"/></log>',
    '<property name="a" expression="json-eval($.a)" type="INTEGER" scope="axis2"/>',
    '<propertyGroup><property name="a" value="b"/></propertyGroup>',
    '<header name="X" scope="transport" value="1"/>',
    '<makefault version="pox"><reason value="r"/></makefault>',
    '<payloadFactory media-type="json"><format>{"a":$1}</format><args><arg value="1"/></args></payloadFactory>',
    '<enrich><source type="body"/><target type="property" property="p"/></enrich>',
    '<xslt key="k"><property name="a" value="b"/></xslt>',
    '<validate><schema key="k"/><resource location="l" key="m"/><on-fail><drop/></on-fail></validate>',
    '<jsontransform schema="s"/>',
    '<rewrite inProperty="a"><rewriterule><action fragment="host" value="h"/></rewriterule></rewrite>',
    '<datamapper config="a" inputSchema="b" outputSchema="c" inputType="XML" outputType="JSON"/>',
    '<xquery key="k"><variable name="v" type="INT" value="1"/></xquery>',
    '<fastXSLT key="k"/>',
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_written_reads_the_same(sample: str) -> None:
    def read(text: str) -> object:
        return parse_one(children(parse(text))[0], Reader("x.xml"))

    whole = f'<sequence xmlns="{SYNAPSE}">{sample}</sequence>'
    record = read(whole)
    written = serialise(record.write())  # type: ignore[attr-defined]
    again = read(f'<sequence xmlns="{SYNAPSE}">{written}</sequence>')
    assert serialise(again.write()) == written  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "bad", ['<log level="loud"/>', '<log category="SHOUT"/>', "<log><other/></log>", '<log><property name="a"/></log>']
)
def test_log_is_refused(bad: str) -> None:
    with pytest.raises(DeploymentError, match="allowed|required"):
        parse_one(children(parse(f'<sequence xmlns="{SYNAPSE}">{bad}</sequence>'))[0], Reader("x.xml"))


@covers("mediator.script.mc.getServiceLog")
async def test_scripts_write_into_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = "var log = mc.getServiceLog(); log.info('one\\nline ' + mc.getPayloadJSON().a); log.error('bad'); log.debug('no');"
    home = tmp_path / "home"
    write(home, "api", "t", f"{API}<script language='js'>{script}</script><respond/></inSequence></resource></api>")
    async with integrator(home) as running:
        with caplog.at_level(logging.INFO, "integrator.mediation"):
            await running.call("POST", "/t", {"content-type": "application/json"}, b'{"a": 5}')
    found = [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "integrator.mediation"]
    assert found == [("INFO", "one line 5"), ("ERROR", "bad")]


@pytest.mark.parametrize("body", ["while (true) {}", "return /^(a+)+$/.test('a'.repeat(60) + '!')"])
async def test_a_mapping_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(data_mapper, "SANDBOX", Sandbox(replace(data_mapper.LIMITS, seconds=0.2)))
    with pytest.raises(Fault, match="the mapping failed"):
        await data_mapper.evaluate(f"map_S_a_S_b = function () {{ {body} }};", "a", "b", "{}", "{}")
    assert await data_mapper.evaluate("map_S_a_S_b = function () { return 1 };", "a", "b", "{}", "{}") == "1"


@pytest.mark.parametrize(
    "evil", ["${" * 20_000, "<#--" * 20_000, "<#if " + "a " * 20_000, '${"a' * 20_000, "<#list" + " as" * 20_000 + ">"]
)
def test_a_wrong_template_is_refused_in_linear_time(evil: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError):
        Template(evil)
    assert time.process_time() - began < 5  # what is quadratic took 20 and 50 seconds here
