"""What a trace shows of bodies that no step reads, of values that a step changes in place, and of messages of Python classes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from integrator.engine.content.payload import Payload
from integrator.engine.tracing.masking import MASK
from integrator.engine.tracing.peeking import BROKEN, ENCODED, PASSED, SHOWN, peek
from integrator.engine.tracing.record import Limits, Trace
from tests.integrator.engine.harness import eventually, write
from tests.integrator.traces.world import SYNAPSE, api, steps, world

LARGE = 300 * 1024
"""Bytes: more than the listener takes at once, so that the body stays on the wire."""


def through(chunks: str = "") -> str:
    """A flow that reads nothing."""
    address = f'<call>{chunks}<endpoint><http method="post" uri-template="{{backend}}/b"/></endpoint></call>'
    return f'<property name="n" value="1"/>{address}<respond/>'


async def test_a_body_that_no_step_reads(tmp_path: Path) -> None:
    """It goes through byte by byte, both ways; its beginning, masked, and its size are in the trace."""
    begin = b'{"user": "u", "password": "0123456789abcdef", "fill": "'
    sent = begin + bytes(65 + number % 26 for number in range(LARGE)) + b'"}'
    answered = "".join(chr(97 + number % 26) for number in range(LARGE))
    answers: list[dict[str, Any]] = [{"path": "/b", "body": answered, "headers": {"content-type": "text/plain"}}]
    async with world(tmp_path, {("api", "orders"): api(through())}, answers) as running:
        answer = await running.call(body=sent)
        trace = await running.newest()
        assert hashlib.sha256(running.stub.seen[0].body).digest() == hashlib.sha256(sent).digest()
    assert answer.body == answered.encode()
    request, response = trace["bodies"]
    assert (request["note"], request["size"], request["cut"]) == (PASSED, len(sent), True)
    assert request["text"].startswith('{"user": "u", "password": "***", "fill": "ABC')
    assert len(request["text"]) == SHOWN
    assert (response["note"], response["size"], response["contentType"]) == (PASSED, LARGE, "text/plain")
    assert response["text"] == answered[:SHOWN]


def passing(chunks: list[bytes], error: Exception | None = None, content_type: str = "text/plain") -> Payload:
    """A body on the wire."""

    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        if error is not None:
            raise error

    async def unread() -> bytes:
        return b"".join(chunks)

    payload = Payload(None, content_type)
    payload.unread, payload.chunks = unread, stream
    return payload


async def taken(payload: Payload) -> list[bytes]:
    """The chunks as whoever sends them on gets them."""
    assert payload.chunks is not None
    return [chunk async for chunk in payload.chunks()]


async def test_chunks_go_on_as_they_are() -> None:
    """Empty and split ones too; a body that is looked at twice is noted once; a copied secret is masked."""
    trace = Trace("t", "c", "", Limits(), secrets={"geheimnis"})
    payload = passing(chunks := [b"a", b"", b"geheim", b"nis\xc3", b"\xa4", b"x" * 5000])
    first = peek(payload, None, trace)
    payload.content_type = "text/html"
    second = peek(payload, None, trace)
    assert (first.text, first.size) == ("", -1)
    assert await taken(payload) == chunks
    assert first.text == second.text == f"a{MASK}ä{'x' * (SHOWN - 5)}"
    assert first.size == second.size == sum(map(len, chunks))


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_what_is_no_text_is_not_shown(encoding: str) -> None:
    """Compressed and binary bodies have a size only."""
    for payload, given in ((passing([b"abc"]), encoding), (passing([b"a\0c"]), None)):
        body = peek(payload, given, Trace("t", "c", "", Limits()))
        await taken(payload)
        assert (body.text, body.note, body.size) == ("", ENCODED, 3)


async def test_a_body_that_breaks_off() -> None:
    """Its error goes on as it is, and the trace says so."""
    payload = passing([b"abc"], ConnectionResetError("gone"))
    body = peek(payload, None, Trace("t", "c", "", Limits()))
    with pytest.raises(ConnectionResetError, match="gone"):
        await taken(payload)
    assert (body.text, body.note, body.size) == ("abc", BROKEN, -1)


async def test_a_full_trace_keeps_no_text() -> None:
    """The bound of a trace holds for these texts too."""
    payload = passing([b"abc"])
    body = peek(payload, None, Trace("t", "c", "", Limits(texts=SHOWN - 1)))
    assert await taken(payload) == [b"abc"]
    assert (body.text, body.size) == ("", 3)


async def test_values_that_are_changed_in_place(tmp_path: Path) -> None:
    """An element in a property and an object in a variable differ before and after the step that changed them inside."""
    flow = (
        '<property name="doc" type="OM"><o><i>1</i></o></property>'
        '<enrich><source type="inline"><i xmlns="">2</i></source><target action="child" xpath="$ctx:doc"/></enrich>'
        '<variable name="v" type="STRING" value="w"/>'
        "<respond/>"
    )
    async with world(tmp_path, {("api", "orders"): api(flow)}) as running:
        await running.call(body=b"{}")
        first, enrich, variable, _ = steps((await running.newest())["flow"])
    (made,) = (change for change in first["changes"] if change["name"] == "doc")
    assert (made["before"], made["after"].count("<i")) == (None, 1)
    (change,) = (change for change in enrich["changes"] if change["name"] == "doc")
    assert (change["before"].count(">1<"), change["before"].count(">2<")) == (1, 0)
    assert (change["after"].count(">1<"), change["after"].count(">2<")) == (1, 1)
    assert {"scope": "variable", "name": "v", "before": None, "after": "w"} in variable["changes"]


CLASS = """
class Once:
    def __init__(self, inlet):
        self.inlet, self.done = inlet, False
    def poll(self):
        if not self.done:
            self.done = True
            self.inlet.inject("<n>1</n>", "application/xml")
"""


async def test_messages_of_python_classes(tmp_path: Path) -> None:
    """An inbound endpoint that is a class is traced as others are."""
    (tmp_path / "home" / "python").mkdir(parents=True)
    (tmp_path / "home" / "python" / "house_of_traces.py").write_text(CLASS)
    write(tmp_path / "home", "sequences", "s", f'<sequence {SYNAPSE} name="s"><log level="full"/></sequence>')
    parameters = '<parameter name="inbound.behavior">polling</parameter><parameter name="interval">5</parameter>'
    text = (
        f'<inboundEndpoint {SYNAPSE} name="i" class="house_of_traces.Once" sequence="s" trace="enable">'
        f"<parameters>{parameters}</parameters></inboundEndpoint>"
    )
    settings = '[python]\npackages = ["house_of_traces"]\n'
    async with world(tmp_path, {("inbound-endpoints", "i"): text}, settings=settings) as running:
        tracing = running.running.service.engine.runtime.tracing
        await eventually(lambda: any(trace.outcome != "running" for trace in tracing.traces.values()))
        trace = await running.newest()
    assert (trace["artifact"], trace["outcome"]) == ("inbound-endpoint:i", "ok")
    assert [step["element"] for step in steps(trace["flow"])] == ["log"]
    assert trace["bodies"][0]["text"] == "<n>1</n>"
