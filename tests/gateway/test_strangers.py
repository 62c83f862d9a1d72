"""Clients that look for APIs that do not exist are told to the control plane; one slip is not, and no secret ever."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.hub import FakeHub
from tests.gateway.process import running_gateway
from tests.support.wait import until


def test_a_scan_is_told_once_with_its_number_of_calls(var: Path, redis_url: str, hub: FakeHub) -> None:
    with running_gateway(var, hub.url, redis_url, GATEWAY_STATUS_SECONDS="0.2") as gateway:
        until(lambda: bool(hub.statuses), seconds=10, what="a first report")
        assert gateway.call("/slip").status == 404
        reports = len(hub.statuses)
        until(lambda: len(hub.statuses) > reports + 1, seconds=10, what="two more reports")
        assert not any(one.strangers for one in hub.statuses), "one call is nobody's scan"
        for path in ("/wp-login.php", "/.env"):
            headers = {"Authorization": "Bearer not-to-be-seen", "User-Agent": "scanner", "Cookie": "not-to-be-seen"}
            assert gateway.call(path, headers=headers).status == 404
        until(lambda: any(one.strangers for one in hub.statuses), seconds=10, what="the report")
        told = [one for status in hub.statuses for one in status.strangers]
        assert [(one.client, one.method, one.path, one.calls) for one in told] == [("127.0.0.1", "GET", "/slip", 3)]
        assert "not-to-be-seen" not in str(told)
        for _ in range(5):
            gateway.call("/again", headers={"User-Agent": "scanner"})
        until(lambda: sum(len(one.strangers) for one in hub.statuses) > 1, seconds=10, what="a second report")
        later = [one for status in hub.statuses for one in status.strangers][1]
        assert later.path == "/again" and "user-agent=scanner" in later.headers
