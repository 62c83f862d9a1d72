"""enableAddressing separateListener="true": the backend accepts, and brings its answer later to the address it was told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from lxml import etree

from tests.integrator.engine.harness import backend, eventually, integrator, write

PROXY = (
    '<proxy xmlns="http://ws.apache.org/ns/synapse" name="p"><target><inSequence><call>'
    '<endpoint><address uri="{uri}/b" format="soap11">'
    '<enableAddressing separateListener="true"/></address></endpoint></call>'
    '<property name="X-Relates" expression="get-property(\'RelatesTo\')" scope="transport"/>'
    "<respond/></inSequence></target></proxy>"
)
WSA = "{http://www.w3.org/2005/08/addressing}"
ANSWER = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="http://www.w3.org/2005/08/addressing">'
    "<s:Header><w:RelatesTo>{relates}</w:RelatesTo></s:Header><s:Body><late>1</late></s:Body></s:Envelope>"
)
SOAP = {"content-type": "text/xml", "soapaction": '""'}


async def test_a_late_answer(tmp_path: Path) -> None:
    """It becomes the answer of the call; the address is good once, and no other is."""
    async with backend([{"path": "/b", "status": 202}]) as stub:
        write(tmp_path / "home", "proxy-services", "p", PROXY.format(uri=f"http://127.0.0.1:{stub.port}"))
        async with integrator(tmp_path / "home") as running:
            called = asyncio.create_task(
                running.call("POST", "/services/p", {"content-type": "application/xml"}, b"<a/>")
            )
            await eventually(lambda: stub.seen)
            sent = etree.fromstring(stub.seen[0].body)
            address = str(sent.findtext(f".//{WSA}ReplyTo/{WSA}Address")).replace("localhost", "127.0.0.1")
            assert (await running.request(address + "x", "POST", SOAP, b"<x/>")).status == 404
            body = ANSWER.format(relates=sent.findtext(f".//{WSA}MessageID")).encode()
            assert (await running.request(address, "POST", SOAP, body)).status == 202
            answer = await called
            assert (answer.status, b"<late>1</late>" in answer.body) == (200, True)
            assert answer.headers["x-relates"] == sent.findtext(f".//{WSA}MessageID")
            assert (await running.request(address, "POST", SOAP, body)).status == 404


async def test_an_answer_at_once_and_none_at_all(tmp_path: Path) -> None:
    """A backend that answers on the connection is heard; one that never answers is a time-out."""
    answers: list[dict[str, Any]] = [{"path": "/b", "headers": SOAP, "body": ANSWER.format(relates="urn:1")}]
    async with backend(answers) as stub:
        write(tmp_path / "home", "proxy-services", "p", PROXY.format(uri=f"http://127.0.0.1:{stub.port}"))
        async with integrator(tmp_path / "home", global_timeout_ms=300) as running:
            at_once = await running.call("POST", "/services/p", {"content-type": "application/xml"}, b"<a/>")
            assert (at_once.status, b"<late>1</late>" in at_once.body) == (200, True)
            answers[0] = {"path": "/b", "status": 202}
            never = await running.call("POST", "/services/p", {"content-type": "application/xml"}, b"<a/>")
            assert (never.status, b"101504" in never.body) == (500, True)
