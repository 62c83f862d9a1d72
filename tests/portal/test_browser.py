"""A developer's way through the portal in headless Chromium: search, sign up, subscribe, keys, and a call from the console."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.core.cache import cache

from portal.models import ApplicationKey, Subscription
from publisher.models import GatewayEnvironment
from tests.portal.builders import make_api, make_application, make_subscription
from tests.support.browser import MARKS, chromium, served
from tests.support.people import PASSWORD

pytestmark = MARKS


class Gateway(BaseHTTPRequestHandler):
    """Stands where the gateway is: answers with CORS headers and remembers what the browser sent."""

    seen: list[tuple[str, str]] = []  # noqa: RUF012 - emptied by the fixture

    def do_OPTIONS(self) -> None:
        """The browser's question before the call."""
        self._answer(b"")

    def do_GET(self) -> None:
        """The call."""
        self.seen.append((self.path, self.headers.get("Authorization", "")))
        self._answer(b'{"pizza": "Margherita"}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in (("Origin", "*"), ("Headers", "authorization"), ("Methods", "GET")):
            self.send_header(f"Access-Control-Allow-{name}", value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def gateway() -> Iterator[str]:
    """Its address."""
    Gateway.seen.clear()
    with served(Gateway) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium for the module."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Any, live_server: Any) -> Iterator[Any]:
    """A fresh page that must not complain on its console: no script or style was refused."""
    cache.clear()
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert not complaints


def test_from_search_to_the_first_call(page: Any, organisation: Any, gateway: str) -> None:
    GatewayEnvironment.objects.filter(organisation=organisation).update(http_url=gateway)
    make_api(organisation, "Pizza", tags=["food"], transports=["http"])
    make_api(organisation, "Weather", tags=["sky"])

    page.goto("/devportal/")
    page.keyboard.press("/")
    page.keyboard.type("name:piz*")
    page.keyboard.press("Enter")
    page.get_by_text("1 API", exact=True).wait_for()
    page.get_by_role("link", name="Pizza").click()
    page.get_by_role("heading", name="Pizza 1.0").wait_for()

    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("User name").fill("newdev")
    page.get_by_label("E-mail").fill("newdev@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()

    page.get_by_role("heading", name="Pizza 1.0").wait_for()
    page.get_by_label("Name of the new application").fill("Shop")
    page.get_by_label("Gold – 5,000 requests a minute").check()
    page.get_by_role("button", name="Subscribe").click()
    page.locator(".toast", has_text="Shop is subscribed to Pizza 1.0.").wait_for()
    assert Subscription.objects.get().plan == "Gold"

    page.get_by_role("link", name="Generate keys for Shop").click()
    page.get_by_role("button", name="Generate keys").click()
    page.get_by_role("heading", name="Copy the consumer secret now").wait_for()
    secret = page.locator("#secret").inner_text()
    key = ApplicationKey.objects.get()
    assert key.consumer_key in page.locator("main").inner_text() and len(secret) >= 32
    assert secret in page.locator("pre.code").first.inner_text()

    page.get_by_role("link", name="Subscriptions").click()
    page.get_by_role("link", name="Try out").click()
    page.get_by_role("button", name="Get test token").click()
    field = page.get_by_label("Access token")
    pytest.importorskip("playwright.sync_api").expect(field).not_to_have_value("", timeout=30_000)
    token = field.input_value()
    assert token in page.locator("#curl").inner_text()
    page.locator(".opblock-get .opblock-summary-control").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table", has_text="Margherita").wait_for()
    assert Gateway.seen == [("/pizza/1.0/menu", f"Bearer {token}")]


def test_the_question_comes_before_an_application_is_deleted(page: Any, developer: Any) -> None:
    page.goto("/accounts/login/?next=/devportal/applications/new/")
    page.get_by_label("User name").fill("developer")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_role("button", name="Create application").click()
    page.get_by_role("button", name="Delete").click()
    page.locator("dialog").get_by_role("button", name="Cancel").click()
    assert developer.applications.count() == 1
    page.get_by_role("button", name="Delete").click()
    page.locator("dialog").get_by_role("button", name="Delete").click()
    page.locator(".toast", has_text="Shop is deleted.").wait_for()
    assert not developer.applications.exists()


def test_a_long_name_scrolls_no_page_of_a_narrow_screen_sideways(page: Any, developer: Any) -> None:
    api = make_api(developer.organisation, "Pizza")
    application = make_application(developer, "x" * 100)
    make_subscription(application, api)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/accounts/login/?next=/devportal/")
    page.get_by_label("User name").fill("developer")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("**/devportal/")
    for address in (f"apis/{api.pk}/", f"applications/{application.pk}/", "applications/"):
        page.goto(f"/devportal/{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
