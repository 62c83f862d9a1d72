"""An integrator whose home holds one artifact of each kind, and people who are logged in to its management API."""

from __future__ import annotations

import base64
import io
import json
import ssl
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integrator.engine.harness import SERVER, Answer, Running, integrator, write
from tests.support.ports import free_port
from wire.client import Client

NS = 'xmlns="http://ws.apache.org/ns/synapse"'
TOML = """
[[internal_apis.users]]
user.name = "ann"
user.password = "secret"
user.is_admin = true
[[internal_apis.users]]
user.name = "bob"
user.password = "secret2"
[[datasource]]
id = "Numbers"
url = "jdbc:mysql://db:3306/numbers?password=hunter2"
username = "reader"
password = "hunter2"
"""
REPLY = '<payloadFactory media-type="json"><format>{"ok": true}</format><args/></payloadFactory><respond/>'
ARTIFACTS = {
    "api": f'<api {NS} name="shop" context="/shop"><resource methods="GET POST" uri-template="/a"><inSequence>{REPLY}'
    '</inSequence></resource><resource methods="GET" uri-template="/bad"><inSequence><sequence key="none"/></inSequence>'
    "</resource></api>",
    "proxy-services": f'<proxy {NS} name="quotes" transports="http https"><target><inSequence>{REPLY}</inSequence></target>'
    "</proxy>",
    "sequences": f'<sequence {NS} name="stamp" statistics="enable"><property name="a" value="b"/><log/></sequence>',
    "endpoints": f'<endpoint {NS} name="store"><address uri="http://127.0.0.1:9/x"/></endpoint>',
    "local-entries": f'<localEntry {NS} key="greeting">hello</localEntry>',
    "templates": f'<template {NS} name="greet"><parameter name="who"/><sequence><log/></sequence></template>',
    "tasks": f'<task {NS} name="tick" class="org.apache.synapse.startup.tasks.MessageInjector" group="g">'
    '<trigger interval="3600" count="2"/><property name="injectTo" value="sequence"/>'
    '<property name="sequenceName" value="stamp"/><property name="message"><a xmlns=""/></property></task>',
    "message-stores": f'<messageStore {NS} name="box"/>',
    "message-processors": f'<messageProcessor {NS} name="mover" messageStore="box" targetEndpoint="store" '
    'class="org.apache.synapse.message.processor.impl.forwarder.ScheduledMessageForwardingProcessor">'
    '<parameter name="interval">3600000</parameter></messageProcessor>',
    "dataservices": '<data name="people" transports="http https"><config id="c"><property name="driverClassName">x</property>'
    '<property name="url">jdbc:sqlite:/tmp/none.db</property></config><query id="q" useConfig="c"><sql>select 1 as a</sql>'
    '<result element="rows" rowName="row"><element name="a" column="a" xsdType="string"/></result></query>'
    '<operation name="all"><call-query href="q"/></operation></data>',
}
NAMES = {
    "apis": ("apiName", "shop"), "proxy-services": ("proxyServiceName", "quotes"), "sequences": ("sequenceName", "stamp"),
    "endpoints": ("endpointName", "store"), "local-entries": ("name", "greeting"), "tasks": ("taskName", "tick"),
    "message-stores": ("name", "box"), "message-processors": ("messageProcessorName", "mover"),
    "data-services": ("dataServiceName", "people"), "data-sources": ("name", "Numbers"), "inbound-endpoints":
    ("inboundEndpointName", "door"), "applications": ("carbonAppName", "App"),
}  # fmt: skip


@dataclass
class Session:
    """Somebody who calls the management API."""

    running: Running
    token: str

    async def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and body: JSON decoded, anything else as text."""
        answer = await self.raw(method, path, body, headers)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.status, json.loads(answer.body) if is_json else answer.body.decode()

    async def raw(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """The whole answer. A body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {self.token}", "content-type": "application/json"} | (headers or {})
        return await self.running.request(address(self.running, path), method, given, data)

    async def get(self, path: str) -> Any:
        """The body of a GET that must succeed."""
        status, body = await self.call("GET", path)
        assert status == 200, (path, status, body)
        return body

    async def named(self, resource: str) -> Any:
        """The detail of the artifact of that kind."""
        parameter, name = NAMES[resource]
        return await self.get(f"/{resource}?{parameter}={name}")


def address(running: Running, path: str) -> str:
    """An address of the management API."""
    return f"https://localhost:{running.settings.management_port}/management{path}"


async def log_in(running: Running, name: str, password: str) -> Session:
    """Log in. Fails when the password is wrong."""
    basic = base64.b64encode(f"{name}:{password}".encode()).decode()
    answer = await running.request(address(running, "/login"), headers={"authorization": f"Basic {basic}"})
    assert answer.status == 200, answer
    return Session(running, json.loads(answer.body)["AccessToken"])


def car(name: str = "App", good: bool = True, api: str = "carapi") -> bytes:
    """An application with the API `api`, or with a dependency that it does not hold."""
    packed = io.BytesIO()
    wanted = api if good else "missing"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "artifacts.xml",
            f'<artifacts><artifact name="{name}" version="1.0.0" type="carbon/application">'
            f'<dependency artifact="{wanted}" version="1.0.0"/></artifact></artifacts>',
        )
        archive.writestr(
            f"{api}_1.0.0/artifact.xml",
            f'<artifact name="{api}" version="1.0.0" type="synapse/api"><file>a.xml</file></artifact>',
        )
        archive.writestr(f"{api}_1.0.0/a.xml", ARTIFACTS["api"].replace("shop", api))
    return packed.getvalue()


def form(file: str, data: bytes) -> tuple[bytes, dict[str, str]]:
    """A multipart body with one file, and its content type."""
    head = f'--b0und\r\nContent-Disposition: form-data; name="file"; filename="{file}"\r\n\r\n'.encode()
    return head + data + b"\r\n--b0und--\r\n", {"content-type": "multipart/form-data; boundary=b0und"}


@asynccontextmanager
async def managed(folder: Path, toml: str = TOML, **changes: Any) -> AsyncIterator[Session]:
    """A running integrator with everything deployed, and its administrator."""
    home = folder / "home"
    write(home, "conf", "deployment.toml", toml)
    for kind, text in ARTIFACTS.items():
        write(home, kind, "one", text)
    port = free_port()
    door = f'<inboundEndpoint {NS} name="door" protocol="http" sequence="stamp"><parameters><parameter name="inbound.http.port">'
    write(home, "inbound-endpoints", "one", f"{door}{port}</parameter></parameters></inboundEndpoint>")
    cars = home / SERVER / "carbonapps"
    cars.mkdir(parents=True)
    (cars / "App_1.0.0.car").write_bytes(car())
    write(home, "registry", "config/notes.txt", "hello").with_name("notes.txt.properties").write_text("owner=ann\n")
    async with integrator(home, **({"scheduler": "none"} | changes)) as running:
        context = ssl.create_default_context(cafile=str(running.settings.secrets / "tls.crt"))
        running.client = Client(tls=context)
        session = await log_in(running, "ann", "secret")
        assert running.service.engine.deployment.errors == (), running.service.engine.deployment.errors
        try:
            yield session
        finally:
            await running.client.close()
