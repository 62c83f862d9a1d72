"""The gateway without a control plane: real processes that serve files, follow their changes, and say what is wrong with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from gateway.standalone.loading import load
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.process import ROOT, Gateway
from tests.support.ports import free_offset
from tests.support.wait import until

EXAMPLE = ROOT / "deploy" / "standalone"
HTTP, HTTPS = 8280, 8243


def command(path: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "gateway", "--standalone", str(path), *more]


def plain_environment(**more: str) -> dict[str, str]:
    """Nothing of a platform: no Redis, no control plane, no database, and Django would fail."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("APIM_", "GATEWAY_", "REDIS", "DJANGO", "DATABASE"))
    }
    return kept | {"PYTHONPATH": str(ROOT)} | more


@contextmanager
def running(path: Path, var: Path, **more: str) -> Iterator[Gateway]:
    offset = free_offset(HTTP, HTTPS)
    port = HTTP + offset
    with (var / "gateway.log").open("ab") as log:
        process = subprocess.Popen(
            [*command(path, "--port-offset", str(offset), "--host", "127.0.0.1")],
            cwd=var, env=plain_environment(APIM_VAR=str(var), **more), stdout=log, stderr=log,
        )  # fmt: skip
    gateway = Gateway(port, 0, var, process)
    try:
        until(
            lambda: gateway.ready().get("status") == "ready" or process.poll() is not None,
            seconds=180,
            what="it serves",
        )
        assert process.poll() is None, gateway.log
        yield gateway
    finally:
        process.terminate()
        process.wait(15)


@pytest.fixture
def folder(tmp_path: Path, backend: Backend, signer: world.Signer) -> Path:
    """The example, with the test's backend and keys."""
    path = tmp_path / "files"
    shutil.copytree(EXAMPLE, path)
    main = (path / "gateway.yaml").read_text()
    (path / "gateway.yaml").write_text(main.replace("https://localhost:9443/oauth2/jwks", "jwks.json"))
    (path / "jwks.json").write_text(signer.jwks)
    project = path / "Menu" / "api.yaml"
    project.write_text(project.read_text().replace("http://localhost:9000/menu", backend.url))
    return path


def test_it_serves_the_example_and_follows_its_files(
    folder: Path, tmp_path: Path, backend: Backend, signer: world.Signer
) -> None:
    with running(folder, tmp_path, ECHO_BACKEND=backend.url) as gateway:
        token = signer.token("shop-client")
        assert gateway.call("/echo/1.0/a/b?c=d", token=token).json["target"] == "/base/a/b?c=d"
        assert gateway.call("/echo/1.0/a").status == 401
        assert gateway.call("/echo/1.0/a", token=signer.token("stranger")).status == 403
        assert gateway.call("/echo/1.0/orders", "POST", token=token).status == 403
        assert (
            gateway.call("/echo/1.0/orders", "POST", token=signer.token("shop-client", scope="orders:write")).status
            == 200
        )
        assert gateway.call("/echo/1.0/open").status == 200
        assert gateway.call("/menu/1.0.0/dishes").json["target"] == "/base/dishes"
        assert gateway.call("/menu/dishes/7", token=token).json["target"] == "/base/dishes/7"
        assert gateway.call("/menu/1.0.0/dishes/7").status == 401
        assert gateway.call("/menu/1.0.0/dishes", "POST", token=token).status == 403
        # Ten a minute: where the minute turns while these are made, more of them pass.
        until(lambda: gateway.call("/echo/1.0/a", token=token).status == 429, what="the limit is used up")
        # A change is taken in; a mistake leaves everything as it was; its correction is taken in.
        project = folder / "Menu" / "api.yaml"
        good = project.read_text()
        project.write_text(good.replace("context: /menu", "context: /card"))
        until(lambda: gateway.call("/card/1.0.0/dishes").status == 200)
        assert gateway.call("/menu/1.0.0/dishes").status == 404
        project.write_text(good.replace("context: /menu", "context: /new").replace("PUBLISHED", "GONE"))
        (folder / "gateway.yaml").write_text((folder / "gateway.yaml").read_text().replace("/echo", "/changed"))
        until(lambda: "lifeCycleStatus: 'GONE' is not allowed" in gateway.log)
        assert gateway.call("/card/1.0.0/dishes").status == 200
        assert gateway.call("/changed/1.0/open").status == 404
        project.write_text(good)
        until(lambda: gateway.call("/menu/1.0.0/dishes").status == 200)
        assert gateway.call("/changed/1.0/open").status == 200
        shutil.rmtree(folder / "Menu")
        until(lambda: "there is no API 'Menu:1.0.0'" in gateway.log)
        assert gateway.call("/menu/1.0.0/dishes").status == 200


