"""AWS Lambda as a backend: a server that checks the signatures with Amazon's own library and plays the functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, unquote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway import schema
from gateway.endpoints import sigv4
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.deciding import Asked, Reply, Scripted
from tests.gateway.process import Answer
from tests.support.wait import until

_names = count(1)
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:order"
KEYS = {"AKIDEXAMPLE": ("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""), "ASIAROLE": ("role/secret", "session+token=")}


class Amazon:
    """Lambda and STS on one port."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.assumed: list[dict[str, list[str]]] = []
        self.fails = False

    def __call__(self, asked: Asked) -> Reply:
        service = "lambda" if "/functions/" in asked.target else "sts"
        if not signed_well(asked, service):
            return Reply(403, b'{"message":"SignatureDoesNotMatch"}', {"x-amzn-errortype": "InvalidSignatureException"})
        return self.invoke(asked) if service == "lambda" else self.assume(asked)

    def invoke(self, asked: Asked) -> Reply:
        assert unquote(asked.target) == f"/2015-03-31/functions/{ARN}/invocations"
        assert asked.headers["x-amz-invocation-type"] == "RequestResponse"
        self.events.append(json.loads(asked.body))
        headers = {"content-type": "application/json"} | ({"x-amz-function-error": "Unhandled"} if self.fails else {})
        return Reply(200, b'{"order":7}', headers)

    def assume(self, asked: Asked) -> Reply:
        self.assumed.append(parse_qs(asked.body.decode()))
        secret, token = KEYS["ASIAROLE"]
        ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{ends}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        return Reply(200, body.encode(), {"content-type": "text/xml"})


def signed_well(asked: Asked, service: str) -> bool:
    """Signs the same request with botocore and compares."""
    shown = asked.headers["authorization"]
    key = shown.partition("Credential=")[2].partition("/")[0]
    names = shown.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    secret, token = KEYS[key]
    if token and asked.headers.get("x-amz-security-token") != token:
        return False
    headers = {name: asked.headers[name] for name in names if name not in ("x-amz-date", "x-amz-security-token")}
    request = AWSRequest(
        method=asked.method, url=f"http://{asked.headers['host']}{asked.target}", data=asked.body, headers=headers
    )
    moment = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - botocore's own form
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        SigV4Auth(Credentials(key, secret, token or None), service, "eu-west-1").add_auth(request)
    return str(request.headers["Authorization"]) == shown


@pytest.fixture
def amazon() -> Iterator[tuple[Scripted, Amazon]]:
    """Lambda and STS."""
    played = Amazon()
    one = Scripted(played)
    yield one, played
    one.stop()


def publish(served: Served, url: str, encoded: bool = False, **properties: str) -> str:
    name = f"fn{next(_names)}"
    given = {"access_key": "AKIDEXAMPLE", "secret_key": KEYS["AKIDEXAMPLE"][0], "region": "eu-west-1"} | properties
    functions = tuple(schema.Function(verb, "/order/{id}", ARN, encoded=encoded) for verb in ("GET", "POST"))
    endpoint = schema.Endpoint(url, kind="aws_lambda", functions=functions, properties=tuple(given.items()))
    operations = tuple(schema.Operation(verb, "/order/{id}") for verb in ("GET", "POST", "DELETE"))
    served.publish(
        ("api", f"Default:id-{name}", world.api(name, "", *operations, production=endpoint)), world.subscription(name)
    )
    return f"/{name}/1.0"


