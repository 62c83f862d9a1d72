"""Steps 4 to 6 as people take them, in headless Chromium. Every step leaves a picture where `pictures` says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.platform import Platform

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
PASSWORD = "Correct-horse-7-staple"  # noqa: S105 - of an account of the test
SLOWEST_MS = 20_000


@contextmanager
def opened(platform: Platform) -> Iterator[Person]:
    """A fresh browser that nobody has used yet. Fails when a page logged an error."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 860})
        context.set_default_timeout(SLOWEST_MS)
        person = Person(platform, context.new_page())
        try:
            yield person
        finally:
            browser.close()
        assert not person.errors, person.errors


class Person:
    """Somebody at a browser."""

    def __init__(self, platform: Platform, page: Page) -> None:
        self.platform = platform
        self.page = page
        self.errors: list[str] = []
        self.pictures: Path | None = None
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        expect.set_options(timeout=SLOWEST_MS)

    def go(self, path: str) -> None:
        """Open a page of the platform."""
        answer = self.page.goto(self.platform.public + path)
        assert answer is not None and answer.status < 400, f"{path}: {answer and answer.status}"

    def picture(self, name: str) -> None:
        """Keep what is seen."""
        if self.pictures:
            self.page.screenshot(path=self.pictures / f"{name}.png")

    def log_in(self, name: str) -> None:
        """With the generated password."""
        self.go("/accounts/login/")
        self.page.get_by_label("User name").or_(self.page.get_by_label("Username")).first.fill(name)
        self.page.get_by_label("Password", exact=True).fill(self.platform.password(name))
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: "/login" not in url)

    def sign_up(self, name: str) -> None:
        """A new developer account; logged in afterwards."""
        self.go("/accounts/signup/?next=/devportal/")
        page = self.page
        page.locator("[name=username]").fill(name)
        page.locator("[name=email]").fill(f"{name}@example.org")
        for field in page.locator("[type=password]").all():
            field.fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url(lambda url: "/signup" not in url)

    def create_api_from_catalog(self, name: str) -> None:
        """From the catalog's service `order`, with a plan, deployed and published."""
        page = self.page
        self.go("/publisher/create/service/")
        self.picture("catalog-choice")
        page.get_by_role("row", name=re.compile("Orders")).get_by_role("link", name="Create API").click()
        page.locator("[name=name]").fill(name)
        page.locator("[name=context]").fill(f"/{name.lower()}")
        page.get_by_role("button", name="Create API").click()
        page.wait_for_url(re.compile(r"/publisher/apis?/[0-9a-f-]{36}|/publisher/[0-9a-f-]{36}"))
        self.picture("api-overview")
        self.choose_plans("Gold", "Unlimited")
        self.tab("Deployments")
        page.get_by_role("button", name="Create and deploy").click()
        expect(page.get_by_text("Revision 1").first).to_be_visible()
        self.picture("deployments")
        self.tab("Life cycle")
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_text("Published").first).to_be_visible()
        self.picture("lifecycle")

    def choose_plans(self, *plans: str) -> None:
        """On the page of business plans."""
        self.tab("Configuration")
        self.tab("Plans")
        for plan in plans:
            self.page.locator(f"[name=plans][value='{plan}']").check()
        self.page.get_by_role("button", name="Save").click()
        self.page.wait_for_load_state("networkidle")

    def tab(self, name: str) -> None:
        """Go to another page of the API."""
        self.page.locator("nav.tabs, .tabs").get_by_role(
            "link", name=re.compile(name.replace(" ", " ?"), re.IGNORECASE)
        ).first.click()
        self.page.wait_for_load_state()

    def find_api(self, name: str) -> None:
        """Search in the portal and open the API."""
        self.go(f"/devportal/?query={name}")
        self.picture("portal-search")
        self.page.get_by_role("link", name=re.compile(name)).first.click()
        expect(self.page.get_by_role("heading", name=re.compile(name)).first).to_be_visible()
        self.picture("portal-api")

    def subscribe(self, application: str, plan: str) -> None:
        """With a new application."""
        page = self.page
        page.locator("[name=new_application]").fill(application)
        page.locator(f"[name=throttlingPolicy][value='{plan}']").check()
        page.get_by_role("button", name="Subscribe", exact=True).click()
        expect(page.get_by_role("link", name=re.compile("Generate keys")).first).to_be_visible()

    def generate_keys(self) -> tuple[str, str]:
        """Consumer key and secret."""
        page = self.page
        page.get_by_role("link", name=re.compile("Generate keys")).first.click()
        page.get_by_role("button", name="Generate keys").click()
        secret = page.locator("#secret").inner_text()
        self.picture("portal-keys")
        return page.locator("#consumer-key").inner_text(), secret

    def try_out(self, name: str) -> str:
        """Call the health operation in the console; the status that it shows."""
        page = self.page
        self.find_api(name)
        self.page.locator("nav.tabs, .tabs").get_by_role("link", name=re.compile("try", re.IGNORECASE)).first.click()
        page.get_by_role("button", name="Get test token").click()
        expect(page.locator("[data-token]")).not_to_have_value("")
        operation = page.locator(".opblock-get").first
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Execute").click()
        status = operation.locator(".live-responses-table .response-col_status").last
        expect(status).to_be_visible()
        operation.scroll_into_view_if_needed()
        self.picture("portal-tryout")
        return status.inner_text().split()[0]
