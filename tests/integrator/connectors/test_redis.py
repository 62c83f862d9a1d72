"""The redis connector against a real Redis server, and the frame's own promises on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from integrator.connectors.redis.operations import COMMANDS
from tests.integrator.connectors.world import flows_of, refusals
from tests.integrator.coverage import covers
from tests.support.redis_server import running_redis


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a server for this file."""
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield int(urlsplit(url).port or 0)


def connection(port: int, more: str = "") -> str:
    return f"<redis.init><redisHost>127.0.0.1</redisHost><redisPort>{port}</redisPort>{more}</redis.init>"


def step(operation: str, **parameters: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parameters.items())
    return f'<redis.{operation} configKey="R">{inner}</redis.{operation}>'


SCRIPT = [
    ("set", {"redisKey": "k", "redisValue": "v 1"}, "OK"),
    ("get", {"redisKey": "k"}, "v 1"),
    ("append", {"redisKey": "k", "redisValue": "23"}, 5),
    ("strLen", {"redisKey": "k"}, 5),
    ("getRange", {"redisKey": "k", "redisStart": "0", "redisEnd": "0"}, "v"),
    ("exists", {"redisKey": "k"}, True),
    ("expire", {"redisKey": "k", "redisSeconds": "100"}, 1),
    ("ttl", {"redisKey": "k"}, 100),
    ("type", {"redisKey": "k"}, "string"),
    ("setnX", {"redisKey": "k", "redisValue": "no"}, 0),
    ("incrBy", {"redisKey": "n", "redisInteger": "5"}, 5),
    ("decrBy", {"redisKey": "n", "redisInteger": "2"}, 3),
    ("mSet", {"redisKeysValues": "a 1 b 2"}, "OK"),
    ("mGet", {"redisKey": "a b nothing"}, ["1", "2", None]),
    ("hSet", {"redisKey": "h", "redisField": "f", "redisValue": "x y"}, 1),
    ("hGet", {"redisKey": "h", "redisField": "f"}, "x y"),
    ("hMSet", {"redisKey": "h", "redisFieldsValues": "g 1"}, "OK"),
    ("hGetAll", {"redisKey": "h"}, {"f": "x y", "g": "1"}),
    ("hKeys", {"redisKey": "h"}, ["f", "g"]),
    ("hLen", {"redisKey": "h"}, 2),
    ("hExists", {"redisKey": "h", "redisField": "f"}, True),
    ("hDel", {"redisKey": "h", "redisFields": "f g"}, 2),
    ("rPush", {"redisKey": "l", "redisStrings": "1 2 3"}, 3),
    ("lPush", {"redisKey": "l", "redisStrings": "0"}, 4),
    ("lRange", {"redisKey": "l", "redisStart": "0", "redisEnd": "-1"}, ["0", "1", "2", "3"]),
    ("lPop", {"redisKey": "l"}, "0"),
    ("lLen", {"redisKey": "l"}, 3),
    ("sadd", {"redisKey": "s", "redisMembers": "b a"}, 2),
    ("sMembers", {"redisKey": "s"}, ["a", "b"]),
    ("sIsMember", {"redisKey": "s", "redisMember": "a"}, True),
    ("sRem", {"redisKey": "s", "redisMembers": "a"}, 1),
    ("zadd", {"redisKey": "z", "redisScore": "2", "redisMember": "two"}, 1),
    ("zRange", {"redisKey": "z", "redisStart": "0", "redisEnd": "-1"}, ["two"]),
    ("zScore", {"redisKey": "z", "redisMember": "two"}, 2),
    ("keys", {"redisPattern": "?"}, ["a", "b", "k", "l", "n", "s", "z"]),
    ("del", {"redisKey": "a b"}, 2),
    ("ping", {}, "PONG"),
]


@covers("mediator.connector.native-replacements", "mediator.connector.operation", "mediator.connector.configKey")
async def test_commands_answer_as_the_server_does(tmp_path: Path, redis_port: int) -> None:
    flows = {f"f{number}": step(name, **given) for number, (name, given, _) in enumerate(SCRIPT)}
    flows["flush"] = step("flushDB")
    async with flows_of(tmp_path / "home", flows, {"R": connection(redis_port)}) as world:
        await world.json("flush")
        for number, (name, _, expected) in enumerate(SCRIPT):
            assert (await world.json(f"f{number}")) == {"output": expected}, name


@covers("mediator.connector.local-entry")
async def test_a_connection_is_a_local_entry_found_by_its_key(tmp_path: Path, redis_port: int) -> None:
    flows = {"get": step("set", redisKey="c", redisValue="{json-eval($.x)}") + step("get", redisKey="c")}
    async with flows_of(tmp_path / "home", flows, {"R": connection(redis_port)}) as world:
        assert await world.json("get", {"x": "from the body"}) == {"output": "from the body"}


