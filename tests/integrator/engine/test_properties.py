"""Properties whose effect shows only on the wire: early answers, and bodies whose length is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import backend, eventually, integrator, write
from wire.client import Limits

API = (
    '<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="POST"><inSequence>{}'
    '<call><endpoint><http method="POST" uri-template="{}/b"/></endpoint></call><respond/></inSequence></resource></api>'
)


async def chunks() -> AsyncIterator[bytes]:
    """A body of unknown length."""
    yield b"ab"
    yield b"cd"


@covers("prop.FORCE_SC_ACCEPTED")
async def test_accepted_at_once(tmp_path: Path) -> None:
    """The caller has its 202 before the backend answers, and the flow goes on behind it."""
    home = tmp_path / "home"
    async with backend([{"path": "/b", "status": 200, "body": "late"}]) as stub:
        early = '<property name="FORCE_SC_ACCEPTED" value="true" scope="axis2"/>'
        write(home, "api", "t", API.format(early, f"http://127.0.0.1:{stub.port}"))
        async with integrator(home) as running:
            answer = await running.call("POST", "/t", {"content-type": "text/plain"}, b"x")
            assert (answer.status, answer.body) == (202, b"")
            await eventually(lambda: [seen.body for seen in stub.seen] == [b"x"])


@covers("prop.DISABLE_CHUNKING", "prop.FORCE_HTTP_CONTENT_LENGTH")
@pytest.mark.parametrize("name", ["DISABLE_CHUNKING", "FORCE_HTTP_CONTENT_LENGTH", "none"])
async def test_length_is_told(tmp_path: Path, name: str) -> None:
    """A body that came in chunks goes on in chunks unless its length is asked for."""
    home = tmp_path / "home"
    async with backend([{"path": "/b", "status": 200, "body": "ok"}]) as stub:
        switch = f'<property name="{name}" value="true" scope="axis2"/>'
        write(home, "api", "t", API.format(switch, f"http://127.0.0.1:{stub.port}"))
        async with integrator(home) as running:
            url = f"http://127.0.0.1:{running.settings.http_port}/t"
            headers = [(b"content-type", b"text/plain")]
            response = await running.client.request("POST", url, headers, chunks(), Limits(connect=2, read=15))
            assert (response.status, await response.body()) == (200, b"ok")
            assert stub.seen[0].body == b"abcd"
            assert stub.seen[0].headers.get("content-length") == (None if name == "none" else "4")
