"""The http connector against a recording backend."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.integrator.connectors.world import flows_of
from tests.integrator.engine.harness import backend

ANSWERS = [
    {"path": "/base/missing", "status": 404, "headers": {"content-type": "application/json"}, "body": '{"no":1}'},
    {"path": "/token", "headers": {"content-type": "application/json"}, "body": '{"access_token":"t0ken","expires_in":600}'},
    {"echo": True, "headers": {"content-type": "application/json", "x-seen": "yes"}},
]  # fmt: skip


def connection(port: int, more: str = "") -> str:
    return f"<http.init><baseUrl>http://127.0.0.1:{port}/base</baseUrl>{more}</http.init>"


def step(method: str, inner: str = "") -> str:
    return f'<http.{method} configKey="H">{inner}</http.{method}>'


async def test_methods_paths_headers_and_bodies(tmp_path: Path) -> None:
    flows = {
        "get": step("get", '<relativePath>/a/b?x=1</relativePath><headers>[{"X-A":"1"},["X-B","2"]]</headers>'),
        "post": step(
            "post", "<requestBodyType>JSON</requestBodyType><requestBodyJson>{json-eval($.inner)}</requestBodyJson>"
        ),
        "put": step("put", "<relativePath>{json-eval($.path)}</relativePath>"),
        "patch": step(
            "patch", "<requestBodyType>XML</requestBodyType><requestBodyXml><a xmlns=''>1</a></requestBodyXml>"
        ),
        "delete": step("delete"),
        "head": step("head"),
        "options": step("options"),
        "text": step("post", "<requestBodyType>TEXT</requestBodyType><requestBodyText>hi</requestBodyText>"),
    }
    async with backend(ANSWERS) as stub, flows_of(tmp_path / "h", flows, {"H": connection(stub.port)}) as world:
        await world.post("get")
        assert stub.seen[-1].target == "/base/a/b?x=1"
        assert (stub.seen[-1].headers["x-a"], stub.seen[-1].headers["x-b"]) == ("1", "2")
        assert await world.json("post", {"inner": {"k": [1]}}) == {"k": [1]}
        assert await world.json("put", {"path": "p", "q": 1}) == {"path": "p", "q": 1}
        assert stub.seen[-1].target == "/base/p"
        await world.post("patch")
        assert (stub.seen[-1].body, stub.seen[-1].headers["content-type"].split(";")[0]) == (
            b'<a xmlns="">1</a>',
            "application/xml",
        )
        await world.post("text")
        assert (stub.seen[-1].body, stub.seen[-1].headers["content-type"].split(";")[0]) == (b"hi", "text/plain")
        for name in ("delete", "head", "options"):
            await world.post(name)
            assert stub.seen[-1].method == name.upper()


async def test_a_path_from_the_message_stays_on_the_host(tmp_path: Path) -> None:
    flows = {"f": step("get", "<relativePath>{json-eval($.p)}</relativePath>")}
    async with backend(ANSWERS) as stub, flows_of(tmp_path / "h", flows, {"H": connection(stub.port)}) as world:
        for hostile in ("@evil.example/x", "//evil.example/x", ".evil.example", "http://evil.example/x"):
            assert (await world.post("f", {"p": hostile})).status in (200, 500)
        assert len(stub.seen) == 4
        assert {seen.target.split("/")[1] for seen in stub.seen} == {"base"}


async def test_answers_with_errors_are_answers_and_no_answer_is_a_fault(tmp_path: Path) -> None:
    flows = {"f": step("get", "<relativePath>missing</relativePath>"), "g": step("get").replace('"H"', '"G"')}
    dead = "<http.init><baseUrl>http://127.0.0.1:1</baseUrl></http.init>"
    async with (
        backend(ANSWERS) as stub,
        flows_of(tmp_path / "h", flows, {"H": connection(stub.port), "G": dead}) as world,
    ):
        answer = await world.post("f")
        assert (answer.status, json.loads(answer.body)) == (404, {"no": 1})
        assert (await world.fault("g"))["code"] == "101503"


async def test_the_answer_in_a_variable_leaves_body_and_headers(tmp_path: Path) -> None:
    flows = {"f": step("get", "<responseVariable>v</responseVariable>")}
    async with backend(ANSWERS) as stub, flows_of(tmp_path / "h", flows, {"H": connection(stub.port)}) as world:
        answer = await world.post("f", {"mine": 1})
        assert json.loads(answer.body) == {"mine": 1}
        assert "x-seen" not in answer.headers
        assert len(stub.seen) == 1


async def test_basic_and_client_credentials(tmp_path: Path) -> None:
    async with backend(ANSWERS) as stub:
        basic = connection(stub.port, "<authType>basic</authType><username>u</username><password>p</password>")
        oauth = connection(
            stub.port,
            f"<authType>OAuth</authType><clientId>c</clientId><clientSecret>s</clientSecret>"
            f"<tokenUrl>http://127.0.0.1:{stub.port}/token</tokenUrl>",
        )
        flows = {"f": step("get"), "g": step("get").replace('"H"', '"G"')}
        async with flows_of(tmp_path / "h", flows, {"H": basic, "G": oauth}) as world:
            await world.post("f")
            assert stub.seen[-1].headers["authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
            stub.seen.clear()
            await world.post("g")
            await world.post("g")
            assert [seen.target for seen in stub.seen] == ["/token", "/base", "/base"]
            assert stub.seen[0].body == b"grant_type=client_credentials"
            assert stub.seen[1].headers["authorization"] == "Bearer t0ken"


async def test_hosts_are_those_the_operator_allows(tmp_path: Path) -> None:
    toml = '[connectors]\nhosts = ["192.0.2.0/24"]\n'
    async with (
        backend(ANSWERS) as stub,
        flows_of(tmp_path / "h", {"f": step("get")}, {"H": connection(stub.port)}, toml) as w,
    ):
        assert "[connectors] hosts allows 192.0.2.0/24" in (await w.fault("f"))["message"]
        assert stub.seen == []
