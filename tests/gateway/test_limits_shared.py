"""Limits over several workers: how far beyond they get, and what happens when Redis goes, hangs, restarts or comes back."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from benchmarks.flood import flood
from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.conftest import Served
from tests.gateway.hub import FakeHub
from tests.gateway.process import running_gateway
from tests.support.ports import free_port
from tests.support.redis_server import BINARY
from tests.support.wait import until


class OwnRedis:
    """A Redis that a test may stop, start again and suspend."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            str(BINARY),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self._folder),
            "--save",
            "",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        client = redis.Redis(port=self.port)
        until(lambda: answers(client), seconds=30, what="redis answers")
        client.close()

    def suspend(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    one = OwnRedis(tmp_path)
    one.start()
    yield one
    one.stop()


def limited(name: str, backend: Backend, limit: schema.Limit, number: int = 1) -> list[tuple[str, str, schema.Record]]:
    """An API whose subscriber has this limit."""
    return [
        world.policy("subscription", f"Plan-{name}", 0, quota=limit),
        ("api", f"Default:id-{name}", world.api(name, backend.url)),
        world.subscription(name, number, f"Plan-{name}"),
    ]


def gauge(served: Served, name: str) -> list[float]:
    """The values of a gauge, one for each worker."""
    lines = served.gateway.call("/metrics").body.decode().splitlines()
    return [float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{{")]


@pytest.fixture
def four(tmp_path: Path, own_redis: OwnRedis, backend: Backend, signer: world.Signer) -> Iterator[Served]:
    """Four workers that share their limits."""
    hub = FakeHub(own_redis.url).start()
    for record in (("key_manager", world.MANAGER, world.key_manager(signer)), *world.application(1)):
        hub.publish(*record)
    (tmp_path / "var").mkdir()
    with running_gateway(tmp_path / "var", hub.url, own_redis.url, workers=4, GATEWAY_POLL_SECONDS="0.1") as gateway:
        served = Served(gateway, hub, backend, signer)
        until(lambda: gauge(served, "gateway_limit_workers") == [4.0] * 4, seconds=30, what="four workers that share")
        yield served
    hub.stop()


def settle(served: Served) -> None:
    """All four workers have taken the newest change in: the page is answered by any of them."""
    until(
        lambda: gauge(served, "gateway_sequence") == [float(served.hub.sequence)] * 4,
        seconds=30,
        what="all workers follow",
    )


@pytest.mark.parametrize("amount", [7, 40, 400, 1000])
async def test_four_workers_let_a_limit_pass_and_hardly_more(four: Served, amount: int) -> None:
    for record in limited("shared", four.backend, schema.Limit(amount, world.WINDOW)):
        four.hub.publish(*record)
    settle(four)
    found = await flood(four.gateway.http, "/shared/1.0/a", four.signer.token(), amount + 600, 1000.0, 32)
    assert set(found.statuses) == {200, 429}
    # What is certain: a worker's credit is 1 % of what is left, divided by the workers; what is set aside is never too much.
    late = shown_late(four, "/shared/1.0/a", four.signer.token())
    assert amount <= found.statuses[200] + late <= amount + amount // 100 + 1


def shown_late(served: Served, path: str, token: str) -> int:
    """Calls that pass after a flood because a worker gave back what it had set aside."""
    late = 0
    for _ in range(40):
        late += served.gateway.call(path, token=token).status == 200
        time.sleep(0.02)
    return late


async def test_without_redis_each_worker_counts_alone_says_so_and_joins_again(
    four: Served, own_redis: OwnRedis
) -> None:
    for record in limited("alone", four.backend, schema.Limit(100, world.WINDOW)):
        four.hub.publish(*record)
    settle(four)
    token = four.signer.token()
    first = await flood(four.gateway.http, "/alone/1.0/a", token, 40, 400.0, 16)
    assert first.statuses[200] == 40
    time.sleep(0.3)
    own_redis.stop()
    until(lambda: gauge(four, "gateway_limits_shared") == [0.0] * 4, seconds=30, what="workers count alone")
    assert four.gateway.log.count("limits are counted per worker") >= 4
    second = await flood(four.gateway.http, "/alone/1.0/a", token, 500, 1000.0, 32)
    # Each of the four knows of most of the 40 before; none knows of what the others let pass now.
    assert 60 <= second.statuses[200] <= 4 * 75
    assert second.quantile(0.5) < 0.9, "nobody waits the second that Redis would be given"
    own_redis.start()
    until(lambda: gauge(four, "gateway_limits_shared") == [1.0] * 4, seconds=30, what="workers share again")
    time.sleep(0.3)
    third = await flood(four.gateway.http, "/alone/1.0/a", token, 40, 400.0, 16)
    assert third.statuses[200] <= 1


async def test_a_restarted_redis_gets_the_totals_back(four: Served, own_redis: OwnRedis) -> None:
    for record in limited("restart", four.backend, schema.Limit(200, world.WINDOW)):
        four.hub.publish(*record)
    settle(four)
    token = four.signer.token()
    first = await flood(four.gateway.http, "/restart/1.0/a", token, 100, 500.0, 16)
    assert first.statuses[200] == 100
    time.sleep(0.5)
    own_redis.stop()
    own_redis.start()
    until(lambda: gauge(four, "gateway_limits_shared") == [1.0] * 4, seconds=30, what="workers share again")
    second = await flood(four.gateway.http, "/restart/1.0/a", token, 400, 500.0, 16)
    # Workers that had nothing to tell for a moment may know a total that is some calls old; forgotten, it would be 200.
    late = shown_late(four, "/restart/1.0/a", token)
    assert 80 <= second.statuses[200] + late <= 140


async def test_a_reset_by_hand_reaches_all_workers(four: Served) -> None:
    records = [
        world.policy("application", "Ten", 10), *world.application(77, "Ten"),
        ("api", "Default:id-reset", world.api("reset", four.backend.url)), world.subscription("reset", 77),
    ]  # fmt: skip
    for record in records:
        four.hub.publish(*record)
    settle(four)
    token = four.signer.token("client-77")
    for moment in (1.0, 2.0):
        found = await flood(four.gateway.http, "/reset/1.0/a", token, 60, 300.0, 16)
        assert 9 <= found.statuses[200] + shown_late(four, "/reset/1.0/a", token) <= 10
        four.hub.publish("throttle_reset", "app-77", schema.ThrottleReset("app-77", at=moment))
        settle(four)
    found = await flood(four.gateway.http, "/reset/1.0/a", token, 60, 300.0, 16)
    assert 9 <= found.statuses[200] + shown_late(four, "/reset/1.0/a", token) <= 10


async def test_a_redis_that_hangs_holds_nobody_up_for_long(four: Served, own_redis: OwnRedis) -> None:
    for record in limited("hang", four.backend, schema.Limit(50, world.WINDOW)):
        four.hub.publish(*record)
    settle(four)
    own_redis.suspend()
    try:
        found = await flood(four.gateway.http, "/hang/1.0/a", four.signer.token(), 200, 100.0, 16)
        # The first calls wait until Redis counts as away, the others not at all.
        assert max(found.seconds) < 15
        assert found.quantile(0.75) < 0.9
        assert 50 <= found.statuses[200] <= 4 * 50 + 4
        assert set(found.statuses) <= {200, 429}
    finally:
        own_redis.resume()
    until(lambda: gauge(four, "gateway_limits_shared") == [1.0] * 4, seconds=30, what="workers share again")
