"""What goes wrong between a gateway and its sources, each caused on purpose: it heals by itself and never serves less safely."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.clock import Clock
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway
from tests.gateway.test_sync import fill
from tests.support.ports import free_port
from tests.support.redis_server import BINARY
from tests.support.wait import until


class Redis:
    """A Redis that can be stopped and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(BINARY), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers, seconds=10)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        with redis.Redis(port=self.port) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    one = Redis()
    one.start()
    yield one
    one.stop()


def target(gateway: Gateway, token: str) -> str:
    """Where a call to the one API ends."""
    answer = gateway.call("/one/1.0/a", token=token)
    return answer.json["target"] if answer.status == 200 else str(answer.status)


def test_hints_come_again_after_redis_was_restarted(
    var: Path, own_redis: Redis, backend: Backend, signer: world.Signer
) -> None:
    hub = FakeHub(own_redis.url).start()
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, own_redis.url, GATEWAY_POLL_SECONDS="300") as gateway:
        gateway.until_sequence(hub.sequence)
        own_redis.stop()
        assert target(gateway, signer.token()) == "/base/a"
        own_redis.start()
        with redis.Redis(port=own_redis.port) as client:
            until(lambda: client.pubsub_numsub("apim:hints")[0][1] == 1, what="it listens again")
        hub.publish("api", "Default:id-one", world.api("one", backend.url + "2"))
        until(lambda: target(gateway, signer.token()) == "/base2/a", every=0.02)
    hub.stop()


def test_a_clock_that_jumps_stops_nothing_and_revives_no_revoked_token(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    clock = Clock(var)
    later = int(time.time()) + 3600
    hub.publish("revocation", "gone", schema.Revocation("gone", later), hint=False)
    revoked = signer.token(jti="gone", exp=later)
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="0.2", **clock.settings) as gateway:
        gateway.until_sequence(hub.sequence)
        token = signer.token(exp=later)
        assert (target(gateway, token), target(gateway, revoked)) == ("/base/a", "401")
        clock.shift(172_800)
        until(lambda: target(gateway, token) == "401", what="the token expires with the clock")
        # Under the wrong clock the revocation is past its expiry and dropped with the next one.
        hub.publish("revocation", "other", schema.Revocation("other", later + 500_000))
        gateway.until_sequence(hub.sequence)
        hub.publish("api", "Default:id-one", world.api("one", backend.url + "2"))
        gateway.until_sequence(hub.sequence)
        clock.shift(0)
        until(lambda: target(gateway, token) == "/base2/a", what="the token is valid again")
        until(lambda: hub.asked[-1] > 0 and hub.asked.count(0) >= 3, what="whole snapshots after the jumps")
        assert target(gateway, revoked) == "401"
        clock.shift(-172_800)
        hub.publish("api", "Default:id-one", world.api("one", backend.url + "3"))
        gateway.until_sequence(hub.sequence)
        clock.shift(0)
        until(lambda: target(gateway, token) == "/base3/a")
        assert "the clock was set" in gateway.log


