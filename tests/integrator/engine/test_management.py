"""The management port: login, resources, health, metrics; and registration in the service catalog."""

from __future__ import annotations

import base64
import io
import json
import ssl
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import Running, backend, eventually, integrator, write
from wire.client import Client

NS = 'xmlns="http://ws.apache.org/ns/synapse"'
API = (
    f'<api {NS} name="t" context="/t"><resource methods="GET POST" uri-template="/a/{{id}}"><inSequence><drop/></inSequence>'
    "</resource></api>"
)
TOML = '[[internal_apis.users]]\nuser.name = "ann"\nuser.password = "secret"\nuser.is_admin = true\n'


def trusting(running: Running) -> Client:
    """A client that trusts the generated certificate."""
    context = ssl.create_default_context(cafile=str(running.settings.secrets / "tls.crt"))
    return Client(tls=context)


@covers("mgmt.login", "mgmt.logout", "mgmt.auth", "mgmt.root")
async def test_management(tmp_path: Path) -> None:
    """Basic gives a token, the token gives resources, and nothing else does."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", TOML)
    write(home, "api", "t", API)
    async with integrator(home) as running:
        running.client = trusting(running)
        base = f"https://localhost:{running.settings.management_port}"

        async def get(path: str, authorization: str = "") -> tuple[int, object]:
            answer = await running.request(
                base + path, headers={"authorization": authorization} if authorization else {}
            )
            return answer.status, json.loads(answer.body) if answer.body[:1] == b"{" else answer.body

        assert (await get("/healthz"))[0] == 200
        assert (await get("/management/apis"))[0] == 401
        assert (await get("/management/login", "Basic " + base64.b64encode(b"ann:wrong").decode()))[0] == 401
        status, body = await get("/management/login", "Basic " + base64.b64encode(b"ann:secret").decode())
        assert status == 200
        token = f"Bearer {body['AccessToken']}"
        _, apis = await get("/management/apis", token)
        assert apis == {
            "count": 1,
            "list": [
                {
                    "name": "t",
                    "url": f"http://localhost:{running.settings.http_port}/t",
                    "tracing": "disabled",
                    "stats": "disabled",
                }
            ],
        }
        _, one = await get("/management/apis?apiName=t", token)
        assert one["resources"] == [{"methods": ["GET", "POST"], "url": "/a/{id}"}]
        assert (await get("/management/apis?apiName=none", token))[0] == 404
        for name in (
            "sequences",
            "endpoints",
            "proxy-services",
            "tasks",
            "message-stores",
            "message-processors",
            "data-services",
        ):
            assert (await get(f"/management/{name}", token))[0] == 200, name
        assert (await get("/management/server", token))[1]["refused"] == []
        assert "/management/apis" in (await get("/management", token))[1]["resources"]
        await running.call("GET", "/t/a/1")
        assert b"integrator_requests_total" in (await get("/metrics"))[1]
        assert (await get("/management/logout", token))[0] == 200
        assert (await get("/management/apis", token))[0] == 401


TASK = (
    f'<task {NS} name="k" class="org.apache.synapse.startup.tasks.MessageInjector" group="g"><trigger interval="3600" count="2"/>'
    '<property name="injectTo" value="sequence"/><property name="sequenceName" value="none"/>'
    '<property name="message"><a xmlns=""/></property></task>'
)


@covers("mgmt.listform", "mgmt.tasks", "mgmt.local-entries", "layout.tasks")
async def test_lists_and_details(tmp_path: Path) -> None:
    """A list is filtered by searchKey, one entry shows its fields, an unknown one is 404, and passwords stay hidden."""
    home = tmp_path / "home"
    write(home, "conf", "deployment.toml", TOML)
    write(home, "tasks", "k", TASK)
    for name, text in (("greeting", "hello"), ("db_password", "hunter2")):
        write(home, "local-entries", name, f'<localEntry {NS} key="{name}">{text}</localEntry>')
    async with integrator(home, scheduler="none") as running:
        running.client = trusting(running)
        base = f"https://localhost:{running.settings.management_port}/management"
        basic = {"authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}
        token = json.loads((await running.request(f"{base}/login", headers=basic)).body)["AccessToken"]

        async def get(path: str) -> tuple[int, dict[str, object]]:
            answer = await running.request(base + path, headers={"authorization": f"Bearer {token}"})
            return answer.status, json.loads(answer.body)

        _, task = await get("/tasks?taskName=k")
        shown = [task[name] for name in ("name", "triggerType", "triggerCount", "triggerInterval", "taskGroup")]
        assert shown == ["k", "simple", "2", "3600000", "g"]
        assert '<trigger interval="3600"' in str(task["configuration"])
        entry = {"name": "greeting", "type": "Inline Text Local Entry"}
        assert (await get("/local-entries?searchKey=GREET"))[1] == {"count": 1, "list": [entry]}
        assert (await get("/local-entries?name=greeting"))[1]["value"] == "hello"
        assert (await get("/local-entries?name=db_password"))[1]["value"] == "***"
        assert (await get("/local-entries?name=none"))[0] == 404
        assert (await get("/tasks?taskName=none"))[0] == 404


async def test_generated_administrator(tmp_path: Path) -> None:
    """Without users an administrator with a random password is made, readable by its owner only."""
    async with integrator(tmp_path / "home") as running:
        file = running.settings.secrets / "integrator_admin"
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(file.read_text()) >= 20
        running.client = trusting(running)
        pair = base64.b64encode(b"admin:admin").decode()
        url = f"https://localhost:{running.settings.management_port}/management/login"
        assert (await running.request(url, headers={"authorization": f"Basic {pair}"})).status == 401


METADATA = """
key: t-1.0
name: t
displayName: t
version: 1.10
description: A test
serviceUrl: http://{MI_HOST}:{MI_PORT}/t
definitionType: OAS3
securityType: NONE
mutualSSLEnabled: false
"""


def parts(body: bytes, content_type: str) -> dict[str, bytes]:
    """Parts of a multipart body by name."""
    boundary = content_type.partition("boundary=")[2].encode()
    found = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, data = part.strip(b"\r\n").partition(b"\r\n\r\n")
        found[head.partition(b'name="')[2].partition(b'"')[0].decode()] = data
    return found


async def test_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services with metadata are sent when the control plane answers; unchanged ones are left out."""
    monkeypatch.setattr("integrator.engine.catalog.FIRST_WAIT_S", 0.05)
    home = tmp_path / "home"
    listing: dict[str, object] = {"method": "GET", "status": 503}
    async with backend([listing, {"method": "POST", "status": 200, "body": "{}"}]) as stub:
        catalog = f'[[service_catalog]]\napim_host = "http://127.0.0.1:{stub.port}"\nenable = true\nusername = "u"\npassword = "p"\n'  # noqa: E501
        write(home, "conf", "deployment.toml", catalog)
        write(home, "api", "t", API)
        write(home, "metadata", "t_metadata.yaml", METADATA)
        async with integrator(home) as running:
            await eventually(lambda: len(stub.seen) >= 2)
            listing |= {"status": 200, "body": '{"list": []}'}
            await eventually(lambda: any(seen.method == "POST" for seen in stub.seen))
            sent = next(seen for seen in stub.seen if seen.method == "POST")
            assert sent.target == "/api/am/service-catalog/v1/services/import?overwrite=true"
            assert sent.headers["authorization"] == "Basic dTpw"
            found = parts(sent.body, sent.headers["content-type"])
            verifier = json.loads(found["verifier"])
            with zipfile.ZipFile(io.BytesIO(found["file"])) as archive:
                metadata = yaml.safe_load(archive.read("t/metadata.yaml"))
                definition = yaml.safe_load(archive.read("t/definition.yaml"))
            assert metadata["serviceUrl"] == f"http://localhost:{running.settings.http_port}/t"
            assert (metadata["version"], metadata["mutualSSLEnabled"]) == ("1.10", False)
            assert list(definition["paths"]) == ["/a/{id}"]
            listing["body"] = json.dumps({"list": [{"serviceKey": "t-1.0", "md5": verifier[0]["md5"]}]})
            stub.seen.clear()
            write(home, "api", "u", API.replace('"t"', '"u"').replace('"/t"', '"/u"'))
            await eventually(lambda: any(seen.method == "GET" for seen in stub.seen))
            assert all(seen.method == "GET" for seen in stub.seen)
