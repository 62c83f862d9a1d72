"""Bodies longer than what is taken at once: written in another form they are read whole first, passed on they are streamed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integrator.engine.harness import backend, integrator, write

PROXY = (
    '<proxy xmlns="http://ws.apache.org/ns/synapse" name="{name}"><target><inSequence>{steps}'
    '<call><endpoint><address uri="http://127.0.0.1:{port}/b" {more}/></endpoint></call><respond/></inSequence></target></proxy>'
)
LONG = 400 * 1024


async def test_long_body_in_another_form(tmp_path: Path) -> None:
    """messageType, an endpoint's format and MTOM on a body that nobody read yet."""
    text = "x" * LONG
    async with backend([{"path": "/b", "headers": {"content-type": "text/plain"}, "body": "ok"}]) as stub:
        home = tmp_path / "home"
        xml = '<property name="messageType" value="application/xml" scope="axis2"/>'
        mtom = '<property name="enableMTOM" value="true" scope="axis2"/>'
        for name, steps, more in (
            ("x", xml, ""),
            ("s", "", 'format="soap11"'),
            ("m", mtom, ""),
            ("o", "", 'optimize="mtom"'),
        ):
            write(home, "proxy-services", name, PROXY.format(name=name, steps=steps, more=more, port=stub.port))
        async with integrator(home) as running:
            for name, wanted in (("x", b"<a>"), ("s", b"Envelope"), ("m", b"xop+xml"), ("o", b"xop+xml")):
                stub.seen.clear()
                body = json.dumps({"a": text}).encode()
                answer = await running.call("POST", f"/services/{name}", {"content-type": "application/json"}, body)
                assert (answer.status, answer.body) == (200, b"ok")
                assert wanted in stub.seen[0].body[:2000], (name, stub.seen[0].body[:200])
                assert text.encode() in stub.seen[0].body


async def test_answer_in_another_form(tmp_path: Path) -> None:
    """The same for answers."""
    body = json.dumps({"a": "y" * LONG})
    async with backend([{"path": "/b", "headers": {"content-type": "application/json"}, "body": body}]) as stub:
        home = tmp_path / "home"
        text = PROXY.format(name="x", steps="", more="", port=stub.port)
        xml = '<property name="messageType" value="application/xml" scope="axis2"/><respond/>'
        write(home, "proxy-services", "x", text.replace("<respond/>", xml))
        async with integrator(home) as running:
            answer = await running.call("POST", "/services/x", {"content-type": "application/json"}, b"{}")
            assert answer.body.startswith(b"<")
            assert answer.headers["content-type"].startswith("application/xml")
            assert len(answer.body) > LONG
