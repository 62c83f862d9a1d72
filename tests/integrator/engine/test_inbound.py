"""Inbound HTTP endpoints: a port of their own, opened and closed with the artifact."""

from __future__ import annotations

from pathlib import Path

from tests.integrator.engine.harness import eventually, integrator, write
from tests.support.ports import free_port
from wire.upstream import UpstreamError

NS = 'xmlns="http://ws.apache.org/ns/synapse"'


def text(value: str) -> str:
    """Steps that answer with a text."""
    return f'<payloadFactory media-type="text"><format>{value}</format><args/></payloadFactory><respond/>'


async def test_inbound(tmp_path: Path) -> None:
    """The sequence answers, except for paths that the pattern sends to the API."""
    home, port = tmp_path / "home", free_port()
    write(home, "sequences", "s", f'<sequence {NS} name="s">{text("sequence")}</sequence>')
    write(
        home,
        "api",
        "t",
        f'<api {NS} name="t" context="/t"><resource methods="GET"><inSequence>{text("api")}</inSequence></resource></api>',
    )
    inbound = (
        f'<inboundEndpoint {NS} name="i" protocol="http" sequence="s"><parameters><parameter name="inbound.http.port">{port}</parameter>'  # noqa: E501
        '<parameter name="dispatch.filter.pattern">/t.*</parameter></parameters></inboundEndpoint>'
    )
    async with integrator(home) as running:

        async def answer(path: str) -> str:
            try:
                return (await running.request(f"http://127.0.0.1:{port}{path}")).body.decode()
            except UpstreamError:
                return "closed"

        assert await answer("/t") == "closed"
        file = write(home, "inbound-endpoints", "i", inbound)

        async def opened() -> bool:
            return await answer("/t") == "api"

        async def closed() -> bool:
            return await answer("/t") == "closed"

        await eventually(opened)
        assert await answer("/x") == "sequence"
        file.unlink()
        await eventually(closed)
