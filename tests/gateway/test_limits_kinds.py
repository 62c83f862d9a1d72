"""Kinds of limits at a real gateway: backends', quotas that do not stop, unknown policies, what callers are told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.clock import Clock
from tests.gateway.conftest import Served
from tests.gateway.hub import FakeHub
from tests.gateway.process import running_gateway
from tests.support.wait import until


@pytest.fixture(scope="module")
def telling(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer
) -> Iterator[Served]:
    """A gateway that tells callers what is left."""
    hub = FakeHub(redis_url).start()
    hub.publish("key_manager", world.MANAGER, world.key_manager(signer))
    settings = {"GATEWAY_POLL_SECONDS": "0.1", "GATEWAY_RATE_LIMIT_HEADERS": "true", "GATEWAY_STATUS_SECONDS": "0.2"}
    with running_gateway(tmp_path_factory.mktemp("var"), hub.url, redis_url, **settings) as gateway:
        gateway.until_alone()
        yield Served(gateway, hub, backend, signer)
    hub.stop()


def test_a_backend_gets_no_more_than_its_throughput(telling: Served) -> None:
    throughput = schema.BackendThroughput(schema.Limit(3, world.WINDOW), schema.Limit(1, world.WINDOW))
    both = {"sandbox": schema.Endpoint(telling.backend.url)}
    telling.publish(
        *world.application(1), *world.application(2), world.subscription("weak", 1), world.subscription("weak", 2),
        ("api", "Default:id-weak", world.api("weak", telling.backend.url, throughput=throughput, **both)),
    )  # fmt: skip
    callers = ["client-1", "client-2", "client-1", "client-2", "sandbox-1", "sandbox-2"]
    found = [telling.gateway.call("/weak/1.0/a", token=telling.signer.token(caller)) for caller in callers]
    assert [answer.status for answer in found] == [200, 200, 200, 503, 200, 503]
    body = found[-1].json
    assert (body["code"], body["message"]) == ("900801", "API Limit Reached")
    assert "retry-after" in found[-1].headers


def test_a_quota_that_does_not_stop_is_counted_and_told(telling: Served) -> None:
    telling.publish(
        world.policy("subscription", "Soft", 2, stop_on_quota_reach=False), *world.application(3),
        ("api", "Default:id-soft", world.api("soft", telling.backend.url)), world.subscription("soft", 3, "Soft"),
    )  # fmt: skip
    token = telling.signer.token("client-3")
    found = [telling.gateway.call("/soft/1.0/a", token=token) for _ in range(4)]
    assert [answer.status for answer in found] == [200] * 4
    assert [answer.headers["ratelimit-remaining"] for answer in found] == ["1", "0", "0", "0"]

    def passed_over() -> float:
        lines = telling.gateway.call("/metrics").body.decode().splitlines()
        return sum(float(one.rpartition(" ")[2]) for one in lines if one.startswith("gateway_quota_passed_over_total{"))

    until(lambda: passed_over() == 2, what="two calls beyond the quota")


def test_a_policy_nobody_knows_is_said_in_the_status(telling: Served) -> None:
    telling.publish(
        *world.application(4, "NoSuchLimit"), ("api", "Default:id-lost", world.api("lost", telling.backend.url)),
        world.subscription("lost", 4, "NoSuchPlan"),
    )  # fmt: skip
    assert telling.gateway.call("/lost/1.0/a", token=telling.signer.token("client-4")).status == 200
    wanted = {f"{world.ORGANISATION}:subscription:NoSuchPlan", f"{world.ORGANISATION}:application:NoSuchLimit"}

    def noted() -> set[str]:
        newest = telling.hub.statuses[-1].refusals if telling.hub.statuses else []
        return {one.key for one in newest if one.kind == "policy"}

    until(lambda: noted() == wanted, what="both policies in the status")
    telling.publish(world.policy("subscription", "NoSuchPlan", 3), world.policy("application", "NoSuchLimit", 3))
    until(lambda: noted() == set(), what="a status without them")


def test_callers_are_told_of_the_limit_that_has_the_least_left(telling: Served) -> None:
    telling.publish(
        world.policy("subscription", "Hundred", 100), world.policy("application", "Seven", 7),
        *world.application(5, "Seven"), ("api", "Default:id-told", world.api("told", telling.backend.url)),
        world.subscription("told", 5, "Hundred"),
    )  # fmt: skip
    token = telling.signer.token("client-5")
    began = time.time()
    answer = telling.gateway.call("/told/1.0/a", token=token)
    assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("7", "6")
    ends = [moment + int(answer.headers["ratelimit-reset"]) for moment in (began, time.time())]
    assert ends[0] - 1 <= (began // world.WINDOW + 1) * world.WINDOW <= ends[1] + 1
    for _ in range(6):
        answer = telling.gateway.call("/told/1.0/a", token=token)
    assert (answer.status, answer.headers["ratelimit-remaining"]) == (200, "0")
    answer = telling.gateway.call("/told/1.0/a", token=token)
    assert (answer.status, answer.headers["ratelimit-remaining"]) == (429, "0")


def test_a_sliding_limit_opens_bit_by_bit(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    quota = schema.Limit(10, 1000, sliding=True)
    records = [
        ("key_manager", world.MANAGER, world.key_manager(signer)), *world.application(6),
        world.policy("subscription", "Slide", 0, quota=quota), ("api", "Default:id-slide", world.api("slide", backend.url)),
        world.subscription("slide", 6, "Slide"),
    ]  # fmt: skip
    for record in records:
        hub.publish(*record)
    clock = Clock(var)
    window = (int(time.time()) // 1000 + 1) * 1000
    token = signer.token("client-6", exp=window + 100_000)
    with running_gateway(var, hub.url, redis_url, **clock.settings) as gateway:
        gateway.until_sequence(hub.sequence)

        def passed(second: int) -> int:
            """How many of fifteen calls pass so many seconds after the window's begin."""
            clock.stand(window + second)
            return sum(gateway.call("/slide/1.0/a", token=token).status == 200 for _ in range(15))

        assert passed(500) == 10
        refused = gateway.call("/slide/1.0/a", token=token)
        assert parsedate_to_datetime(refused.headers["retry-after"]).timestamp() == window + 1100
        # The next window begins with those ten counted whole, and ends without them.
        assert [passed(second) for second in (1050, 1500, 1900)] == [0, 5, 4]
        # A window that nobody used forgets everything.
        assert passed(3500) == 10
