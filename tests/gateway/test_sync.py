"""How changes reach a gateway: hints, lost hints, restarts, poison, an absent control plane, swaps under load."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter as Tally
from pathlib import Path

import psutil
import redis

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway
from tests.support.wait import until


def fill(hub: FakeHub, backend: Backend, signer: world.Signer) -> None:
    """One API that application 1 may call."""
    records: list[tuple[str, str, schema.Record]] = [
        ("key_manager", world.MANAGER, world.key_manager(signer)), *world.application(1),
        ("api", "Default:id-one", world.api("one", backend.url)), world.subscription("one"),
    ]  # fmt: skip
    for record in records:
        hub.publish(*record, hint=False)


def until_heard(redis_url: str, workers: int = 1) -> None:
    """Waits until so many workers listen to hints."""
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: client.pubsub_numsub("apim:hints")[0][1] >= workers, what="workers that listen to hints")


def test_hints_bring_changes_at_once_and_polls_what_hints_lost(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="300") as gateway:
        gateway.until_sequence(hub.sequence)
        token = signer.token(jti="revoke-me")
        assert gateway.call("/one/1.0/a", token=token).status == 200
        until_heard(redis_url)
        hub.publish("revocation", "revoke-me", schema.Revocation("revoke-me", int(time.time()) + 3600))
        until(
            lambda: gateway.call("/one/1.0/a", token=token).status == 401, every=0.01, what="the revocation by its hint"
        )
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 200
        hub.publish("subscription", "sub-one-1", None)
        until(lambda: gateway.call("/one/1.0/a", token=signer.token()).status == 403, every=0.01)
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="0.5") as gateway:
        hub.publish(*world.subscription("one"), hint=False)
        until(lambda: gateway.call("/one/1.0/a", token=signer.token()).status == 200, every=0.02)
        assert gateway.call("/one/1.0/a", token=token).status == 401


def test_a_revoked_token_stays_revoked_through_the_leeway_after_its_expiry(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    over = int(time.time()) - 1
    hub.publish("key_manager", world.MANAGER, world.key_manager(signer, leeway_seconds=60), hint=False)
    hub.publish("revocation", "over", schema.Revocation("over", over), hint=False)
    with running_gateway(var, hub.url, redis_url) as gateway:
        gateway.until_sequence(hub.sequence)
        assert gateway.call("/one/1.0/a", token=signer.token(jti="other", exp=over)).status == 200
        assert gateway.call("/one/1.0/a", token=signer.token(jti="over", exp=over)).status == 401


def test_it_serves_from_disk_while_the_control_plane_is_down(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    copy = var / "gateway" / "Default.json"
    with running_gateway(var, hub.url, redis_url) as gateway:
        until(copy.exists, what="the disk copy")
        hub.stop()
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 200
    assert copy.stat().st_mode & 0o077 == 0
    with running_gateway(var, hub.url, "redis://127.0.0.1:1/0") as gateway:
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 200
        assert gateway.ready()["control_plane"] == "not reached"
        hub.publish("api", "Default:id-two", world.api("two", backend.url), hint=False)
        hub.publish(*world.subscription("two"), hint=False)
        hub.start()
        until(lambda: gateway.call("/two/1.0/a", token=signer.token()).status == 200)
        assert hub.asked[-1] > 0


def test_started_first_it_says_so_and_heals(var: Path, redis_url: str, backend: Backend, signer: world.Signer) -> None:
    hub = FakeHub()
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="0.5") as gateway:
        answer = gateway.call("/one/1.0/a")
        assert answer.status == 503
        assert "configuration" in answer.json["description"]
        assert gateway.call("/readyz").status == 503
        assert gateway.call("/healthz").status == 200
        fill(hub, backend, signer)
        hub.start()
        until(lambda: gateway.call("/one/1.0/a", token=signer.token()).status == 200)
    hub.stop()


def test_a_poison_record_is_refused_by_name_and_the_old_one_serves(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, GATEWAY_STATUS_SECONDS="0.2") as gateway:
        gateway.until_sequence(hub.sequence)
        poison = [
            ("api", "Default:id-one", b'{"id":"id-one","operations":"none"}'),
            ("api", "Default:id-x", world.api("x", "gopher://x")),
            ("api", "Default:id-y", world.api("y", backend.url, context="/one/1.0")),
            ("key_manager", "carbon.super:Bad", world.key_manager(signer, name="Bad", jwks="{}")),
            ("key_manager", world.MANAGER, world.key_manager(signer, algorithms=("HS256",))),
            ("api", "Default:id-z", world.api("z", backend.url, schema.Operation("GET", "/a/../b"))),
            ("planet", "mars", b"{}"),
        ]
        for kind, key, record in poison:
            hub.publish(kind, key, record, hint=False)
        hub.publish("api", "Default:id-two", world.api("two", backend.url))
        gateway.until_sequence(hub.sequence)
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 200
        hub.publish(*world.subscription("two"))
        until(lambda: gateway.call("/two/1.0/a", token=signer.token()).status == 200)
        refused = until(lambda: {(one.kind, one.key): one.reason for one in hub.statuses[-1].refusals})
        assert set(refused) == {(kind, key) for kind, key, _ in poison}
        assert "taken by one" in refused["api", "Default:id-y"]
        assert "HS256" in refused["key_manager", world.MANAGER]
        hub.publish("api", "Default:id-one", None)
        hub.publish("api", "Default:id-x", world.api("x", backend.url))
        until(lambda: ("api", "Default:id-x") not in {(one.kind, one.key) for one in hub.statuses[-1].refusals})
        until(lambda: gateway.call("/one/1.0/a").json["code"] == "900902", what="the freed context goes to y")
    state = json.loads((var / "gateway" / "Default.json").read_text())
    assert state["sequence"] == 0


def test_the_status_says_what_runs(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, GATEWAY_NAME="north") as gateway:
        status = until(lambda: [one for one in hub.statuses if one.sequence == hub.sequence])[-1]
        assert (status.host, status.environment, status.apis, status.subscriptions) == ("north", "Default", 1, 1)
        assert status.gateway.startswith("north:")
        assert gateway.ready()["sequence"] == status.sequence


def test_a_gap_that_is_too_old_brings_a_snapshot(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, GATEWAY_POLL_SECONDS="0.2") as gateway:
        gateway.until_sequence(hub.sequence)
        hub.stop()
        hub.publish("api", "Default:id-one", None, hint=False)
        hub.publish("api", "Default:id-two", world.api("two", backend.url), hint=False)
        hub.publish(*world.subscription("two"), hint=False)
        hub.oldest = hub.sequence
        hub.start()
        gateway.until_sequence(hub.sequence)
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 404
        assert gateway.call("/two/1.0/a", token=signer.token()).status == 200


def test_contexts_may_move_between_versions_in_any_order(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    first = world.api("move", backend.url, id="id-m1", default_context="/move")
    second = world.api(
        "move", backend.url + "2", id="id-m2", version="2.0", context="/move/2.0", default_context="/move"
    )
    with running_gateway(var, hub.url, redis_url) as gateway:
        hub.publish("api", "Default:id-m1", first)
        hub.publish("subscription", "s1", schema.Subscription("s1", "id-m1", "app-1", "Unlimited"))
        hub.publish("subscription", "s2", schema.Subscription("s2", "id-m2", "app-1", "Unlimited"))
        until(lambda: gateway.call("/move/a", token=signer.token()).json.get("target") == "/base/a")
        hub.publish("api", "Default:id-m2", second)
        until(lambda: gateway.call("/move/a", token=signer.token()).json.get("target") == "/base2/a")
        hub.publish("api", "Default:id-m1", world.api("move", backend.url, id="id-m1"))
        gateway.until_sequence(hub.sequence)
        assert gateway.call("/move/a", token=signer.token()).json["target"] == "/base2/a"
        assert gateway.call("/move/1.0/a", token=signer.token()).json["target"] == "/base/a"


def test_swaps_and_reloads_under_load_drop_no_call(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url, workers=2) as gateway:
        gateway.until_sequence(hub.sequence)
        token = signer.token()
        answers: Tally[tuple[int, str]] = Tally()
        done = threading.Event()

        def caller() -> None:
            while not done.is_set():
                answer = gateway.call("/one/1.0/a", token=token)
                answers[answer.status, answer.json.get("target", "")] += 1

        callers = [threading.Thread(target=caller) for _ in range(3)]
        for one in callers:
            one.start()
        for revision in range(30):
            url = backend.url + ("-b" if revision % 2 else "")
            hub.publish("api", "Default:id-one", world.api("one", url, revision=revision))
            time.sleep(0.03)
        old = workers(gateway)
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: not old & workers(gateway), seconds=60, what="new workers")
        enough = sum(answers.values()) + 100
        until(lambda: sum(answers.values()) > enough, seconds=60, what="calls to the new workers")
        done.set()
        for one in callers:
            one.join()
    assert set(answers) == {(200, "/base/a"), (200, "/base-b/a")}


def workers(gateway: Gateway) -> set[int]:
    """Process ids of its workers."""
    return {child.pid for child in psutil.Process(gateway.process.pid).children()}


def test_a_killed_worker_is_replaced_and_knows_everything(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    fill(hub, backend, signer)
    with running_gateway(var, hub.url, redis_url) as gateway:
        until((var / "gateway" / "Default.json").exists)
        worker = until(lambda: hub.statuses)[-1].pid
        hub.stop()
        os.kill(worker, signal.SIGKILL)
        until(lambda: gateway.ready().get("apis") == 1, seconds=10)
        assert gateway.call("/one/1.0/a", token=signer.token()).status == 200
