"""A connector of the house: the example of docs/connectors.md as it stands there, and packages that are broken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from integrator.connectors import ALIASES, NAMES
from integrator.connectors.redis.operations import COMMANDS
from integrator.connectors.reference import built_in
from tests.integrator.connectors.world import flows_of, refusals
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import integrator, write

PAGE = Path(__file__).parents[3] / "docs" / "connectors.md"


def block(kind: str, number: int = 0) -> str:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)[number]


@covers("mediator.connector.native-replacements")
async def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = home / "python" / "greetings_of_a_test" / "connectors"
    folder.mkdir(parents=True)
    for path in (folder.parent / "__init__.py", folder / "__init__.py"):
        path.write_text("")
    (folder / "greeting.py").write_text(block("python"))
    (folder / "broken.py").write_text("raise RuntimeError('out of order')")
    write(home, "conf", "deployment.toml", '[connectors]\npackages = ["greetings_of_a_test.connectors"]\n')
    write(home, "local-entries", "HELLO", block("xml", 0))
    write(home, "api", "hi", block("xml", 1))
    write(home, "api", "no", block("xml", 1).replace('"hi"', '"no"').replace("/hi", "/no").replace("who>", "whom>"))
    write(
        home,
        "api",
        "bad",
        block("xml", 1).replace('"hi"', '"bad"').replace("/hi", "/bad").replace("greeting.", "broken."),
    )
    async with integrator(home) as running:
        refused = "\n".join(str(error) for error in running.service.engine.deployment.errors)
        assert "no.xml:5 <whom>: element <whom> is not allowed in <greeting.hello>; allowed are who, times" in refused
        assert "a connector cannot be loaded: RuntimeError: out of order" in refused
        answer = await running.call("POST", "/hi", {"content-type": "application/json"}, b'{"name": "Ann"}')
        assert json.loads(answer.body) == {"greeting": ["Hello, Ann!", "Hello, Ann!"]}
        answer = await running.call("POST", "/hi", {"content-type": "application/json"}, b'{"name": "nobody"}')
        assert (answer.status, b"geheim" in answer.body) == (500, False)


async def test_a_package_that_is_not_there_is_told_where_it_is_needed(tmp_path: Path) -> None:
    write(tmp_path / "h", "conf", "deployment.toml", '[connectors]\npackages = ["no_such_package"]\n')
    found = "\n".join(await refusals(tmp_path / "h", {"f": "<elsewhere.do/>"}))
    assert "f.xml:1 <elsewhere.do>: a connector cannot be loaded: ModuleNotFoundError" in found


async def test_a_call_that_takes_too_long_ends(tmp_path: Path) -> None:
    import asyncio  # noqa: PLC0415

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    entry = f"<redis.init><redisHost>127.0.0.1</redisHost><redisPort>{port}</redisPort></redis.init>"
    toml = "[connectors]\ntimeout_seconds = 0.3\n"
    async with server, flows_of(tmp_path / "h", {"f": '<redis.ping configKey="R"/>'}, {"R": entry}, toml) as world:
        assert (await world.fault("f"))["message"].startswith("no answer in time")


async def test_operations_without_a_connection_are_a_fault(tmp_path: Path) -> None:
    other = "<http.init><baseUrl>http://127.0.0.1:1</baseUrl></http.init>"
    flows = {"f": "<redis.ping/>", "g": '<redis.ping configKey="no"/>', "h": '<redis.ping configKey="H"/>'}
    async with flows_of(tmp_path / "h", flows, {"H": other}) as world:
        assert "has no connection: give configKey, or <redis.init>" in (await world.fault("f"))["message"]
        assert "no local entry with <redis.init>" in (await world.fault("g"))["message"]
        assert "no local entry with <redis.init>" in (await world.fault("h"))["message"]


def test_every_connector_is_declared_and_described() -> None:
    found = built_in()
    assert [item.name for item in found] == list(NAMES)
    for connector in found:
        assert connector.operations, connector.name
        declared = [*connector.connection, *(p for o in connector.operations.values() for p in o.parameters.values())]
        told = set(COMMANDS) if connector.name == "redis" else set()
        silent = [item.name for item in declared if not item.description and not told]
        assert not silent, (connector.name, silent)
        assert all(operation.description for operation in connector.operations.values())
        secret = {item.name for item in declared if re.search("password|secret|token$", item.name, re.IGNORECASE)}
        open_ones = {item.name for item in declared if not item.secret} & secret
        assert open_ones <= {"encodePassword", "keyStorePassword", "keyPassword", "trustStorePassword", "sslKeyPassword",
                             "sslKeystorePassword", "sslTruststorePassword"}, connector.name  # fmt: skip
    assert set(ALIASES.values()) <= {"kafka", "salesforcerest", "db", "amazons3"}


def test_nothing_heavy_is_loaded_before_a_connector_is_named() -> None:
    code = (
        "import sys, integrator.app, integrator.connectors; "
        "heavy = ('aiokafka', 'aio_pika', 'asyncssh', 'ldap3', 'imaplib', 'smtplib', 'ftplib', 'redis', 'sqlalchemy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PAGE.parents[1]
    )
    assert found.stdout.strip() == "[]"