@covers("mediator.connector.init", "mediator.connector.parameters")
async def test_init_in_the_flow_describes_the_connection_with_expressions(tmp_path: Path, redis_port: int) -> None:
    init = (
        "<redis.init><redisHost>{json-eval($.host)}</redisHost><redisPort>{json-eval($.port)}</redisPort></redis.init>"
    )
    flow = (
        init
        + '<redis.set><redisKey>{{json-eval($.key)}}</redisKey><redisValue expression="json-eval($.n)"/></redis.set>'
    )
    async with flows_of(tmp_path / "home", {"f": flow}) as world:
        answer = await world.json("f", {"host": "127.0.0.1", "port": redis_port, "key": "e", "n": 7})
        assert answer == {"output": "OK"}
        fault = await world.fault("f", {"host": "127.0.0.1", "port": "x", "key": "e", "n": 7})
        assert "parameter 'redisPort': 'x' is no integer" in fault["message"]
        assert (
            "parameter 'redisKey' is required" in (await world.fault("f", {"host": "h", "port": 1, "n": 7}))["message"]
        )


async def test_a_missing_key_is_a_fault(tmp_path: Path, redis_port: int) -> None:
    async with flows_of(tmp_path / "home", {"f": step("get", redisKey="none")}, {"R": connection(redis_port)}) as world:
        assert (await world.fault("f"))["message"] == "REDIS:NO_VALUE: GET: the server has no value"


async def test_the_password_is_in_no_error_and_no_log(
    tmp_path: Path, redis_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = connection(redis_port, "<username>nobody</username><cacheKey>hunter22-secret</cacheKey>")
    uri = "<redis.init><redisConnectionURI>redis://:hunter22-secret@127.0.0.1:1/0</redisConnectionURI></redis.init>"
    flow = {"f": step("ping"), "g": step("ping").replace('"R"', '"U"')}
    async with flows_of(tmp_path / "home", flow, {"R": wrong, "U": uri}) as world:
        for name in flow:
            fault = await world.fault(name)
            assert fault["code"] == "700801"
            assert "hunter22" not in str(fault)
    assert "hunter22" not in caplog.text


async def test_hosts_the_operator_does_not_allow_are_not_reached(tmp_path: Path, redis_port: int) -> None:
    toml = '[connectors]\nhosts = ["*.example.com", "10.0.0.0/8"]\n'
    flows = {"f": step("ping")}
    async with flows_of(tmp_path / "home", flows, {"R": connection(redis_port)}, toml) as world:
        assert "host '127.0.0.1': [connectors] hosts allows *.example.com" in (await world.fault("f"))["message"]


async def test_an_answer_goes_into_a_variable_and_the_body_stays(tmp_path: Path, redis_port: int) -> None:
    put = step("set", redisKey="v", redisValue="1", responseVariable="a")
    both = step("set", redisKey="v", redisValue="1", responseVariable="a", overwriteBody="true")
    async with flows_of(tmp_path / "home", {"f": put, "g": both}, {"R": connection(redis_port)}) as world:
        assert await world.json("f", {"mine": 1}) == {"mine": 1}
        assert await world.json("g", {"mine": 1}) == {"output": "OK"}


@covers("mediator.connector")
async def test_what_is_not_declared_is_refused_with_its_place(tmp_path: Path) -> None:
    flows = {
        "a": "<redis.gett/>",
        "b": step("get", redisKye="x"),
        "c": step("get"),
        "d": step("expire", redisKey="x", redisSeconds="soon"),
        "e": step("get", redisKey="{$ctx:}"),
        "g": "<reddis.get/>",
    }
    found = "\n".join(
        await refusals(tmp_path / "home", flows, {"R": "<redis.init><redisHots>x</redisHots></redis.init>"})
    )
    assert "api/a.xml:1 <redis.gett>: connector 'redis' has no operation 'gett'; allowed are append, blPop" in found
    assert "api/b.xml:1 <redisKye>: element <redisKye> is not allowed in <redis.get>; allowed are redisKey" in found
    assert "api/c.xml:1 <redis.get>: parameter 'redisKey' is required" in found
    assert "parameter 'redisSeconds': 'soon' is no integer" in found
    assert "api/e.xml:1 <redisKey>: wrong expression" in found
    assert "connector 'reddis' is not installed" in found
    assert "local-entries/R.xml:1 <redisHots>: element <redisHots> is not allowed in <redis.init>" in found


def test_every_command_is_one_the_server_knows(redis_port: int) -> None:
    import redis  # noqa: PLC0415  (the test's own client; the name is the connector's too)

    client = redis.Redis(port=redis_port)
    known = {name.upper() for name in client.command()}
    assert {command.words.split()[0] for command in COMMANDS.values()} <= known
