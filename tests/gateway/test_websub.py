"""WebSub APIs in the gateway: what subscribers and publishers must show, and what is handed to the hub."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.process import Answer

TOPICS = (schema.Operation("SUBSCRIBE", "/orders"), schema.Operation("SUBSCRIBE", "/secret", scopes=("insider",)))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RECEIVER = "webhooks_events_receiver_resource"


class Taken:
    """What the control plane was handed; `answer` is what it says."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: tuple[int, bytes] = (202, b'{"id": "1", "state": "ACTIVE"}')

    def __call__(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.calls.append((path, {name.lower(): value for name, value in headers.items()}, body))
        return self.answer


@pytest.fixture
def taken(served: Served) -> Iterator[Taken]:
    """The hub's resources."""
    one = Taken()
    before, served.hub.websub = served.hub.websub, one
    yield one
    served.hub.websub = before


def publish(served: Served, name: str, **changes: Any) -> None:
    """A WebSub API that application 1 is subscribed to."""
    record = world.api(name, "http://unused", *TOPICS, **{"kind": "WEBSUB", "production": None} | changes)
    served.publish(("api", f"Default:{record.id}", record), world.subscription(name))


def wish(served: Served, name: str, token: str | None = None, body: bool = False, **fields: str) -> Answer:
    """A subscriber's request, in the query or as a form."""
    hub = {"hub.mode": "subscribe", "hub.topic": "/orders", "hub.callback": "https://example.org/cb"}
    text = urlencode(hub | {f"hub.{key}": value for key, value in fields.items()})
    token = served.signer.token() if token is None else token
    if body:
        return served.gateway.call(f"/{name}/1.0", "POST", token, text.encode(), FORM)
    return served.gateway.call(f"/{name}/1.0?{text}", "POST", token)


@pytest.mark.parametrize("body", [False, True])
def test_wishes_are_handed_to_the_hub(served: Served, taken: Taken, body: bool) -> None:
    publish(served, "wsub")
    answer = wish(served, "wsub", body=body, secret="s", lease_seconds="60")
    assert (answer.status, answer.body) == (202, b"")
    ((path, headers, sent),) = taken.calls
    assert path == "/internal/websub/v1/subscriptions"
    assert json.loads(sent) == {
        "environment": "Default", "api": "id-wsub", "application": "app-1", "plan_subscription": "sub-wsub-1",
        "mode": "subscribe", "topic": "/orders", "callback": "https://example.org/cb", "secret": "s", "lease_seconds": 60,
    }  # fmt: skip
    assert headers["authorization"].startswith("Bearer ")


def test_subscribers_need_token_subscription_and_scope(served: Served, taken: Taken) -> None:
    publish(served, "wsub-auth")
    assert wish(served, "wsub-auth", token="").status == 401
    assert wish(served, "wsub-auth", token=served.signer.token(client="client-9", azp="client-9")).status == 403
    assert wish(served, "wsub-auth", topic="/secret").json["code"] == "900910"
    assert wish(served, "wsub-auth", token=served.signer.token(scope="insider"), topic="/secret").status == 202
    assert len(taken.calls) == 1


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"topic": "/nothing"}, 404, "There is no topic"),
        ({"topic": ""}, 400, "hub.topic is missing"),
        ({"callback": ""}, 400, "hub.callback is missing"),
        ({"mode": ""}, 400, "hub.mode is missing"),
        ({"lease_seconds": "soon"}, 400, "hub.lease_seconds"),
        ({"lease_seconds": "-1"}, 400, "hub.lease_seconds"),
    ],
)
def test_mistakes_are_told(served: Served, taken: Taken, fields: dict[str, str], status: int, text: str) -> None:
    publish(served, "wsub-wrong")
    answer = wish(served, "wsub-wrong", **fields)
    assert (answer.status, text in answer.json["error"]) == (status, True)
    assert taken.calls == []


def test_what_the_hub_says_is_passed_on(served: Served, taken: Taken) -> None:
    publish(served, "wsub-hub")
    taken.answer = (429, b'{"code": "900808", "error": "The plan allows 2 subscriptions."}')
    answer = wish(served, "wsub-hub")
    assert (answer.status, answer.json["code"]) == (429, "900808")
    taken.answer = (400, b'{"error": "hub.callback: no"}')
    assert wish(served, "wsub-hub").json == {"error": "hub.callback: no"}
    for status in (401, 500):
        taken.answer = (status, b"{}")
        assert wish(served, "wsub-hub").status == 503, "our own trouble is none of the caller's"
    taken.answer = (200, b"not JSON")
    assert wish(served, "wsub-hub").status == 503


def test_events_are_acknowledged_when_the_hub_has_them(served: Served, taken: Taken) -> None:
    publish(served, "wsub-events")
    path = f"/wsub-events/1.0/{RECEIVER}"
    answer = served.gateway.call(f"{path}?topic=/orders", "POST", body=b"\x00event", headers={"Content-Type": "text/x"})
    assert (answer.status, answer.json) == (200, {"id": "1"})
    ((target, headers, body),) = taken.calls
    assert target == "/internal/websub/v1/events?environment=Default&api=id-wsub-events&topic=%2Forders"
    assert (headers["content-type"], body) == ("text/x", b"\x00event")
    assert headers["x-hub-address"].endswith("/wsub-events/1.0")
    assert served.gateway.call(f"{path}?topic=/nothing", "POST", body=b"x").status == 404
    assert served.gateway.call(path, "POST", body=b"x").status == 400
    assert served.gateway.call(f"{path}?topic=/orders").status in (404, 405)
    assert served.gateway.call(f"{path}?topic=/orders", "POST", body=b"x" * 1_100_000).status == 413
    taken.answer = (500, b"{}")
    assert served.gateway.call(f"{path}?topic=/orders", "POST", body=b"x").status == 503
    served.hub.stop()
    try:
        assert served.gateway.call(f"{path}?topic=/orders", "POST", body=b"x").status == 503
    finally:
        served.hub.start()


@pytest.mark.parametrize(("algorithm", "prefix"), [("SHA1", "sha1="), ("sha256", "sha256="), ("sha1", "")])
def test_publishers_prove_themselves(served: Served, taken: Taken, algorithm: str, prefix: str) -> None:
    properties = (
        ("websub_algorithm", algorithm),
        ("websub_header", "X-Hub-Signature"),
        ("websub_secret", "pub"),
        ("websub_signed", "true"),
    )
    publish(served, "wsub-signed", properties=properties)
    path = f"/wsub-signed/1.0/{RECEIVER}?topic=/orders"
    right = prefix + hmac.new(b"pub", b"event", getattr(hashlib, algorithm.lower())).hexdigest()
    assert served.gateway.call(path, "POST", body=b"event", headers={"X-Hub-Signature": right}).status == 200
    for wrong in (right[:-1], f"md5={right}", "", "sha1=", prefix + "0" * 40):
        answer = served.gateway.call(path, "POST", body=b"event", headers={"X-Hub-Signature": wrong} if wrong else {})
        assert answer.status == 401, wrong
    assert served.gateway.call(path, "POST", body=b"other", headers={"X-Hub-Signature": right}).status == 401
    assert len(taken.calls) == 1


def test_a_record_that_cannot_be_checked_is_refused(served: Served) -> None:
    record = world.api("wsub-odd", "http://unused", *TOPICS, kind="WEBSUB", properties=(("websub_signed", "true"),))
    served.publish(("api", "Default:id-wsub-odd", record))
    assert served.gateway.call("/wsub-odd/1.0", "POST").status == 404
    assert "has no secret" in served.gateway.log
