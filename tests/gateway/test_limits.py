"""Rate limits at real gateways: each level's code, parallel callers, several workers, Redis away, windows."""

from __future__ import annotations

import time
from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from gateway import schema
from gateway.counters import Counter, Counters, Keyed
from gateway.windows import bounds
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.conftest import Served
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway


def call_many(gateway: Gateway, path: str, token: str, calls: int, threads: int = 8) -> Tally[int]:
    """Statuses of many calls by parallel callers."""
    with ThreadPoolExecutor(threads) as pool:
        return Tally(pool.map(lambda _: gateway.call(path, token=token).status, range(calls)))


@pytest.mark.parametrize(
    ("number", "name", "code", "plan", "application", "api_policy", "operation_policy"),
    [
        (101, "level-api", "900800", "Unlimited", "Unlimited", "Five", "Unlimited"),
        (102, "level-operation", "900802", "Unlimited", "Unlimited", "", "Five"),
        (103, "level-application", "900803", "Unlimited", "FiveApp", "", "Unlimited"),
        (104, "level-quota", "900804", "FivePlan", "Unlimited", "", "Unlimited"),
        (105, "level-burst", "900807", "FiveBurst", "Unlimited", "", "Unlimited"),
    ],
)
def test_each_level_lets_exactly_its_limit_pass(
    served: Served,
    number: int,
    name: str,
    code: str,
    plan: str,
    application: str,
    api_policy: str,
    operation_policy: str,
) -> None:
    operation = schema.Operation("GET", "/a", policy=operation_policy)
    served.publish(
        world.policy("api", "Five", 5),
        world.policy("application", "FiveApp", 5),
        world.policy("subscription", "FivePlan", 5),
        world.policy("subscription", "FiveBurst", 0, burst=schema.Limit(5, world.WINDOW)),
        *world.application(number, application),
        ("api", f"Default:id-{name}", world.api(name, served.backend.url, operation, policy=api_policy)),
        world.subscription(name, number, plan),
    )
    token = served.signer.token(f"client-{number}")
    assert call_many(served.gateway, f"/{name}/1.0/a", token, 40) == {200: 5, 429: 35}
    answer = served.gateway.call(f"/{name}/1.0/a", token=token)
    body = answer.json
    assert (body["code"], body["message"]) == (code, "Message throttled out")
    end = (int(time.time()) // world.WINDOW + 1) * world.WINDOW
    assert body["nextAccessTime"] == time.strftime("%Y-%b-%d %H:%M:%S+0000 UTC", time.gmtime(end))
    assert body["description"] == f"You have exceeded your quota .You can access API after {body['nextAccessTime']}"
    assert parsedate_to_datetime(answer.headers["retry-after"]).timestamp() == end


def test_a_refused_call_counts_nowhere(served: Served) -> None:
    served.publish(
        world.policy("subscription", "Three", 3), world.policy("application", "Four", 4), *world.application(7, "Four"),
        ("api", "Default:id-first", world.api("first", served.backend.url)), world.subscription("first", 7, "Three"),
        ("api", "Default:id-second", world.api("second", served.backend.url)), world.subscription("second", 7),
    )  # fmt: skip
    token = served.signer.token("client-7")
    assert call_many(served.gateway, "/first/1.0/a", token, 20) == {200: 3, 429: 17}
    assert call_many(served.gateway, "/second/1.0/a", token, 20) == {200: 1, 429: 19}


def test_a_changed_limit_takes_effect_and_keeps_what_was_used(served: Served) -> None:
    served.publish(
        world.policy("subscription", "Growing", 2), *world.application(8),
        ("api", "Default:id-grow", world.api("grow", served.backend.url)), world.subscription("grow", 8, "Growing"),
    )  # fmt: skip
    token = served.signer.token("client-8")
    assert call_many(served.gateway, "/grow/1.0/a", token, 5) == {200: 2, 429: 3}
    served.publish(world.policy("subscription", "Growing", 4))
    assert call_many(served.gateway, "/grow/1.0/a", token, 5) == {200: 2, 429: 3}
    served.publish(world.policy("subscription", "Growing", 4, stop_on_quota_reach=False))
    assert call_many(served.gateway, "/grow/1.0/a", token, 5) == {200: 5}


def test_bytes_are_limited_too(served: Served) -> None:
    quota = schema.Limit(1000, world.WINDOW, "bytes")
    served.publish(
        world.policy("subscription", "Kilobyte", 0, quota=quota), *world.application(9),
        ("api", "Default:id-bytes", world.api("bytes", served.backend.url)), world.subscription("bytes", 9, "Kilobyte"),
    )  # fmt: skip
    token = served.signer.token("client-9")
    statuses = [served.gateway.call("/bytes/1.0/a", "POST", token, b"x" * 300).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429] or statuses == [200, 429, 429, 429]


def test_open_operations_are_limited_by_address(served: Served) -> None:
    served.publish(world.policy("subscription", "Unauthenticated", 6))
    operation = schema.Operation("GET", "/a", auth="none")
    served.publish(("api", "Default:id-anyone", world.api("anyone", served.backend.url, operation)))
    assert call_many(served.gateway, "/anyone/1.0/a", "", 20) == {200: 6, 429: 14}


def test_workers_share_limits_and_without_redis_count_alone(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    records: list[tuple[str, str, schema.Record | None]] = [
        ("key_manager", world.MANAGER, world.key_manager(signer)), *world.application(1),
        world.policy("subscription", "Shared", 30), ("api", "Default:id-shared", world.api("shared", backend.url)),
        world.subscription("shared", 1, "Shared"),
    ]  # fmt: skip
    for record in records:
        hub.publish(*record)
    token = signer.token()

    def passed(url: str, scratch: Path, pause: float) -> int:
        with running_gateway(scratch, hub.url, url, workers=2) as gateway:
            statuses = []
            for _ in range(100):
                statuses.append(gateway.call("/shared/1.0/a", token=token).status)
                time.sleep(pause)
            return statuses.count(200)

    (var / "one").mkdir()
    (var / "two").mkdir()
    assert 30 <= passed(redis_url, var / "one", 0.02) <= 36
    assert 30 <= passed("redis://127.0.0.1:1/0", var / "two", 0) <= 60


@pytest.mark.parametrize(
    ("seconds", "now", "ends"),
    [
        (60, 1_700_000_000, 1_700_000_040),
        (3600, 1_700_000_000, 1_700_002_800),
        (86_400, 1_700_000_000, 1_700_006_400),
        (604_800, 1_700_000_000, 1_700_438_400),
    ],
)
def test_windows_are_aligned_to_the_calendar(seconds: int, now: int, ends: int) -> None:
    counter = Counters().get("x", schema.Limit(1, seconds), "900804")
    counter.roll(now)
    assert counter.ends == ends


def test_counters_live_as_long_as_their_window_or_their_users() -> None:
    counters = Counters()
    limit = schema.Limit(5, 60)
    counters.get("x", limit, "900804").add(3, 1000)
    assert counters.get("x", limit, "900804").remaining == 2
    counters.dirty.clear()
    counters.sweep(1080)
    assert counters.get("x", limit, "900804").ends == 0


@pytest.mark.parametrize(
    ("months", "now", "starts", "ends"),
    [
        (1, "2028-02-29 12:00", "2028-02-01 00:00", "2028-03-01 00:00"),
        (1, "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        (3, "2026-11-21 10:00", "2026-10-01 00:00", "2027-01-01 00:00"),
        (12, "2026-11-21 10:00", "2026-01-01 00:00", "2027-01-01 00:00"),
    ],
)
def test_months_and_years_are_whole(months: int, now: str, starts: str, ends: str) -> None:
    def moment(text: str) -> float:
        return datetime.fromisoformat(f"{text}+00:00").timestamp()

    assert bounds(moment(now), 2_592_000 * months, months) == (moment(starts), moment(ends))


def use(counter: Counter, now: float) -> bool:
    """One call, as the stage counts it."""
    if now >= counter.ends:
        counter.roll(now)
    if counter.left <= 0 and counter.exhausted(now):
        return False
    counter.left -= 1
    return True


def test_a_clock_that_jumps_locks_nobody_out() -> None:
    counter = Counters().get("x", schema.Limit(2, 86_400), "900804")
    today = 1_700_000_000.0
    assert [use(counter, today) for _ in range(3)] == [True, True, False]
    tomorrow = today + 86_400
    assert [use(counter, tomorrow) for _ in range(3)] == [True, True, False]
    # Put back, it is today again: that window begins anew rather than holding everybody up until tomorrow ends.
    assert [use(counter, today) for _ in range(3)] == [True, True, False]
    assert counter.ends == tomorrow // 86_400 * 86_400


def test_a_sliding_limit_counts_part_of_the_window_before() -> None:
    counter = Counters().get("x", schema.Limit(10, 100, sliding=True), "900804")
    assert [use(counter, 1_000_050.0) for _ in range(12)].count(True) == 10
    assert counter.opens(1_000_050.0) == pytest.approx(1_000_110.0)
    assert not use(counter, 1_000_105.0)
    assert [use(counter, 1_000_150.0) for _ in range(12)].count(True) == 5
    assert [use(counter, 1_000_190.0) for _ in range(12)].count(True) == 4
    # A window that nobody used forgets everything.
    assert [use(counter, 1_000_350.0) for _ in range(12)].count(True) == 10


def test_a_lenient_limit_is_never_used_up() -> None:
    counter = Counters().get("x", schema.Limit(1, 60), "900804", lenient=True)
    assert all(use(counter, 1000.0) for _ in range(5))
    assert counter.remaining == 0


def test_too_many_values_cost_the_oldest_its_counter() -> None:
    counters = Counters()
    known = Keyed(lambda value: counters.get(value, schema.Limit(1, 60), "900804"), most=2)
    assert use(known.get("a"), 1000.0)
    assert not use(known.get("a"), 1000.0)
    known.get("b")
    known.get("c")
    assert use(known.get("a"), 1000.0)
    assert len(counters.running) <= 2
