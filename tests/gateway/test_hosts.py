"""Two gateways on two hosts, as far as they can tell: each has its own state folder, name and ports; Redis and hub are shared."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway
from tests.gateway.test_sync import fill, until_heard
from tests.support.wait import until

AMOUNT = 40


def test_limits_are_shared_and_revocations_reach_both(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    plan = f"Shared{hub.port}"
    hub.publish(*world.policy("subscription", plan, AMOUNT))
    hub.publish(*world.subscription("one", plan=plan))
    hub.publish("api", "Default:id-two", world.api("two", backend.url))
    hub.publish(*world.subscription("two"))
    for name in ("north", "south"):
        (var / name).mkdir()
    slow = {"GATEWAY_POLL_SECONDS": "300", "GATEWAY_STATUS_SECONDS": "0.5"}
    with (
        running_gateway(var / "north", hub.url, redis_url, workers=2, GATEWAY_NAME="north", **slow) as north,
        running_gateway(var / "south", hub.url, redis_url, GATEWAY_NAME="south", **slow) as south,
    ):
        gateways = (north, south)
        for gateway in gateways:
            gateway.until_sequence(hub.sequence)
        until(lambda: {one.host for one in hub.statuses} == {"north", "south"}, what="reports of both")
        revocation_reaches(gateways, hub, signer, redis_url)
        answers = spent(gateways, signer.token())
    assert set(answers) == {200, 429}
    # Each of the three workers may hold a share that it does not use up; counting alone they would admit 80 of the 80 calls.
    assert AMOUNT // 2 <= answers[200] <= AMOUNT + 3, answers


def revocation_reaches(gateways: tuple[Gateway, ...], hub: FakeHub, signer: world.Signer, redis_url: str) -> None:
    """Both refuse the token by the hint alone: the poll would take minutes."""
    token = signer.token(jti="both")
    for gateway in gateways:
        assert gateway.call("/two/1.0/a", token=token).status == 200
    until_heard(redis_url, 3)
    hub.publish("revocation", "both", schema.Revocation("both", int(time.time()) + 3600))
    for gateway in gateways:
        until(
            lambda gateway=gateway: {gateway.call("/two/1.0/a", token=token).status for _ in range(4)} == {401},
            every=0.01,
        )


def spent(gateways: tuple[Gateway, ...], token: str) -> Counter[int]:
    """What callers at both get until all are refused."""
    answers: Counter[int] = Counter()

    def caller(gateway: Gateway) -> None:
        for _ in range(AMOUNT):
            answers[gateway.call("/one/1.0/a", token=token).status] += 1
            time.sleep(0.01)

    callers = [threading.Thread(target=caller, args=(gateway,)) for gateway in gateways]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    return answers
