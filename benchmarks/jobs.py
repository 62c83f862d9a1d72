"""The jobs that the integrator is measured at: what runs, what is sent, and the share of nginx's rate that is asked."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.peers import BODY_BYTES

API = """\
<api xmlns="http://ws.apache.org/ns/synapse" name="{name}" context="/{name}">
  <resource methods="GET POST" uri-template="/orders">
    <inSequence>
      {steps}
      <respond/>
    </inSequence>
  </resource>
</api>
"""
CALL = '<call><endpoint><http method="{method}" uri-template="http://127.0.0.1:{backend}/{path}"/></endpoint></call>'
HEADER = """\
<switch source="$trp:X-Kind">
        <case regex="retail"><property name="route" value="retail"/></case>
        <case regex="wholesale"><property name="route" value="wholesale"/></case>
        <default><property name="route" value="other"/></default>
      </switch>"""
CONTENT = HEADER.replace("$trp:X-Kind", "json-eval($.order.kind)")
FACTORY = """\
<payloadFactory media-type="json">
        <format>{"id": "$1", "lines": $2, "kind": "$3"}</format>
        <args><arg evaluator="json" expression="$.order.id"/><arg evaluator="json" expression="$.order.lines"/>
          <arg evaluator="json" expression="$.order.kind"/></args>
      </payloadFactory>"""
SOAP = """\
<payloadFactory media-type="xml">
        <format><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header/><soapenv:Body>
          <place xmlns="urn:orders"><id>$1</id><kind>$2</kind></place></soapenv:Body></soapenv:Envelope></format>
        <args><arg evaluator="json" expression="$.order.id"/><arg evaluator="json" expression="$.order.kind"/></args>
      </payloadFactory>
      <header name="Action" value="urn:place"/>
      <property name="messageType" value="text/xml" scope="axis2"/>"""
AS_JSON = '<property name="messageType" value="application/json" scope="axis2"/>'
XSLT = '<xslt key="orders.xsl"/>'
STYLESHEET = """\
<localEntry xmlns="http://ws.apache.org/ns/synapse" key="orders.xsl"><xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:output method="xml" omit-xml-declaration="yes"/>
  <xsl:template match="/order"><placed><xsl:attribute name="id"><xsl:value-of select="id"/></xsl:attribute>
    <xsl:for-each select="lines/line"><item><xsl:value-of select="."/></item></xsl:for-each></placed></xsl:template>
</xsl:stylesheet></localEntry>
"""
SPLIT = """\
<iterate expression="json-eval($.order.lines)" id="lines"><target><sequence>
        <call><endpoint><http method="post" uri-template="http://127.0.0.1:{backend}/orders"/></endpoint></call>
      </sequence></target></iterate>
      <aggregate id="lines"><completeCondition><messageCount min="10" max="10"/></completeCondition>
        <onComplete expression="json-eval($)"><respond/></onComplete></aggregate>"""


@dataclass(frozen=True)
class Job:
    """One API and one request. `asked` is the least share of nginx's requests a second on the same core."""

    name: str
    before: str
    asked: float
    method: str = "post"
    body: str = "json"
    after: str = ""
    path: str = "orders"
    calls: bool = True

    @property
    def context(self) -> str:
        """Context of its API."""
        return self.name.replace("_", "")

    def api(self, backend: int) -> str:
        """The artifact."""
        steps = "\n      ".join((self.before, CALL, self.after)) if self.calls else self.before
        told = {"{method}": self.method, "{backend}": str(backend), "{path}": self.path}
        for name, value in told.items():
            steps = steps.replace(name, value)
        return API.format(name=self.context, steps=steps)


JOBS = (
    Job("pass_through", "", 0.35, method="get"),
    Job("header_routing", HEADER, 0.30, method="get"),
    Job("json_switch", CONTENT, 0.20),
    Job("payload_factory", FACTORY, 0.15),
    Job("soap_call", SOAP, 0.10, path="soap", after=AS_JSON),
    Job("xslt", XSLT, 0.10, body="xml"),
    Job("iterate_aggregate", SPLIT, 0.02, calls=False),
)


def json_order(size: int = BODY_BYTES) -> str:
    """A JSON order with ten lines, of `size` bytes."""
    lines = ",".join(f'{{"sku":"s{number}","quantity":{number}}}' for number in range(10))
    head = f'{{"order":{{"id":"o-1","kind":"wholesale","lines":[{lines}],"note":"'
    return head + "x" * (size - len(head) - 3) + '"}}'


def xml_order(size: int = BODY_BYTES) -> str:
    """An XML order with ten lines, of `size` bytes."""
    lines = "".join(f"<line>s{number}</line>" for number in range(10))
    head, tail = f"<order><id>o-1</id><lines>{lines}</lines><note>", "</note></order>"
    return head + "x" * (size - len(head) - len(tail)) + tail


def payload(job: Job, size: int = BODY_BYTES) -> tuple[str, str]:
    """Media type and text of its request."""
    return ("application/xml", xml_order(size)) if job.body == "xml" else ("application/json", json_order(size))
