"""Every process may be killed: the platform says so, heals, and loses nothing it acknowledged."""

from __future__ import annotations

import signal

import pytest
import requests

from tests.e2e.consumer import Flow
from tests.e2e.platform import MARKS, Platform
from tests.support.wait import until

pytestmark = pytest.mark.e2e
ORDER = {"customerId": 2, "sku": "CUP-002", "quantity": 1}
HEALED = 60.0


def answers(platform: Platform, base: int, path: str = "/readyz") -> bool:
    """Whether a process is ready."""
    try:
        return requests.get(f"http://127.0.0.1:{platform.port(base)}{path}", timeout=2).status_code == 200
    except requests.RequestException:
        return False


HEALTH = {
    "control": (9763, "/readyz"),
    "worker": (9764, "/readyz"),
    "beat": (9765, "/readyz"),
    "gateway": (8280, "/readyz"),
}
HEALTH |= {"integrator": (8290, "/healthz"), "redis": (9764, "/readyz")}


@pytest.mark.parametrize("name", sorted(MARKS))
def test_a_killed_process_comes_back(flow: Flow, platform: Platform, name: str) -> None:
    token = flow.token()
    flow.settle(token)
    before, said = platform.main(name), platform.output().count(f"{name} is back")
    before.send_signal(signal.SIGKILL)
    until(lambda: platform.output().count(f"{name} is back") > said, seconds=HEALED, every=0.1, what=f"{name} is back")
    assert f"{name} was killed by SIGKILL; starting it again" in platform.output()
    assert platform.main(name).pid != before.pid
    until(lambda: answers(platform, *HEALTH[name]), seconds=HEALED, every=0.1, what=f"{name} is ready")
    until(lambda: _passes(flow, token), seconds=HEALED, every=0.1, what="calls pass again")
    fresh = until(lambda: _token(flow), seconds=HEALED, every=0.1, what="tokens are given again")
    assert flow.call(fresh).status_code == 200


def _passes(flow: Flow, token: str) -> bool:
    try:
        return flow.call(token).status_code == 200
    except requests.RequestException:
        return False


def _token(flow: Flow) -> str | None:
    try:
        return flow.token()
    except (requests.RequestException, AssertionError):
        return None


def test_a_stored_message_survives_the_kill_of_redis_and_worker(flow: Flow, platform: Platform) -> None:
    token = flow.token()
    flow.settle(token)
    platform.main("worker").send_signal(signal.SIGKILL)
    orders = [flow.call(token, "/orders", json=ORDER).json()["orderId"] for _ in range(5)]
    platform.main("redis").send_signal(signal.SIGKILL)
    url = f"{platform.integrator}/notifications"
    until(
        lambda: all(order in requests.get(url, timeout=10).text for order in orders),
        seconds=HEALED,
        every=0.5,
        what="every order's event arrived",
    )
    until(lambda: answers(platform, 9764), seconds=HEALED, every=0.2, what="the worker is ready")


def test_the_gateway_serves_while_the_control_plane_is_stopped_and_after_its_own_restart(
    flow: Flow, platform: Platform
) -> None:
    token = flow.token()
    flow.settle(token)
    copy = platform.var / "gateway" / "Default.json"
    until(
        lambda: flow.key["consumerKey"] in copy.read_text() and flow.subscription in copy.read_text(),
        what="the disk copy is written",
    )
    control = platform.main("control")
    family = [control, *control.children(recursive=True)]
    for process in family:
        process.suspend()  # it neither answers nor is restarted
    try:
        assert flow.call(token).status_code == 200
        said = platform.output().count("gateway is back")
        platform.main("gateway").send_signal(signal.SIGKILL)
        until(
            lambda: platform.output().count("gateway is back") > said,
            seconds=HEALED,
            every=0.1,
            what="the gateway is back",
        )
        until(lambda: _passes(flow, token), seconds=HEALED, every=0.1, what="calls pass from the disk copy")
    finally:
        for process in family:
            process.resume()
    until(lambda: answers(platform, 9763), seconds=HEALED, every=0.2, what="the control plane answers")
    flow.unsubscribe()
    flow.sees(lambda: flow.call(token).status_code == 403, within=5)
