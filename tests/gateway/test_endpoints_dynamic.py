"""Addresses that a policy gives, and answers that are fetched whole: the same security, failover and suspension."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.deciding import Reply, Scripted
from tests.gateway.process import Answer
from tests.gateway.test_endpoints_security import SECRET, DigestServer
from tests.support.ports import free_port

_names = count(1)


@pytest.fixture
def one() -> Iterator[Scripted]:
    """A backend."""
    started = Scripted()
    yield started
    started.stop()


def publish(served: Served, endpoint: schema.Endpoint, **changes: object) -> str:
    name = f"dyn{next(_names)}"
    record = world.api(name, "", production=endpoint, **changes)
    served.publish(("api", f"Default:id-{name}", record), world.subscription(name))
    return f"/{name}/1.0"


def call(served: Served, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    return served.gateway.call(path, method, served.signer.token(), body, headers)


def to(url: str) -> schema.Flows:
    return schema.Flows(request=(schema.PolicyUse("setToHeader", parameters={"value": url}),))


def test_a_policy_gives_the_address(served: Served, one: Scripted) -> None:
    dynamic = schema.Endpoint("", kind="dynamic", timeout_ms=3000)
    context = publish(served, dynamic, flows=to(f"{one.url}/below"))
    assert call(served, f"{context}/x?q=1", "POST", b"body").status == 200
    assert (one.asked[-1].target, one.asked[-1].body) == ("/below/x?q=1", b"body")
    assert one.asked[-1].headers["host"] == f"localhost:{one.port}"
    dead = publish(served, dynamic, flows=to(f"http://127.0.0.1:{free_port()}"))
    assert call(served, f"{dead}/x").json["code"] == "101503"
    without = publish(served, dynamic)
    assert call(served, f"{without}/x").json["code"] == "101503"


def test_dynamic_addresses_have_the_endpoints_security(served: Served, one: Scripted) -> None:
    one.answer = DigestServer("SHA-256", "auth")
    security = schema.EndpointSecurity("digest", "user", SECRET)
    context = publish(served, schema.Endpoint("", kind="dynamic", security=security), flows=to(one.url))
    assert [call(served, f"{context}/x").body for _ in range(3)] == [b"in"] * 3


def fetched(served: Served, endpoint: schema.Endpoint) -> str:
    """An API whose answers are fetched whole, because they are cached."""
    return publish(served, endpoint, cache_seconds=1)


def test_fetched_answers_fail_over(served: Served, one: Scripted) -> None:
    dead = schema.Endpoint(f"http://127.0.0.1:{free_port()}", suspension=schema.Suspension(initial_ms=60_000))
    group = schema.Endpoint("", kind="failover", members=(dead, schema.Endpoint(one.url)))
    context = fetched(served, group)
    assert call(served, f"{context}/a").body == b"ok"
    alone = fetched(served, schema.Endpoint("", kind="failover", members=(dead,)))
    assert call(served, f"{alone}/a").json["code"] in ("101503", "303000")
    assert call(served, f"{alone}/b").json["code"] == "303000"


def test_fetched_answers_have_digest_and_bounds(served: Served, one: Scripted) -> None:
    one.answer = server = DigestServer("MD5", "auth", uses=2)
    security = schema.EndpointSecurity("digest", "user", SECRET)
    breaker = schema.CircuitBreaker(connections=1, pending=2)
    context = fetched(served, schema.Endpoint(one.url, security=security, breaker=breaker))
    assert [call(served, f"{context}/{number}").body for number in range(5)] == [b"in"] * 5
    assert server.challenges == 3


def test_fetched_answers_keep_their_headers(served: Served, one: Scripted) -> None:
    one.answer = lambda asked: Reply(
        201, b"body", {"x-own": "kept", "connection": "keep-alive", "keep-alive": "timeout=5"}
    )
    answer = call(served, f"{fetched(served, schema.Endpoint(one.url))}/x")
    assert (answer.status, answer.body, answer.headers["x-own"]) == (201, b"body", "kept")
    assert "keep-alive" not in answer.headers
