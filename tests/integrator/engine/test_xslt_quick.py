"""A stylesheet gives the same on the message's own thread, where a quick one runs later, as on another the first time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant
from integrator.engine.mediators import xslt
from integrator.engine.mediators.xslt import Xslt
from integrator.engine.message import Message

XSL = 'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
COPY = '<out a="{name(*)}"><xsl:copy-of select="*"/></out>'
SHEETS = {
    "element": COPY,
    "declared": '<xsl:output encoding="UTF-8"/>' + COPY,
    "other charset": '<xsl:output encoding="UTF-16"/>' + COPY,
    "undeclared": '<xsl:output omit-xml-declaration="yes"/>' + COPY,
    "indented": '<xsl:output indent="yes" omit-xml-declaration="yes"/>' + COPY,
    "html": '<xsl:output method="html"/><html><body><br/></body></html>',
    "html unsaid": "<html><body><br/></body></html>",
    "text": '<xsl:output method="text"/>plain <xsl:value-of select="name(*)"/>',
    "markup as text": '<xsl:output method="text"/>&lt;a&gt;1&lt;/a&gt;',
    "unescaped": '<a><xsl:text disable-output-escaping="yes">&lt;b/&gt;</xsl:text></a>',
    "comment first": '<xsl:comment>c</xsl:comment><a xmlns="urn:a"/>',
    "comment last": "<a/><xsl:comment>c</xsl:comment>",
    "text first": "text<a/>",
    "two": "<a/><b/>",
    "nothing": "",
    "outside": '<n><xsl:value-of select="count(comment())"/><xsl:value-of select="count(processing-instruction())"/></n>',
    "parameter": '<p><xsl:value-of select="$given"/></p>',
    "given up": '<xsl:message terminate="yes">no</xsl:message>',
}
BODIES = {
    "plain": ("application/xml", "<order><id>1</id></order>"),
    "declared": ("application/xml", '<?xml version="1.0"?>\n<order xmlns:x="urn:x"><x:id>1</x:id></order>'),
    "with a comment": ("application/xml", "<!-- c --><order/><?p i?>"),
    "other charset": ("application/xml; charset=ISO-8859-1", "<order>grün</order>"),
    "other type": ("application/vnd.order+xml", "<order/>"),
    "soap": ("text/xml", f'<s:Envelope xmlns:s="{SOAP}"><s:Body><order/></s:Body></s:Envelope>'),
    "json": ("application/json", '{"order":{"id":1}}'),
    "none": ("application/xml", ""),
}


def _sheet(name: str) -> str:
    before, found, rest = (
        SHEETS[name].partition("/>") if SHEETS[name].startswith("<xsl:output") else ("", "", SHEETS[name])
    )
    return (
        f'<xsl:stylesheet version="1.0" {XSL}><!-- {name} -->{before}{found}<xsl:param name="given"/>'
        f'<xsl:template match="/">{rest}</xsl:template></xsl:stylesheet>'
    )


async def _run(sheet: str, body: str, ran: list[str]) -> Any:
    async def elsewhere(function: Any, *words: Any) -> Any:
        ran.append("elsewhere")
        return function(*words)

    runtime = SimpleNamespace(run=elsewhere)
    flow: Any = SimpleNamespace(deployment=SimpleNamespace(entry_text=lambda name: sheet, runtime=runtime))
    kind, text = BODIES[body]
    message = Message(flow, Payload(text.encode("latin-1" if "8859" in kind else "utf-8"), kind))
    nothing: Any = None
    given = (("given", Constant("it's")),)
    step = Xslt(
        place=nothing, source=nothing, key=Constant("k"), origin=None, target="", properties=given, resources=()
    ).compile()
    try:
        result: Any = step(message)
        await result
    except Fault as fault:
        return fault.message, message.payload.built, write(message.payload, "")
    payload = message.payload
    return write(payload, ""), payload.content_type, payload.pox, payload.built, message.axis2


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", SHEETS)
async def test_here_as_elsewhere(name: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for clock in ("thread_time", "perf_counter"):
        monkeypatch.setattr(xslt, clock, lambda: 0.0)  # every run is quick, whatever the machine
    sheet, ran = _sheet(name).replace("<!-- ", f"<!-- {body} "), []
    first = await _run(sheet, body, ran)
    later = [await _run(sheet, body, ran) for _ in range(2)]
    assert later == [first, first]
    if body == "plain" and name != "given up":
        assert len(ran) == 1, "runs after the first are on the message's own thread"