def call(served: Served, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    return served.gateway.call(path, method, served.signer.token(), body, headers)


def test_a_function_gets_the_request_as_its_event(served: Served, amazon: tuple[Scripted, Amazon]) -> None:
    server, played = amazon
    context = publish(served, server.url)
    answer = call(served, f"{context}/order/a%20b?q=1&r=%26", **{"X-Own": "kept"})
    assert (answer.status, answer.json) == (200, {"order": 7})
    assert answer.headers["content-type"] == "application/json"
    event = played.events[-1]
    assert event["pathParameters"] == {"id": "a b"}
    assert event["queryStringParameters"] == {"q": "1", "r": "&"}
    assert (event["httpMethod"], event["path"], event["body"]) == ("GET", "/order/{id}", {})
    assert event["isBase64Encoded"] is False
    assert event["headers"]["x-own"] == "kept"
    assert "authorization" not in event["headers"]
    call(served, f"{context}/order/7", "POST", b'{"size": "large"}', **{"Content-Type": "application/json"})
    assert played.events[-1]["body"] == {"size": "large"}
    many = "&".join(f"q{number}=1" for number in range(1500))
    assert call(served, f"{context}/order/7?{many}").status == 200
    assert len(played.events[-1]["queryStringParameters"]) == 1500
    call(served, f"{context}/order/7", "POST", b"plain", **{"Content-Type": "text/plain"})
    assert played.events[-1]["body"] == "plain"


def test_without_a_region_it_is_that_of_the_functions_name(served: Served, amazon: tuple[Scripted, Amazon]) -> None:
    server, _ = amazon
    assert call(served, f"{publish(served, server.url, region='')}/order/7").status == 200


def test_bodies_may_travel_encoded(served: Served, amazon: tuple[Scripted, Amazon]) -> None:
    server, played = amazon
    context = publish(served, server.url, encoded=True)
    call(served, f"{context}/order/7", "POST", b"\x00\xff", **{"Content-Type": "application/octet-stream"})
    assert (played.events[-1]["body"], played.events[-1]["isBase64Encoded"]) == ("AP8=", True)


def test_a_role_is_assumed_once(served: Served, amazon: tuple[Scripted, Amazon]) -> None:
    server, played = amazon
    role = {"role_arn": "arn:aws:iam::123456789012:role/x", "role_session_name": "gw", "role_region": "eu-west-1"}
    context = publish(served, server.url, sts_url=f"{server.url}/", **role)
    assert [call(served, f"{context}/order/7").status for _ in range(3)] == [200] * 3
    assert len(played.assumed) == 1
    assert played.assumed[0]["RoleArn"] == [role["role_arn"]]


def test_functions_that_fail_and_calls_amazon_refuses(served: Served, amazon: tuple[Scripted, Amazon]) -> None:
    server, played = amazon
    context = publish(served, server.url)
    played.fails = True
    answer = call(served, f"{context}/order/7")
    assert (answer.status, answer.json) == (502, {"order": 7})
    wrong = publish(served, server.url, secret_key="wrong")
    refused = call(served, f"{wrong}/order/7")
    assert (refused.status, refused.json["code"]) == (500, "101510")
    until(lambda: "InvalidSignatureException" in served.gateway.log, seconds=10, what="the cause is logged")
    assert KEYS["AKIDEXAMPLE"][0] not in served.gateway.log
    assert call(served, f"{context}/order/7", "DELETE").json["code"] == "101503"
    server.stop()
    assert call(served, f"{context}/order/7").json["code"] == "101503"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [
        ("GET", "/", [], b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", [], b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/\u1234", [], b"", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "POST", "/", [(b"content-type", b"application/x-www-form-urlencoded")], b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "GET", "/", [(b"my-header1", b" value1"), (b"my-header2", b' "a   b   c"')], b"",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        ("POST", "/", [(b"my-header1", b"VALUE1")], b"", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    ],
    ids=["get-vanilla", "post-vanilla", "get-utf8", "post-form", "get-header-value-trim", "post-header-value-case"],
)  # fmt: skip
def test_signatures_of_the_published_suite(
    method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes, signature: str
) -> None:
    keys = sigv4.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    moment = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    found = sigv4.signed(method, "example.amazonaws.com", path, headers, body, keys, "us-east-1", "service", moment)
    assert dict(found)[b"authorization"].endswith(f"Signature={signature}".encode())
