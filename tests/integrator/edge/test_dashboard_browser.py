"""An administrator's way through the dashboard of integrators in headless Chromium, in light and dark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from math import sin
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from apim.accounts.models import User
from integrator.actions import nodes
from integrator.dashboard import watching
from integrator.models import Integrator, IntegratorSample
from tests.integrator.edge.live import Live, live
from tests.integrator.management.world import car
from tests.support.browser import MARKS, chromium
from tests.support.people import PASSWORD

PICTURES = os.environ.get("DASHBOARD_PICTURES", "")
"""A folder in which each page is left as a picture; empty for none."""

pytestmark = MARKS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium for the module."""
    with chromium() as started:
        yield started


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Live]:
    """A real integrator."""
    with live(tmp_path) as made:
        yield made


@pytest.fixture
def row(
    running: Live, make_user: Callable[..., User], organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> Integrator:
    """It is registered, with an hour of history, beside one that is down."""
    monkeypatch.setattr(settings.APIM, "integrator_networks", "127.0.0.0/8, ::1/128")
    boss = make_user(organisation, "admin", username="boss", is_staff=True)
    given = {"username": "ann", "certificate": running.certificate}
    made = nodes.save_integrator(by=boss, row=Integrator(name="Warehouse", url=running.url, **given), password="secret")
    other = nodes.save_integrator(
        by=boss, row=Integrator(name="Harbour", url="https://localhost:1", **given), password="x"
    )
    for _ in range(3):
        running.call("/shop/a")
    running.call("/shop/bad")
    now = timezone.now()
    for place in range(240):
        wave = 300 + 200 * sin(place / 18) + place % 7 * 9
        IntegratorSample.objects.create(
            integrator=made,
            at=now - timedelta(seconds=15 * (240 - place)),
            seconds=15,
            requests=int(wave),
            errors=int(wave / 60) if place % 50 > 40 else 0,
            busy=wave * 0.004,
            memory=70_000_000 + place * 20_000,
        )
    watching.watch(other)
    return watching.watch(made)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_way_through_the_dashboard(browser: Any, live_server: Any, running: Live, row: Integrator, scheme: str) -> None:
    """Overview, node, artifacts, a switch, an artifact, applications, logs, levels; nothing complains on the console."""
    cache.clear()
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1360, "height": 900}, color_scheme=scheme
    )
    page, complaints = context.new_page(), []
    page.set_default_timeout(20_000)
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def kept(name: str) -> None:
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}.png", full_page=True)

    page.goto("/admin/login/?next=/admin/")
    page.get_by_label("User name").or_(page.get_by_label("Username")).first.fill("boss")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main, form").get_by_role("button", name="Log in").first.click()
    page.wait_for_url(lambda url: "login" not in url)
    page.get_by_role("link", name="Integrators").first.click()
    page.get_by_role("link", name="Warehouse").wait_for()
    assert page.get_by_text("the connection is refused").is_visible()
    kept("overview")
    page.get_by_role("link", name="Harbour").click()
    page.get_by_role("heading", name="Harbour does not answer").wait_for()
    kept("down")
    page.goto(f"/admin/integrations/{row.pk}/")
    assert page.locator("svg.apim-curve").count() == 4
    kept("node")
    page.get_by_role("link", name="Artifacts", exact=True).click()
    page.get_by_role("link", name="Proxy services").click()
    page.get_by_role("button", name="Deactivate quotes").click()
    page.get_by_role("button", name="Activate quotes", exact=True).wait_for()
    kept("artifacts")
    page.get_by_role("button", name="Activate quotes", exact=True).click()
    page.get_by_role("button", name="Deactivate quotes").wait_for()
    page.get_by_label("Search by name").fill("nothing")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="No proxy services called like").wait_for()
    page.goto(f"/admin/integrations/{row.pk}/artifact/apis/?name=shop")
    page.get_by_role("button", name="Tracing: switch on").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Tracing: switch off").wait_for()
    kept("artifact")
    page.get_by_role("button", name="Tracing: switch off").click()
    page.get_by_role("link", name="Applications", exact=True).click()
    page.get_by_label("Delete App").click()
    page.get_by_label("Carbon application (.car)").set_input_files(
        {"name": "Half_1.0.0.car", "mimeType": "application/zip", "buffer": car("Half", good=False, api="half")}
    )
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_text("Half_1.0.0.car is there but not deployed").wait_for()
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    kept("applications")
    page.set_viewport_size({"width": 1360, "height": 900})
    page.get_by_label("Delete Half").click()
    page.get_by_role("button", name="Delete Half").click()
    page.get_by_text("Successfully removed").wait_for()
    page.get_by_role("link", name="Logs", exact=True).click()
    page.get_by_label("Follow").wait_for()
    kept("logs")
    page.get_by_role("link", name="Log levels").click()
    page.get_by_label("Level of rootLogger", exact=True).select_option("DEBUG")
    page.get_by_role("button", name="Set the level of rootLogger").click()
    page.get_by_text("updated rootLogger level to DEBUG").wait_for()
    kept("loggers")
    page.get_by_label("Level of rootLogger", exact=True).select_option("WARN")
    page.get_by_role("button", name="Set the level of rootLogger").click()
    page.goto("/admin/integrator/integrator/add/")
    kept("add")
    context.close()
    assert complaints == []
