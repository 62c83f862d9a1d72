"""Conditions, deny policies and custom rules at a real gateway: each file of tests/corpus/gateway/limits is a case."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.conftest import Served
from tests.gateway.hub import FakeHub
from tests.gateway.process import running_gateway

CASES = sorted((Path(__file__).parents[1] / "corpus" / "gateway" / "limits").glob("*.yaml"))
_numbers = count(500)


@pytest.fixture(scope="module")
def behind_proxy(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer
) -> Iterator[Served]:
    """A gateway that believes this machine's x-forwarded-for."""
    hub = FakeHub(redis_url).start()
    hub.publish("key_manager", world.MANAGER, world.key_manager(signer))
    settings = {"GATEWAY_POLL_SECONDS": "0.1", "GATEWAY_TRUSTED_PROXIES": "127.0.0.1"}
    with running_gateway(tmp_path_factory.mktemp("var"), hub.url, redis_url, **settings) as gateway:
        gateway.until_alone()
        yield Served(gateway, hub, backend, signer)
    hub.stop()


def limit(amount: int) -> schema.Limit:
    return schema.Limit(amount, world.WINDOW)


def policy(case: dict[str, Any], name: str) -> tuple[str, str, schema.Record]:
    groups = tuple(
        schema.ConditionalGroup(tuple(schema.Condition(**one) for one in group["conditions"]), limit(group["limit"]))
        for group in case.get("groups", ())
    )
    return world.policy("api", name, case.get("quota", 0), groups=groups)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_corpus(behind_proxy: Served, path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    number = next(_numbers)
    name = f"case{number}"
    words = {"{api}": name, "{application}": f"App {number}"}

    def filled(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    of_operation = case.get("level") == "operation"
    operation = schema.Operation(
        "GET", "/a", policy=name if of_operation else "Unlimited", auth="none" if case.get("open") else "any"
    )
    changes = {"policy": "" if of_operation or "policy" not in case else name}
    denials = [
        (
            "deny",
            f"{name}-{place}",
            schema.Deny(f"{name}-{place}", world.ORGANISATION, **one | {"value": filled(one["value"])}),
        )
        for place, one in enumerate(case.get("deny", ()))
    ]
    rules = [
        ("custom_rule", f"{name}-{place}", schema.CustomRule(f"{name}-{place}", one["key"], filled(one["query"])))
        for place, one in enumerate(case.get("rules", ()))
    ]
    behind_proxy.publish(
        policy(case.get("policy", {}), name), *world.application(number), *denials, *rules,
        world.policy("subscription", "Unauthenticated", case.get("unauthenticated", 0)),
        ("api", f"Default:id-{name}", world.api(name, behind_proxy.backend.url, operation, **changes)),
        world.subscription(name, number),
    )  # fmt: skip
    try:
        for place, one in enumerate(case["calls"]):
            check(behind_proxy, f"/{name}/1.0/a", number, one, f"{path.name}, call {place + 1}: {case['about']}")
        log = behind_proxy.gateway.log
        for place, one in enumerate(case.get("rules", ())):
            if "refused" in one:
                assert f"custom_rule:{name}-{place}" in log
                assert one["refused"] in log
    finally:
        behind_proxy.publish(*((kind, key, None) for kind, key, _ in (*denials, *rules)))


def check(served: Served, path: str, number: int, one: dict[str, Any], what: str) -> None:
    """One call and its outcome: 200, or the code of a refusal with its status (429 when not said)."""
    headers = dict(one.get("headers", {}))
    if "from" in one:
        headers["x-forwarded-for"] = one["from"]
    token = "" if one.get("token") == "none" else served.signer.token(f"client-{number}", **one.get("claims", {}))
    began = time.perf_counter()
    answer = served.gateway.call(f"{path}?{one.get('query', '')}", token=token, headers=headers)
    took = time.perf_counter() - began
    expected = one["expect"]
    if expected == 200:
        assert answer.status == 200, (what, answer.body)
    else:
        assert (answer.json["code"], answer.status) == (expected, one.get("status", 429)), (what, answer.body)
    assert took < one.get("within", 10), what


def test_there_are_cases() -> None:
    assert len(CASES) > 20


@pytest.mark.parametrize(
    ("kind", "record", "reason"),
    [
        ("deny", schema.Deny("bad", world.ORGANISATION, "ip", "10.0.0"), "'10.0.0' is not an IPv4 or IPv6 address"),
        ("deny", schema.Deny("bad", world.ORGANISATION, "ip_range", "10.0.0.9-10.0.0.1"), "after its end"),
        ("deny", schema.Deny("bad", world.ORGANISATION, "ip_range", "10.0.0.9-::1"), "two kinds of addresses"),
        ("custom_rule", schema.CustomRule("bad", "$userId", "FROM RequestStream"), "line 1: select is missing"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused_by_name(
    behind_proxy: Served, kind: str, record: schema.Record, reason: str
) -> None:
    behind_proxy.publish((kind, "bad", record))
    try:
        assert f"{kind}:bad" in behind_proxy.gateway.log
        assert reason in behind_proxy.gateway.log
        assert behind_proxy.gateway.ready()["status"] == "ready"
    finally:
        behind_proxy.publish((kind, "bad", None))


def test_an_api_with_an_impossible_condition_keeps_its_old_chains(behind_proxy: Served) -> None:
    number = next(_numbers)
    name = f"case{number}"
    bad = schema.ConditionalGroup((schema.Condition("header", "(?=x)", name="x"),), limit(1))
    behind_proxy.publish(
        world.policy("api", name, 0), *world.application(number), world.subscription(name, number),
        ("api", f"Default:id-{name}", world.api(name, behind_proxy.backend.url, policy=name)),
    )  # fmt: skip
    behind_proxy.publish(world.policy("api", name, 0, groups=(bad,)))
    token = behind_proxy.signer.token(f"client-{number}")
    assert behind_proxy.gateway.call(f"/{name}/1.0/a", token=token).status == 200
    assert "look-around and back-references" in behind_proxy.gateway.log
