"""A running integrator with one API per flow and its connections, for the connectors' tests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integrator.engine.harness import Answer, Running, integrator, write

NS = "http://ws.apache.org/ns/synapse"
FAULT = (
    '<payloadFactory media-type="json"><format>{"code":"$1","message":"$2","detail":"$3"}</format><args>'
    '<arg expression="$ctx:ERROR_CODE"/><arg expression="$ctx:ERROR_MESSAGE"/><arg expression="$ctx:ERROR_DETAIL"/>'
    '</args></payloadFactory><property name="HTTP_SC" value="500" scope="axis2"/><respond/>'
)


@dataclass
class Flows:
    """Calls flows by name."""

    running: Running

    async def post(self, name: str, body: Any = None, content_type: str = "application/json") -> Answer:
        """Run a flow with a body (a value is sent as JSON)."""
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return await self.running.call("POST", f"/{name}", {"content-type": content_type}, data)

    async def json(self, name: str, body: Any = None) -> Any:
        """The JSON answer of a flow that must succeed."""
        answer = await self.post(name, body)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    async def fault(self, name: str, body: Any = None) -> dict[str, str]:
        """Code, message and detail of a flow that must fail."""
        answer = await self.post(name, body)
        assert answer.status == 500, answer
        found: dict[str, str] = json.loads(answer.body)
        return found


def api(name: str, steps: str) -> str:
    """An API whose one resource runs the steps and responds; faults are told as JSON."""
    return (
        f'<api xmlns="{NS}" name="{name}" context="/{name}"><resource methods="POST" uri-template="/*">'
        f"<inSequence>{steps}<respond/></inSequence><faultSequence>{FAULT}</faultSequence></resource></api>"
    )


def deploy(home: Path, flows: dict[str, str], connections: dict[str, str] | None = None, toml: str = "") -> None:
    """Write flows, local entries and the configuration."""
    for name, steps in flows.items():
        write(home, "api", name, api(name, steps))
    for key, text in (connections or {}).items():
        write(home, "local-entries", key, f'<localEntry xmlns="{NS}" key="{key}">{text}</localEntry>')
    if toml:
        write(home, "conf", "deployment.toml", toml)


@asynccontextmanager
async def flows_of(
    home: Path, flows: dict[str, str], connections: dict[str, str] | None = None, toml: str = "", **settings: Any
) -> AsyncIterator[Flows]:
    """An integrator in which all of them are deployed."""
    deploy(home, flows, connections, toml)
    async with integrator(home, **settings) as running:
        assert [str(error) for error in running.service.engine.deployment.errors] == []
        yield Flows(running)


async def refusals(home: Path, flows: dict[str, str], connections: dict[str, str] | None = None) -> list[str]:
    """Why files were refused."""
    deploy(home, flows, connections)
    async with integrator(home) as running:
        return [str(error) for error in running.service.engine.deployment.errors]
