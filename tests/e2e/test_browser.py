"""A publisher and a new developer at their browsers: catalog, publisher, portal, console."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.browser import CHROMIUM, opened
from tests.e2e.platform import Platform

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)"),
]


@pytest.fixture
def pictures() -> Path | None:
    """A folder for screenshots, when E2E_PICTURES names one."""
    folder = os.environ.get("E2E_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) if folder else None


def test_a_publisher_and_a_developer_walk_the_path(platform: Platform, pictures: Path | None) -> None:
    with opened(platform) as publisher:
        publisher.pictures = pictures
        publisher.log_in("publisher")
        publisher.create_api_from_catalog("Walk")
    with opened(platform) as developer:
        developer.pictures = pictures
        developer.sign_up("walker")
        developer.find_api("Walk")
        developer.subscribe("WalkApp", "Gold")
        key, secret = developer.generate_keys()
        assert len(secret) > 20
        assert developer.try_out("Walk") == "200"
    caller = platform.session()
    answer = caller.post(
        f"{platform.public}/oauth2/token", data={"grant_type": "client_credentials"}, auth=(key, secret), timeout=20
    )
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    called = caller.get(f"{platform.gateway}/walk/1.0.0/orders/health", headers=bearer, timeout=20)
    assert (called.status_code, called.json()) == (200, {"status": "UP"})


def test_the_administrator_sees_gateways_and_tasks(platform: Platform, pictures: Path | None) -> None:
    with opened(platform) as admin:
        admin.pictures = pictures
        admin.log_in("admin")
        admin.go("/admin/")
        admin.picture("admin")
        assert "gateway" in admin.page.content().lower()
