"""What strangers can send to these mediators: answers of helpers, policies and mapping models are data, not orders."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrator.engine.content import attachments
from integrator.engine.content.attachments import Part
from integrator.engine.content.edi import read_model
from integrator.engine.content.smooks import CsvReader
from integrator.engine.errors import BadPayload, DeploymentError
from integrator.engine.mediators.throttle import MAX_COUNTERS, Gauge
from integrator.engine.reader import read_xml
from integrator.engine.xmltools import XmlError, parse
from tests.integrator.engine.harness import backend, integrator, write

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET POST"><inSequence>
{flow}<respond/>
</inSequence><faultSequence><header name="M" expression="$ctx:ERROR_MESSAGE" scope="transport"/><respond/></faultSequence>
</resource></api>"""
PDP = '<entitlementService remoteServiceUrl="{url}" remoteServiceUserName="a" remoteServicePassword="b"/>'
BOMB = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
    '<!ENTITY f SYSTEM "file:///etc/passwd">]><Response><Decision>&f;&b;Permit</Decision></Response>'
)


@pytest.mark.parametrize(
    "body",
    [BOMB, "<Response>" * 3000, "not XML", "", "<Response/>", "<Response><Decision>permit </Decision></Response>"],
)
async def test_a_strange_answer_of_the_policy_server_permits_nothing(tmp_path: Path, body: str) -> None:
    """Entities, depth, nonsense, and a decision that is nearly Permit."""
    async with backend([{"body": body, "headers": {"content-type": "text/xml"}}]) as stub:
        url = f"http://127.0.0.1:{stub.port}"
        write(
            tmp_path / "home",
            "api",
            "t",
            API.format(flow=PDP.format(url=url) + '<header name="In" value="1" scope="transport"/>'),
        )
        async with integrator(tmp_path / "home") as running:
            answer = await running.call("GET", "/t")
            assert "in" not in answer.headers
            assert "aaaaaaaaaa" not in answer.headers["m"]
            assert "root:" not in answer.headers["m"]


async def test_sql_parameters_are_values(tmp_path: Path) -> None:
    """What a caller sends never becomes SQL."""
    pool = f"<connection><pool><driver>x</driver><url>jdbc:sqlite:{tmp_path}/d.db</url><user/><password/></pool></connection>"
    flow = (
        f"<dbreport>{pool}<statement><sql>create table if not exists c(n text)</sql></statement><statement>"
        '<sql>insert into c values(?)</sql><parameter expression="$ctx:query.param.n" type="VARCHAR"/></statement></dbreport>'
        f"<dblookup>{pool}<statement><sql>select n, (select count(*) from c) as k from c order by rowid desc</sql>"
        '<result name="n" column="n"/><result name="k" column="k"/></statement></dblookup>'
        '<header name="N" expression="$ctx:n" scope="transport"/><header name="K" expression="$ctx:k" scope="transport"/>'
    )
    write(tmp_path / "home", "api", "t", API.format(flow=flow))
    async with integrator(tmp_path / "home") as running:
        for number, text in enumerate(["x'); drop table c; --", "? ' %s :n", "1"], 1):
            answer = await running.call("GET", "/t?n=" + "".join(f"%{byte:02x}" for byte in text.encode()))
            assert (answer.headers["n"], answer.headers["k"]) == (text, str(number))


def test_a_long_csv_field_is_refused() -> None:
    """Memory is bounded, also within one field."""
    with pytest.raises(BadPayload, match="field larger than field limit"):
        CsvReader(("a",)).read('"' + "x" * 2_000_000 + '"')
    assert len(CsvReader(("a",)).read("1\x00\n2\x08")) == 2


def test_a_deep_mapping_model_is_refused() -> None:
    """Nesting has an end, and names of elements are names."""
    start = '<edimap><delimiters field="*"/><segments xmltag="r">'
    deep = start + '<segment segcode="A" xmltag="a">' * 30 + "</segment>" * 30 + "</segments></edimap>"
    with pytest.raises(DeploymentError, match="nested more than 20 deep"):
        read_model(*read_xml(deep, "m"))
    with pytest.raises(DeploymentError, match="the name of an element is expected"):
        read_model(*read_xml(start.replace('"r"', '"r x=1"') + "</segments></edimap>", "m"))


def test_counters_of_a_throttle_are_bounded() -> None:
    """However many rules and artifacts there are."""
    gauge = Gauge()
    for number in range(MAX_COUNTERS + 100):
        gauge.counter(str(number))
    assert len(gauge.counters) == MAX_COUNTERS


def test_a_policy_with_entities_is_refused() -> None:
    """Policies of the registry are read by the same parser as everything else."""
    with pytest.raises(XmlError, match="DTD"):
        parse('<!DOCTYPE p [<!ENTITY x "y">]><p>&x;</p>')


def test_one_part_in_many_places_does_not_swell() -> None:
    """A part may be included more than once, but the envelope cannot become many times what came."""
    include = f'<i:Include xmlns:i="{attachments.XOP}" href="cid:a"/>'
    part = Part("a", "image/png", b"x" * 1000)
    root, _ = attachments.read(f"<r><d>{include}</d><d>{include}</d></r>".encode(), [part])
    assert len({item.text for item in root}) == 1
    with pytest.raises(BadPayload, match="more than 4 times over"):
        attachments.read(f"<r>{f'<d>{include}</d>' * 5}</r>".encode(), [part])