def test_one_file_is_enough(tmp_path: Path, backend: Backend) -> None:
    path = tmp_path / "one.yaml"
    apis = [{"name": "One", "version": "1", "context": "/one", "endpoint": backend.url, "security": [],
             "operations": [{"verb": "GET", "target": "/*", "auth": "none"}]}]  # fmt: skip
    path.write_text(yaml.safe_dump({"apis": apis}))
    with running(path, tmp_path) as gateway:
        assert gateway.call("/one/1/a").json["target"] == "/base/a"
        apis[0]["context"] = "/two"
        path.write_text(yaml.safe_dump({"apis": apis}))
        until(lambda: gateway.call("/two/1/a").status == 200)


def family(gateway: Gateway) -> list[psutil.Process]:
    """Its processes."""
    first = psutil.Process(gateway.process.pid)
    return [first, *first.children(recursive=True)]


def worked(process: psutil.Process) -> float:
    """Seconds of processor time."""
    times = process.cpu_times()
    return times.user + times.system


def test_it_is_ready_soon_and_needs_no_django(folder: Path, tmp_path: Path, backend: Backend) -> None:
    block = tmp_path / "block" / "django"
    block.mkdir(parents=True)
    (block / "__init__.py").write_text("raise ImportError('the gateway needs no Django')")
    with running(folder, tmp_path, ECHO_BACKEND=backend.url, PYTHONPATH=f"{block.parent}:{ROOT}") as gateway:
        # Two seconds on a quiet machine. What it worked is measured, not what it waited for the other tests on this one.
        assert sum(worked(one) for one in family(gateway)) < 10
        assert gateway.call("/healthz").status == 200


def broken(tmp_path: Path, text: str, **files: str) -> list[str]:
    """What is said of a gateway.yaml, without the folder."""
    (tmp_path / "gateway.yaml").write_text(text)
    for name, content in files.items():
        path = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return [str(one).replace(f"{tmp_path}/", "") for one in load(tmp_path, "Default").mistakes]


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(20)
)
"""Ten to the power of twenty-one values in a few lines."""

API = "apis: [{name: A, version: 1, context: /a, endpoint: http://b}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no API"),
        ("- a", "gateway.yaml:1: the file must be an object of sections"),
        ("a: [", "gateway.yaml:1: is not valid YAML"),
        (API + "planets: 1\n", "gateway.yaml:2: planets: no such section; allowed: organisation, key_managers"),
        (API + "policies:\n  api:\n    P: {limit: {requests: 1, per: eon}}\n", "gateway.yaml:4: policies.api.P.limit.per: "),
        (API + "policies: {api: {P: {limit: {requests: 1, per: fortnight}}}}", "allowed: day, hour, minute, month"),
        (API + "policies: {api: {P: {limit: {per: day}}}}", "exactly one of requests, bytes, events"),
        (API + "policies: {planet: {}}", "policies.planet: must be one of api, application, subscription"),
        (API + "deny:\n  - {kind: ip, value: 1.2.3.4}\n  - {kind: dog, value: x}\n", "gateway.yaml:4: deny[1].kind: "),
        (API + "deny: [{kind: ip, valeu: 1}]", "deny[0].valeu: Object contains unknown field `valeu`; allowed: kind, value"),
        (API + "deny: {kind: ip}", "deny: must be a list"),
        (API + "applications: [{name: S, policy: Nope}]", "there is no application policy 'Nope'; allowed: 50PerMin"),
        (API + "applications: [{name: S, subscriptions: [{api: B:1}]}]", "there is no API 'B:1'; allowed: A:1"),
        (API + "applications: [{name: S, keys: [{client_id: c}]}]", "there is no key manager ''"),
        (API + "key_managers: [{name: K, issuer: x}]", "key_managers[0].jwks: name a file"),
        (API + "key_managers: [{name: K, issuer: x, jwks: none.json}]", "none.json: cannot be read: No such file"),
        ("apis: [{name: A, version: 1, context: /a, endpoint: http://b, operations: [GET]}]", "'GET' is not of the form GET /"),
        ("apis: [{name: A, version: 1, context: /a, endpoint: http://b, lifecycle: NEW}]", "allowed: BLOCKED, CREATED"),
        (API + API.replace("apis:", "deny: []\nrevoked: [a, b]\nx:"), "x: no such section"),
        (API + "deny: []\nrevoked: [a]\ndeny: [{kind: ip, value: 1.2.3.4}]\n", "gateway.yaml:4: deny: stands there twice"),
        (API + "deny:\n  - kind: ip\n    value: 1\n    value: 2", "gateway.yaml:5: deny[0].value: stands there twice"),
        (API + "revoked: [!!int x]", "gateway.yaml:2: is not valid YAML: 'x' is not of the kind 'int'"),
        (API + "revoked: [!!timestamp x]", "gateway.yaml:2: is not valid YAML: 'x' is not of the kind 'timestamp'"),
        (API + "revoked: [!!bool x]", "gateway.yaml:2: is not valid YAML: 'x' is not of the kind 'bool'"),
        (API + "revoked: [!!float x]", "gateway.yaml:2: is not valid YAML: 'x' is not of the kind 'float'"),
        (API + "revoked: &a [*a]", "gateway.yaml: is nested too deeply"),
        (ALIASES, "gateway.yaml: is not valid YAML: its aliases stand for more than 1000000 values"),
        ("apis: [{name: A, version: 1, context: /a, endpoint: '${NO_SUCH_VARIABLE_HERE}'}]", "no variable NO_SUCH_VARIABLE_HERE"),
    ],
)  # fmt: skip
def test_mistakes_name_file_line_field_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    found = broken(tmp_path, text)
    assert any(said in one for one in found), found


