"""A callout that signs what it sends."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from integrator.engine.wss.inbound import enforce
from integrator.engine.wss.replay import Nonces
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import backend, integrator, write
from tests.integrator.engine.wss.parties import SIGNED, asymmetric, policy, policy_text, private, store, write_p12

SYNAPSE = "http://ws.apache.org/ns/synapse"
API = f"""<api xmlns="{SYNAPSE}" name="t" context="/t"><resource methods="POST"><inSequence>
<callout serviceURL="{{url}}" action="urn:order"><source xpath="$body/*/part"/><target key="got"/>
<enableSec outboundPolicy="sec"/>
</callout><respond/></inSequence></resource></api>"""
TOML = """
[keystore.primary]
file_name = "client.jks"
password = "changeit"
alias = "client"
[truststore]
file_name = "trust.pem"
"""


@covers("mediator.callout.enableSec")
async def test_the_request_is_signed(tmp_path: Path) -> None:
    """The service sees a signature of our key over the part that was sent; the message itself stays as it was."""
    rules = asymmetric() + SIGNED
    async with backend([{"path": "/s", "body": "<ok/>", "headers": {"content-type": "application/xml"}}]) as stub:
        home = tmp_path / "home"
        write(home, "api", "t", API.replace("{url}", f"http://127.0.0.1:{stub.port}/s"))
        text = policy_text(rules, "client", "server")
        write(home, "local-entries", "sec", f'<localEntry xmlns="{SYNAPSE}" key="sec">{text}</localEntry>')
        write(home, "conf", "deployment.toml", TOML)
        folder = home / "repository/resources/security"
        write_p12(folder / "client.p12", "client")
        (folder / "trust.pem").write_bytes(private("server").certificate.pem)
        async with integrator(home) as running:
            body = b"<a><part>1</part></a>"
            answer = await running.call("POST", "/t", {"content-type": "application/xml"}, body)
            assert (answer.status, answer.body) == (200, body)
        request = etree.fromstring(stub.seen[0].body)
        enforce(request, policy(rules, "server"), store("server", "client"), lambda _: None, Nonces())
        assert request.findtext(".//part") == "1"
