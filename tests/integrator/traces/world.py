"""An integrator with a home of a few artifacts, and its management API with an administrator logged in."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integrator.engine.harness import Answer, Backend, Running, backend, integrator, write
from wire.client import Client

SYNAPSE = 'xmlns="http://ws.apache.org/ns/synapse"'
USERS = """[[internal_apis.users]]
user.name = "ann"
user.password = "right-password"
user.is_admin = true
[[internal_apis.users]]
user.name = "bob"
user.password = "other-password"
user.is_admin = false
"""


def api(flow: str, *, name: str = "orders", trace: bool = True, fault: str = "") -> str:
    """An API at /NAME whose only resource runs a flow."""
    switch = ' trace="enable"' if trace else ""
    wrong = f"<faultSequence>{fault}</faultSequence>" if fault else ""
    methods = 'methods="GET POST" uri-template="/*"'
    inner = f"<resource {methods}><inSequence>{flow}</inSequence>{wrong}</resource>"
    return f'<api {SYNAPSE} name="{name}" context="/{name}"{switch}>{inner}</api>'


@dataclass
class World:
    """The integrator, its backend, and calls to its management API."""

    running: Running
    stub: Backend
    home: Path

    async def call(self, path: str = "/orders/1", body: bytes | None = None, **headers: str) -> Answer:
        """One request; with a body it is a POST of JSON unless `content_type` says otherwise."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            given.setdefault("content-type", "application/json")
        return await self.running.call("POST" if body is not None else "GET", path, given, body)

    async def manage(
        self, path: str, method: str = "GET", body: Any = None, user: str = "ann:right-password"
    ) -> tuple[int, Any]:
        """Status and JSON of the management API, logged in as an administrator."""
        basic = f"Basic {base64.b64encode(user.encode()).decode()}"
        _, given = await self._ask("/login", "GET", basic, None)
        return await self._ask(path, method, f"Bearer {given['AccessToken']}", body)

    async def _ask(self, path: str, method: str, authorization: str, body: Any) -> tuple[int, Any]:
        url = f"https://localhost:{self.running.settings.management_port}/management{path}"
        data = None if body is None else json.dumps(body).encode()
        answer = await self.running.request(url, method, {"authorization": authorization}, data)
        return answer.status, json.loads(answer.body or b"{}")

    async def traces(self, query: str = "") -> list[dict[str, Any]]:
        """The traces that are kept, newest first."""
        status, found = await self.manage(f"/traces{query}")
        assert status == 200, found
        listed: list[dict[str, Any]] = found["list"]
        return listed

    async def newest(self) -> dict[str, Any]:
        """The whole of the newest trace."""
        listed = await self.traces()
        status, found = await self.manage(f"/traces/{listed[0]['id']}")
        assert status == 200, found
        trace: dict[str, Any] = found
        return trace


@asynccontextmanager
async def world(
    folder: Path, artifacts: dict[tuple[str, str], str], answers: list[dict[str, Any]] | None = None, settings: str = ""
) -> AsyncIterator[World]:
    """Deploy artifacts by (kind, name); `{backend}` in them stands for the backend's address."""
    home = folder / "home"
    write(home, "conf", "deployment.toml", f"{settings}\n{USERS}")
    async with backend(
        answers or [{"path": "/b", "body": '{"a":1}', "headers": {"content-type": "application/json"}}]
    ) as stub:
        for (kind, name), text in artifacts.items():
            write(home, kind, name, text.replace("{backend}", f"http://127.0.0.1:{stub.port}"))
        async with integrator(home) as running:
            context = ssl.create_default_context(cafile=str(running.settings.secrets / "tls.crt"))
            running.client = Client(tls=context)
            try:
                yield World(running, stub, home)
            finally:
                await running.client.close()


def steps(group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a flow, in the order in which they are shown."""
    for step in group["steps"]:
        yield step
        for inner in step["groups"]:
            yield from steps(inner)
    for inner in group["groups"]:
        yield from steps(inner)


def labels(group: dict[str, Any]) -> list[Any]:
    """The shape of a flow: labels of lists, elements of steps, nested."""
    found: list[Any] = [group["label"]]
    for step in group["steps"]:
        inner = [labels(item) for item in step["groups"]]
        found.append([step["element"], *inner] if inner else step["element"])
    return found + [labels(item) for item in group["groups"]]
