"""Inbound HTTP endpoints: a port of their own, opened and closed with the artifact."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import eventually, integrator, write
from tests.support.ports import free_port
from wire.client import Client
from wire.upstream import UpstreamError

NS = 'xmlns="http://ws.apache.org/ns/synapse"'


def text(value: str) -> str:
    """Steps that answer with a text."""
    return f'<payloadFactory media-type="text"><format>{value}</format><args/></payloadFactory><respond/>'


@covers("inbound.http", "inbound.common.sequence", "artifact.inboundEndpoint", "layout.inbound-endpoints")
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


def artifact(name: str, protocol: str, port: int, attributes: str = "") -> str:
    """An inbound endpoint of one port."""
    parameter = f'<parameter name="inbound.http.port">{port}</parameter>'
    head = f'<inboundEndpoint {NS} name="{name}" protocol="{protocol}" {attributes}>'
    return f"{head}<parameters>{parameter}</parameters></inboundEndpoint>"


@covers(
    "inbound.https", "inbound.common.onError", "inbound.common.suspend", "prop.inbound.endpoint.name", "prop.isInbound"
)
async def test_https_fault_and_suspension(tmp_path: Path) -> None:
    """A TLS port answers, its fault sequence handles what fails, a suspended one stays closed."""
    home, port, closed = tmp_path / "home", free_port(), free_port()
    shown = (
        '<payloadFactory media-type="text"><format>$1 $2 $3</format><args><arg expression="$ctx:inbound.endpoint.name"/>'
        '<arg expression="$ctx:isInbound"/><arg expression="$ctx:TRANSPORT_IN_NAME"/></args></payloadFactory><respond/>'
    )
    broken = '<filter source="get-property(\'To\')" regex="/bad"><then><sequence key="missing"/></then></filter>'
    write(home, "sequences", "s", f'<sequence {NS} name="s">{broken}{shown}</sequence>')
    write(home, "sequences", "h", f'<sequence {NS} name="h">{text("handled")}</sequence>')
    write(home, "inbound-endpoints", "i", artifact("i", "https", port, 'sequence="s" onError="h"'))
    write(home, "inbound-endpoints", "off", artifact("off", "http", closed, 'sequence="s" suspend="true"'))
    write(home, "inbound-endpoints", "bad", artifact("bad", "gopher", 1, 'sequence="s"'))
    write(home, "inbound-endpoints", "none", artifact("none", "http", 0, 'sequence="s"'))
    async with integrator(home) as running:
        refused = [str(error) for error in running.service.engine.deployment.errors]
        assert [any(mark in error for error in refused) for mark in ("'gopher': allowed", "'0': allowed")] == [
            True,
            True,
        ]
        trusted = ssl.create_default_context(cafile=str(running.settings.secrets / "tls.crt"))
        running.client = Client(tls=trusted)

        async def answer(path: str) -> str:
            try:
                return (await running.request(f"https://localhost:{port}{path}")).body.decode()
            except UpstreamError:
                return "closed"

        async def opened() -> bool:
            return await answer("/") == "i true https"

        await eventually(opened)
        assert await answer("/bad") == "handled"
        with pytest.raises(UpstreamError):
            await running.request(f"http://127.0.0.1:{closed}/")
