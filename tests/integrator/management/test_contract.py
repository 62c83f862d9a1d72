"""Every operation of the contract is called, and its answer holds what the contract's schema names, of the types it says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from tests.contracts.contract import FOLDER
from tests.integrator.coverage import covers
from tests.integrator.management.world import Session, car, form, log_in, managed

CONTRACT = FOLDER / "mi-management-api.yaml"
Steps = dict[str, tuple[str, Any]]
STEPS: Steps = {
    "GET /users": ("/users?role=admin", None),
    "POST /users": ("/users", {"userId": "carl", "password": "pass-word", "isAdmin": False, "domain": "primary"}),
    "GET /users/{user_id}": ("/users/carl", None),
    "PATCH /users/{user_id}": ("/users/carl", {"newPassword": "other-word", "confirmPassword": "other-word"}),
    "GET /roles": ("/roles", None),
    "POST /roles": ("/roles", {"role": "tester"}),
    "PUT /roles": ("/roles", {"userId": "carl", "addedRoles": ["tester"], "removedRoles": []}),
    "GET /roles/{role_name}": ("/roles/tester", None),
    "DELETE /roles/{role_name}": ("/roles/tester", None),
    "DELETE /users/{user_id}": ("/users/carl", None),
    "GET /proxy-services": ("/proxy-services", None),
    "POST /proxy-services": ("/proxy-services", {"name": "quotes", "status": "inactive"}),
    "GET /applications": ("/applications", None),
    "POST /applications": ("/applications", "car"),
    "GET /endpoints": ("/endpoints", None),
    "POST /endpoints": ("/endpoints", {"name": "store", "status": "inactive"}),
    "GET /apis": ("/apis", None),
    "POST /apis": ("/apis", {"name": "shop", "trace": "enable"}),
    "GET /sequences": ("/sequences", None),
    "POST /sequences": ("/sequences", {"name": "stamp", "trace": "enable"}),
    "GET /local-entries": ("/local-entries", None),
    "GET /tasks": ("/tasks", None),
    "GET /message-stores": ("/message-stores", None),
    "GET /message-processors": ("/message-processors", None),
    "POST /message-processors": ("/message-processors", {"name": "mover", "status": "inactive"}),
    "GET /inbound-endpoints": ("/inbound-endpoints", None),
    "POST /inbound-endpoints": ("/inbound-endpoints", {"name": "door", "trace": "enable"}),
    "GET /connectors": ("/connectors", None),
    "GET /templates": ("/templates", None),
    "POST /templates": ("/templates", {"name": "greet", "type": "sequence", "trace": "enable"}),
    "GET /server": ("/server", None),
    "PATCH /server": ("/server", {"status": "restartGracefully"}),
    "GET /data-services": ("/data-services", None),
    "GET /data-sources": ("/data-sources", None),
    "GET /logging": ("/logging?loggerName=org-apache-synapse", None),
    "PATCH /logging": ("/logging", {"loggerName": "org-apache-synapse", "loggingLevel": "DEBUG"}),
    "GET /configs": ("/configs?configName=correlation", None),
    "PUT /configs": ("/configs", {"configName": "correlation", "configs": {"enabled": False}}),
    "GET /transactions/count": ("/transactions/count", None),
    "GET /transactions/report": ("/transactions/report?start=2024-01", None),
    "GET /registry-resources": ("/registry-resources?path=registry/config", None),
    "POST /registry-resources/content": (
        "/registry-resources/content?path=registry/config/a.xml&mediaType=text/xml",
        b"<a/>",
    ),
    "PUT /registry-resources/content": ("/registry-resources/content?path=registry/config/a.xml", b"<b/>"),
    "GET /registry-resources/content": ("/registry-resources/content?path=registry/config/a.xml", None),
    "GET /registry-resources/metadata": ("/registry-resources/metadata?path=registry/config/a.xml", None),
    "POST /registry-resources/properties": (
        "/registry-resources/properties?path=registry/config/a.xml",
        [{"name": "prop1", "value": "val1"}],
    ),
    "GET /registry-resources/properties": ("/registry-resources/properties?path=registry/config/a.xml", None),
    "DELETE /registry-resources/properties": (
        "/registry-resources/properties?path=registry/config/a.xml&name=prop1",
        None,
    ),
    "DELETE /registry-resources/content": ("/registry-resources/content?path=registry/config/a.xml", None),
    "GET /logout": ("/logout", None),
}
"""One call for each operation, in an order in which each finds what it needs."""


@cache
def document() -> dict[str, Any]:
    """The contract."""
    found: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
    return found


def operations() -> list[str]:
    """Every operation but log-in, which every test does."""
    paths = document()["paths"] if CONTRACT.is_file() else {}
    return [f"{method.upper()} {path}" for path, held in paths.items() for method in held if path != "/login"]


def missing(schema: dict[str, Any], value: Any, place: str = "$") -> list[str]:
    """Fields that the schema names and the answer does not hold."""
    if schema.get("type") == "array":
        return [text for one in value for text in missing(schema["items"], one, f"{place}[]")]
    found = []
    for name, inner in schema.get("properties", {}).items():
        if name not in value:
            found.append(f"{place}.{name}")
        elif inner.get("type") in ("object", "array"):
            found += missing(inner, value[name], f"{place}.{name}")
    return found


@pytest.mark.skipif(not CONTRACT.is_file(), reason=f"the contract {CONTRACT} is not on this machine")
async def test_every_operation_answers_as_the_contract_says(tmp_path: Path) -> None:
    """Status 200, the media type, the types of the schema and every field that it names."""
    assert set(STEPS) == set(operations())
    async with managed(tmp_path) as session:
        asked: list[str] = []
        session.running.service.management.control = asked.append
        problems = [f"{name}: {text}" for name in STEPS for text in await faults(session, name)]
        assert problems == []
        assert asked == ["restartGracefully"]


async def faults(session: Session, name: str) -> list[str]:
    """What of the answer to one operation is against the contract."""
    method, _, path = name.partition(" ")
    target, body = STEPS[name]
    headers: dict[str, str] = {}
    if body == "car":
        body, headers = form("Second_1.0.0.car", car("Second", api="cartwo"))
    status, answer = await session.call(method, target, body, headers)
    if status != 200:
        return [f"{status} {answer}"]
    content = document()["paths"][path][method.lower()]["responses"]["200"].get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        return [] if "text/plain" not in content or isinstance(answer, str) else ["no text"]
    wrong = [f"{error.json_path}: {error.message}" for error in OAS30Validator(schema).iter_errors(answer)]
    return wrong + [f"{place} is missing" for place in missing(schema, answer)]


@covers("mgmt.listform")
async def test_lists_name_their_count_and_are_filtered(tmp_path: Path) -> None:
    """count and list agree, searchKey keeps what holds it, an unknown name is 404 with a reason."""
    async with managed(tmp_path) as session:
        for resource in (
            "apis",
            "endpoints",
            "proxy-services",
            "tasks",
            "message-stores",
            "inbound-endpoints",
            "data-sources",
        ):
            found = await session.get(f"/{resource}")
            assert found["count"] == len(found["list"]) >= 1, resource
            assert (await session.get(f"/{resource}?searchKey=nothing-like-it"))["count"] == 0
        for resource in (
            "apis?apiName",
            "tasks?taskName",
            "inbound-endpoints?inboundEndpointName",
            "data-sources?name",
        ):
            status, body = await session.call("GET", f"/{resource}=none")
            assert status == 404 and "none" in body["Error"], resource


@covers(
    "mgmt.apis", "mgmt.proxy-services", "mgmt.sequences", "mgmt.endpoints", "mgmt.inbound-endpoints", "mgmt.tasks",
    "mgmt.message-stores", "mgmt.message-processors", "mgmt.data-services", "mgmt.data-sources", "mgmt.templates",
    "mgmt.local-entries", "mgmt.connectors", "mgmt.server",
)  # fmt: skip
async def test_details(tmp_path: Path) -> None:
    """Each detail holds the fields of its kind."""
    wanted = {
        "apis": "name url context host port version resources stats tracing configuration",
        "proxy-services": "name wsdl1_1 wsdl2_0 isRunning eprs stats tracing configuration",
        "sequences": "name container mediators stats tracing configuration",
        "endpoints": "name type isActive tracing configuration address",
        "inbound-endpoints": "name protocol sequence error parameters stats tracing configuration status",
        "tasks": "name triggerType triggerCount triggerInterval triggerCron taskGroup implementation properties configuration",
        "message-stores": "name type size properties container file configuration",
        "message-processors": "name type messageStore status parameters configuration",
        "data-services": "serviceName serviceDescription serviceGroupName wsdl1_1 wsdl2_0 swagger_url queries dataSources "
        "operations resources configuration",
        "data-sources": "name type url driverClass userName configurationParameters",
        "local-entries": "name type value",
    }
    async with managed(tmp_path) as session:
        for resource, fields in wanted.items():
            found = await session.named(resource)
            assert set(fields.split()) <= found.keys(), (resource, set(fields.split()) - found.keys())
        assert (await session.named("sequences"))["stats"] == "enabled"
        assert "hunter2" not in str(await session.named("data-sources"))
        template = await session.get("/templates?type=sequence&name=greet")
        assert template["name"] == "greet" and template["Parameters"] == ["who"]
        assert (await session.call("GET", "/templates?type=endpoint&name=greet"))[0] == 404
        assert await session.get("/connectors") == {"count": 0, "list": []}
        server = await session.get("/server")
        assert server["carbonHome"] == str(tmp_path / "home") and server["osName"]


async def test_wrong_calls_are_the_callers_mistake(tmp_path: Path) -> None:
    """Unknown paths, methods, bodies and parameters: 4xx with a reason, never 5xx."""
    async with managed(tmp_path) as session:
        for method, path, body, expected in (
            ("GET", "/none", None, 404),
            ("DELETE", "/apis", None, 405),
            ("POST", "/apis", b"{", 400),
            ("POST", "/apis", [1], 400),
            ("POST", "/apis", {"name": "shop"}, 400),
            ("POST", "/apis", {"name": "shop", "trace": "maybe"}, 400),
            ("POST", "/apis", {"name": "none", "trace": "enable"}, 404),
            ("POST", "/endpoints", {"name": "store", "status": "gone"}, 400),
            ("POST", "/templates", {"name": "greet", "type": "endpoint", "trace": "enable"}, 400),
            ("PATCH", "/logging", {"loggerName": "rootLogger", "loggingLevel": "LOUD"}, 400),
            ("PATCH", "/logging", {"loggerName": "unknown", "loggingLevel": "INFO"}, 404),
            ("GET", "/logging?loggerName=unknown", None, 404),
            ("GET", "/configs?configName=other", None, 400),
            ("GET", "/transactions/count?year=2024", None, 400),
            ("GET", "/transactions/count?year=2024&month=13", None, 400),
            ("GET", "/transactions/report", None, 400),
            ("GET", "/transactions/report?start=soon", None, 400),
            ("POST", "/external-vaults/other", {"secretId": "x"}, 404),
            ("POST", "/external-vaults/hashicorp", {"secretId": "x"}, 404),
            ("PATCH", "/server", {"status": "explode"}, 400),
            ("POST", "/applications", b"x", 415),
            ("GET", "/templates?type=other", None, 400),
            ("POST", "/connectors", {"name": "a", "packageName": "b", "status": "enabled"}, 404),
        ):
            status, answer = await session.call(method, path, body)
            assert status == expected, (method, path, status, answer)


@covers("mgmt.external-vaults")
async def test_secret_id_of_a_vault(tmp_path: Path) -> None:
    """A configured vault takes another secret id, which no answer and no log shows."""
    from tests.integrator.management.world import TOML

    async with managed(
        tmp_path, TOML + '\n[[external_vault]]\nname = "hashicorp"\naddress = "http://127.0.0.1:9"\n'
    ) as session:
        status, body = await session.call("POST", "/external-vaults/hashicorp", {"secretId": "s3cr3t-id"})
        assert status == 200 and "s3cr3t-id" not in str(body)
        assert session.running.service.monitor.vault_secrets == {"hashicorp": "s3cr3t-id"}
        assert "s3cr3t-id" not in (await session.call("GET", "/logs?file=audit.log"))[1]


@covers("mgmt.server")
async def test_stop_is_refused_without_a_master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that gunicorn did not start is not killed; everybody but administrators is refused before."""
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    async with managed(tmp_path) as session:
        assert (await session.call("PATCH", "/server", {"status": "shutdown"}))[0] == 409
        bob = await log_in(session.running, "bob", "secret2")
        assert (await bob.call("PATCH", "/server", {"status": "shutdown"}))[0] == 403
