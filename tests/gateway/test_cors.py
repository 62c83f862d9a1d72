"""CORS at a real gateway (reference A12)."""

from __future__ import annotations

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served

ASKING = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}


@pytest.fixture(scope="module")
def ready(served: Served) -> Served:
    """APIs with CORS for anybody, for one origin, off, and with an OPTIONS operation."""
    url = served.backend.url
    operations = (schema.Operation("GET", "/a"), schema.Operation("POST", "/a"), schema.Operation("TRACE", "/a"))
    listed = schema.Cors(origins=("https://shop.example",), credentials=True)
    off = schema.Cors(enabled=False)
    own = (schema.Operation("OPTIONS", "/a", auth="none"), *operations)
    served.publish(
        ("api", "Default:id-open", world.api("open", url, *operations)), world.subscription("open"),
        ("api", "Default:id-listed", world.api("listed", url, *operations, cors=listed)), world.subscription("listed"),
        ("api", "Default:id-off", world.api("off", url, *own, cors=off)), world.subscription("off"),
        ("api", "Default:id-own", world.api("own", url, *own)), world.subscription("own"),
    )  # fmt: skip
    return served


def test_a_preflight_is_answered_before_authentication(ready: Served) -> None:
    answer = ready.gateway.call("/open/1.0/a", "OPTIONS", headers=ASKING)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET,POST"
    assert answer.headers["access-control-allow-headers"] == (
        "authorization,Access-Control-Allow-Origin,Content-Type,SOAPAction,apikey,Internal-Key"
    )
    assert "access-control-allow-credentials" not in answer.headers


def test_listed_origins_are_named_and_others_are_not(ready: Served) -> None:
    answer = ready.gateway.call("/listed/1.0/a", "OPTIONS", headers=ASKING)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"
    other = ready.gateway.call("/listed/1.0/a", "OPTIONS", headers=ASKING | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_options_without_the_question_is_405(ready: Served) -> None:
    answer = ready.gateway.call("/open/1.0/a", "OPTIONS", headers={"Origin": "https://shop.example"})
    assert (answer.status, answer.json["code"]) == (405, "405")
    assert ready.gateway.call("/open/1.0/nowhere", "OPTIONS", headers=ASKING).status == 404


def test_answers_to_browsers_carry_their_origin_only(ready: Served) -> None:
    answer = ready.gateway.call("/open/1.0/a", token=ready.signer.token(), headers={"Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-methods" not in answer.headers
    assert "access-control-allow-headers" not in answer.headers
    refused = ready.gateway.call("/open/1.0/a", headers={"Origin": "https://shop.example"})
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "*")


def test_with_cors_off_everything_is_the_backends(ready: Served) -> None:
    answer = ready.gateway.call("/off/1.0/a", "OPTIONS", headers=ASKING)
    assert answer.json["method"] == "OPTIONS"
    assert answer.headers["access-control-allow-origin"] == "backend"


def test_an_own_options_operation_serves_what_is_no_preflight(ready: Served) -> None:
    assert ready.gateway.call("/own/1.0/a", "OPTIONS").json["method"] == "OPTIONS"
    assert ready.gateway.call("/own/1.0/a", "OPTIONS", headers=ASKING).body == b""


def test_credentials_for_anybody_are_refused_by_name(ready: Served) -> None:
    bad = schema.Cors(credentials=True)
    ready.publish(("api", "Default:id-bad", world.api("bad", ready.backend.url, cors=bad)))
    assert ready.gateway.call("/bad/1.0/a").status == 404
    assert "credentials cannot be allowed for origin '*'" in ready.gateway.log
