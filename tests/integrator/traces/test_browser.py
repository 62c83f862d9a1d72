"""A person at a trace in headless Chromium: mouse and keyboard, light and dark, narrow and wide, long flows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from integrator.actions import nodes
from integrator.models import Integrator
from tests.integrator.traces.live import Live, live
from tests.support.browser import MARKS, chromium
from tests.support.people import PASSWORD

SHOTS = os.environ.get("TRACE_SHOTS", "")
"""A folder for pictures of the pages, for people who change them."""

pytestmark = MARKS


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One integrator for the module."""
    with live(tmp_path_factory.mktemp("traces")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium for the module."""
    with chromium() as started:
        yield started


@pytest.fixture
def place(running: Live, make_user: Callable[..., Any], organisation: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The list's address; an administrator and the integrator are there."""
    monkeypatch.setattr(settings.APIM, "integrator_networks", "127.0.0.0/8, ::1/128")
    boss = make_user(organisation, "admin", username="tracer", is_staff=True)
    given = Integrator(name="north", url=running.url, username="ann", certificate=running.certificate)
    row = nodes.save_integrator(by=boss, row=given, password="right-password")
    return f"/integrator/traces/?node={row.pk}"


@pytest.fixture
def page(browser: Any, live_server: Any, place: str) -> Iterator[Any]:
    """A page that is logged in and must not complain on its console."""
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1440, "height": 900}, color_scheme="light"
    )
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"/accounts/login/?next={place}")
    opened.get_by_label("User name").fill("tracer")
    opened.get_by_label("Password", exact=True).fill(PASSWORD)
    opened.locator("main").get_by_role("button", name="Log in").click()
    opened.wait_for_url(f"**{place}")
    yield opened
    context.close()
    assert not complaints


def shoot(page: Any, name: str, *, whole: bool = False) -> None:
    """A picture, when somebody asked for pictures."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)


def fits(page: Any) -> bool:
    """Whether nothing makes the page scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def send(running: Live) -> None:
    """One message of each kind."""
    many = json.dumps({"items": [{"n": n} for n in range(10)]}).encode()
    order = json.dumps({"sku": "CHAIR-1", "customer": {"id": 7, "name": "Ada"}, "quantity": 2}).encode()
    for path, body in (("/long/1", None), ("/many/1", many), ("/broken/1", None), ("/orders/1?channel=web", order)):
        running.do(lambda world, path=path, body=body: world.call(path, body))


def test_looking_at_traces(page: Any, place: str, running: Live) -> None:
    send(running)
    page.goto(place)
    shoot(page, "list", whole=True)
    page.get_by_role("link", name="/orders/1?channel=web").click()
    page.locator('[data-step="0"][aria-current="true"]').wait_for()
    before = page.locator("[data-panel]").inner_text()
    assert "Received" in before and "CHAIR-1" in before
    page.locator(".flow-node", has_text="payloadFactory").first.click()
    page.locator("[data-panel] .diff-ins").first.wait_for()
    assert "quantity" in page.locator("[data-panel] .diff").inner_text()
    shoot(page, "order")
    at = page.evaluate("document.querySelector('[data-step][aria-current=true]').dataset.step")
    assert page.url.endswith(f"?step={at}")
    page.keyboard.press("j")
    page.wait_for_function(f"document.querySelector('[data-step][aria-current=true]').dataset.step == {int(at) + 1}")
    page.keyboard.press("k")
    page.wait_for_function(f"document.querySelector('[data-step][aria-current=true]').dataset.step == {at}")
    page.reload()
    assert page.locator(f'[data-step="{at}"][aria-current="true"]').count() == 1


def test_a_failure_and_copies(page: Any, place: str, running: Live) -> None:
    send(running)
    page.goto(place)
    page.get_by_role("link", name="/broken/1").first.click()
    assert "no answer" in page.locator("[data-panel]").inner_text()
    shoot(page, "broken")
    page.keyboard.press("f")
    page.goto(place)
    page.get_by_role("link", name="/many/1").first.click()
    folded = page.locator("details.flow-branch:not([open])")
    assert folded.count() == 10
    shoot(page, "many", whole=True)
    page.keyboard.press("e")
    assert folded.count() == 0
    shoot(page, "many-open", whole=True)


def test_every_width_and_colour(page: Any, place: str, running: Live) -> None:
    send(running)
    paths = ("/orders/1", "/broken/1", "/long/1", "/many/1")
    for width, scheme in ((390, "light"), (800, "dark"), (1440, "dark"))[: None if SHOTS else 2]:
        page.set_viewport_size({"width": width, "height": 850})
        page.emulate_media(color_scheme=scheme)
        page.goto(place)
        assert fits(page)
        shoot(page, f"list-{width}-{scheme}", whole=True)
        for path in paths if SHOTS else paths[:2]:
            page.goto(place)
            page.locator("a", has_text=path).first.click()
            page.locator("[data-panel]").wait_for()
            assert fits(page), (path, width)
            shoot(page, f"{path.split('/')[1]}-{width}-{scheme}", whole=True)


def test_a_long_flow_and_trying(page: Any, place: str, running: Live) -> None:
    send(running)
    page.goto(place)
    page.locator("a", has_text="/long/1").first.click()
    assert page.locator("[data-step]").count() == 101
    page.locator('[data-step="100"]').click()
    page.locator("[data-panel]", has_text="<respond>").wait_for()
    page.goto(place)
    page.get_by_label("Path", exact=True).fill("/quiet/5")
    page.get_by_role("button", name="Send and trace").click()
    page.locator("[data-trace]").wait_for()
    assert "tried from the page" in page.locator("main").inner_text()
