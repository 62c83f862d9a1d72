"""The registry: how long content is kept, what its descriptor says, and what is only listed (reference 1.1, 5.7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api, put
from tests.integrator.engine.harness import integrator, write

PROVIDER = "org.wso2.micro.integrator.registry.MicroIntegratorRegistry"
SHOWN = (
    "<payloadFactory media-type=\"text\"><format>$1</format><args><arg expression=\"get-property('registry', 'conf:/a.txt')\"/>"
    "</args></payloadFactory><respond/>"
)


@covers("layout.registry.xml", "artifact.registry", "artifact.registry.cachableDuration")
@pytest.mark.parametrize(("duration", "seen"), [("0", b"two"), ("3600000", b"one")])
@pytest.mark.parametrize("inline", [True, False])
async def test_how_long_content_is_kept(tmp_path: Path, duration: str, seen: bytes, inline: bool) -> None:
    """A changed file is seen when cachableDuration is over; registry.xml and synapse.xml may both say it."""
    home = tmp_path / "home"
    text = f'<registry {NS} provider="{PROVIDER}"><parameter name="cachableDuration">{duration}</parameter></registry>'
    inner = f"<definitions {NS}>{text}</definitions>"
    write(home, "../default", "synapse" if inline else "registry", inner if inline else text)
    write(home, "api", "a", api("a", SHOWN))
    file = write(home, "registry", "config/a.txt", "one")
    async with integrator(home) as running:
        assert running.service.engine.deployment.errors == ()
        assert (await running.call("GET", "/a")).body == b"one"
        file.write_text("two")
        assert (await running.call("GET", "/a")).body == seen


@pytest.mark.parametrize("duration", ["soon", "-1"])
async def test_a_wrong_duration(tmp_path: Path, duration: str) -> None:
    """It is refused with its line."""
    text = f'<registry {NS}>\n<parameter name="cachableDuration">{duration}</parameter></registry>'
    write(tmp_path / "home", "../default", "registry", text)
    async with integrator(tmp_path / "home") as running:
        assert "registry.xml:2 <parameter>: parameter cachableDuration" in str(
            running.service.engine.deployment.errors[0]
        )


@covers("layout.axis2services")
async def test_what_is_only_listed(tmp_path: Path) -> None:
    """Archives of Axis2 services, user stores: refused by name, with what takes their place."""
    home = tmp_path / "home"
    put(home, "axis2services", "old.aar", b"PK")
    put(home, "userstores", "second.xml", b"<UserStoreManager/>")
    async with integrator(home) as running:
        refused = [str(error).rpartition("server/")[2] for error in running.service.engine.deployment.errors]
        assert [text.partition(";")[0] for text in refused] == [
            "axis2services/old.aar: an Axis2 service is for a Java server",
            "userstores/second.xml: user stores are not read here",
        ]