def test_two_gateways_on_different_revisions_serve_and_share_limits(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    hub.publish(*world.policy("subscription", f"Six{hub.port}", 6))
    hub.publish(*world.subscription("one", plan=f"Six{hub.port}"))
    slow = FakeHub()
    slow.events = hub.events
    slow.start()
    (var / "b").mkdir()
    with (
        running_gateway(var, hub.url, redis_url, GATEWAY_NAME="a") as new,
        running_gateway(var / "b", slow.url, redis_url, GATEWAY_NAME="b") as old,
    ):
        for gateway in (new, old):
            gateway.until_sequence(hub.sequence)
        slow.stop()
        hub.publish("api", "Default:id-one", world.api("one", backend.url + "2", revision=2))
        new.until_sequence(hub.sequence)
        assert old.ready()["sequence"] == hub.sequence - 1
        token = signer.token()
        seen = []
        for gateway in (new, old) * 5:
            seen.append(target(gateway, token))
            time.sleep(0.3)
        assert seen[:6] == ["/base2/a", "/base/a"] * 3
        assert seen[-2:] == ["429", "429"]
        slow.start()
        old.until_sequence(hub.sequence)
    slow.stop()


def test_a_replaced_database_is_noticed_even_where_the_numbers_fit(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    hub.publish("api", "Default:id-lost", world.api("lost", backend.url), hint=False)
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="0.1") as gateway:
        gateway.until_sequence(hub.sequence)
        hub.stop()
        # Restored from a copy without the last change; others were made since, so that the numbers go on beyond it.
        hub.history = "restored"
        del hub.events[-1]
        for number in range(4):
            hub.publish("api", f"Default:id-n{number}", world.api(f"n{number}", backend.url), hint=False)
        hub.start()
        gateway.until_sequence(hub.sequence)
        assert gateway.call("/lost/1.0/a").status == 404
        assert gateway.call("/n0/1.0/a").status == 401
        # And one that is behind what the gateway has.
        hub.stop()
        hub.history = "older"
        del hub.events[-2:]
        hub.start()
        until(lambda: gateway.call("/n3/1.0/a").status == 404)
        assert gateway.call("/n0/1.0/a").status == 401
    state = json.loads((var / "gateway" / "Default.json").read_text())
    assert state["mark"] == f"older.{hub.sequence}"
    hub.stop()
    hub.history = "newest"
    hub.publish("api", "Default:id-n0", None, hint=False)
    hub.start()
    with running_gateway(var, hub.url, redis_url) as gateway:
        assert gateway.call("/n0/1.0/a").status == 404


def test_what_changed_just_before_a_kill_holds_after_it(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    copy = var / "gateway" / "Default.json"
    token = signer.token(jti="late")
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="30") as gateway:
        until(lambda: copy.exists() and json.loads(copy.read_text())["sequence"] == hub.sequence)
        worker = until(lambda: hub.statuses)[-1].pid
        assert target(gateway, token) == "/base/a"
        hub.publish("revocation", "late", schema.Revocation("late", int(time.time()) + 3600))
        until(lambda: target(gateway, token) == "401", every=0.005)
        os.kill(worker, signal.SIGKILL)
        gateway.process.kill()
        gateway.process.wait(10)
    # Whether the copy was written in time or not, the first call after the start meets the revocation.
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="30") as gateway:
        assert target(gateway, token) == "401"


@pytest.mark.parametrize(
    "content", ["", "{", '{"format":1,"sequence":"x"}', "\0\0\0", "[1]", "truncated", "older format", "unknown record"]
)
def test_a_bad_disk_copy_costs_a_snapshot_only(
    content: str, var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    copy = var / "gateway" / "Default.json"
    with running_gateway(var, hub.url, redis_url):
        until(copy.exists)
    good = copy.read_text()
    versions = {
        "truncated": good[: len(good) // 2],
        "older format": json.dumps(json.loads(good) | {"format": 0}),
        "unknown record": json.dumps(
            json.loads(good)
            | {"events": [*json.loads(good)["events"], {"sequence": 1, "kind": "planet", "key": "mars"}]}
        ),
    }
    copy.write_text(versions.get(content, content))
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="0.2") as gateway:
        until(lambda: target(gateway, signer.token()) == "/base/a")
        hub.publish("api", "Default:id-two", world.api("two", backend.url))
        until(lambda: gateway.call("/two/1.0/a").status == 401)
    if content in ("truncated", ""):
        assert "cannot be read" in gateway.log
    assert hub.asked.count(0) >= 2 or content == "unknown record"


def test_a_slow_hub_and_one_that_talks_nonsense_stop_nothing(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="0.1") as gateway:
        gateway.until_sequence(hub.sequence)
        for nonsense in (b"", b"<html>", b'{"sequence":-1}', b'{"sequence":1e99,"events":[]}', b"[" * 10_000, b"\xff"):
            hub.garbage = nonsense
            seen = len(hub.asked)
            until(lambda seen=seen: len(hub.asked) > seen, what="another try")
            assert target(gateway, signer.token()) == "/base/a"
        until(lambda: gateway.ready()["control_plane"] == "not reached")
        hub.garbage = None
        hub.delay = 4.0
        hub.publish("api", "Default:id-one", world.api("one", backend.url + "2"))
        for _ in range(5):
            began = time.monotonic()
            assert target(gateway, signer.token()).startswith("/base")
            assert time.monotonic() - began < 3.5, "calls do not wait for the hub"
        hub.delay = 0.0
        until(lambda: target(gateway, signer.token()) == "/base2/a")