def test_a_definition_may_say_a_thing_twice(tmp_path: Path) -> None:
    definition = "openapi: 3.0.0\npaths:\n  /a: {get: {responses: {'200': {}, 200: {}}}}\n"
    assert broken(tmp_path, "", P__api_yaml=PROJECT, P__Definitions__swagger_yaml=definition) == []


PROJECT = (
    "data:\n  name: P\n  version: '1'\n  context: /p\n  endpointConfig:\n    production_endpoints: {url: http://b}\n"
)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"P__api_yaml": "data: {name: P}"}, "P/api.yaml:1: data.version: is missing"),
        ({"P__api_yaml": PROJECT + "  transport: http\n"}, "P/api.yaml:7: data.transport: 'http' is not a list of texts"),
        ({"P__api_yaml": PROJECT + "  securityScheme: [oauth3]\n"}, "'oauth3' is not allowed; allowed: oauth2"),
        ({"P__api_yaml": PROJECT.replace("http://b", "gopher://b")}, "P/api.yaml:6: data.endpointConfig.production_endpoints"),
        ({"P__api_yaml": PROJECT + "  operations: [{verb: GET, target: /a, authType: Nobody}]\n"}, "allowed: any, none"),
        ({"P__api_yaml": PROJECT, "P__Definitions__swagger_yaml": "openapi: 3.0.0\n"}, "the definition has no paths"),
        ({"P__api_yaml": PROJECT, "Q__api_yaml": PROJECT}, "there is another API P:1"),
    ],
)  # fmt: skip
def test_mistakes_in_projects(tmp_path: Path, files: dict[str, str], said: str) -> None:
    found = broken(tmp_path, "", **files)
    assert any(said in one for one in found), found


def test_projects_for_other_environments_are_left_out(tmp_path: Path) -> None:
    places = {"data": [{"deploymentEnvironment": "EU", "deploymentVhost": "eu.example.org"}]}
    assert not broken(tmp_path, API, P__api_yaml=PROJECT, P__deployment_environments_yaml=yaml.safe_dump(places))
    apis: Any = {one.name: one for kind, _, one in load(tmp_path, "EU").records if kind == "api"}
    assert apis["P"].hosts == ("eu.example.org",)
    assert {one.name for kind, _, one in load(tmp_path, "Default").records if kind == "api"} == {"A"}


def test_check_says_what_only_compiling_finds(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(API.replace("/a", "/a//b"))
    for start in ([], ["--check"]):
        ended = subprocess.run(
            command(tmp_path, *start), env=plain_environment(), capture_output=True, text=True, timeout=180, check=False
        )
        assert ended.returncode == 1
        assert "gateway.yaml:1" in ended.stderr and "'/a//b/1' is not a path" in ended.stderr
    (tmp_path / "gateway.yaml").write_text(API)
    ended = subprocess.run(
        command(tmp_path, "--check"), env=plain_environment(), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "1 APIs, no mistakes\n")


def test_manage_py_knows_it(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "gateway", "--standalone", str(tmp_path / "none"), "--check"],
        env=plain_environment(), capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "does not exist" in ended.stderr


def test_the_records_are_those_of_the_control_plane(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_BACKEND", "http://b")
    loaded = load(folder, "Default")
    assert not loaded.mistakes
    kinds = [kind for kind, _, _ in loaded.records]
    assert {kind: kinds.count(kind) for kind in ("api", "application", "key", "subscription", "deny")} == {
        "api": 2, "application": 1, "key": 1, "subscription": 2, "deny": 1,
    }  # fmt: skip
    batch = loaded.batch(3)
    assert json.loads(bytes(batch.events[0].record))["name"] == "Echo"
