"""A person's way through the pages in headless Chromium: start page, sign-up, log-in, theme, dialog, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apim.accounts.actions.roles import set_roles
from apim.accounts.models import User
from tests.support.browser import MARKS, chromium
from tests.support.people import PASSWORD

pytestmark = MARKS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium for the module."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Any, live_server: Any) -> Iterator[Any]:
    """A fresh page, wide and light, that must not complain on its console."""
    cache.clear()
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1200, "height": 800}, color_scheme="light"
    )
    opened = context.new_page()
    complaints: list[str] = []
    opened.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert not complaints


def fill_log_in(page: Any, username: str, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.locator("main").get_by_role("button", name="Log in").click()


def ground(page: Any) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_visitor_signs_up_logs_out_and_in_again(page: Any, organisation: Any) -> None:
    page.goto("/")
    page.get_by_role("heading", name="APIs that lead to your systems").wait_for()
    page.locator("main").get_by_role("link", name="Log in").click()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("User name").fill("newdev")
    page.get_by_label("E-mail").fill("newdev@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill("another one")
    page.get_by_role("button", name="Create account").click()
    page.get_by_text("The two passwords differ.").wait_for()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    toast = page.locator(".toast", has_text="Welcome, newdev.")
    toast.wait_for()
    toast.get_by_role("button", name="Dismiss").click()
    assert toast.count() == 0
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Log out").click()
    page.locator(".toast", has_text="You are logged out.").wait_for()
    page.get_by_role("banner").get_by_role("link", name="Log in").click()
    fill_log_in(page, "newdev", "wrong")
    page.get_by_text("User name and password do not match").wait_for()
    fill_log_in(page, "newdev")
    page.locator(".menu-name", has_text="newdev").wait_for()


def test_theme_is_chosen_and_remembered(page: Any, organisation: Any) -> None:
    page.goto("/")
    light = ground(page)
    page.get_by_role("button", name="Dark theme").click()
    dark = ground(page)
    assert dark != light
    page.goto("/accounts/login/")
    assert ground(page) == dark
    assert page.get_by_role("button", name="Dark theme").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Theme of the system").click()
    assert ground(page) == light
    page.emulate_media(color_scheme="dark")
    assert ground(page) == dark


@pytest.fixture
def guide(page: Any, admin: User) -> Any:
    """The style guide, opened by an administrator."""
    set_roles(by=None, user=admin, roles=["admin"])
    page.goto("/accounts/login/?next=/ui/styleguide")
    fill_log_in(page, "admin")
    page.get_by_role("heading", name="Style guide").wait_for()
    return page


def test_dialog_by_keyboard(guide: Any) -> None:
    guide.locator("#ask").focus()
    guide.keyboard.press("Enter")
    dialog = guide.get_by_role("dialog")
    dialog.wait_for()
    assert "Delete the pizza API?" in dialog.inner_text()
    assert guide.evaluate("document.activeElement.textContent") == "Cancel"
    guide.keyboard.press("Tab")
    assert guide.evaluate("document.activeElement.textContent") == "Delete"
    guide.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert guide.evaluate("document.activeElement.id") == "ask"


def test_confirmed_click_goes_through_once(guide: Any) -> None:
    guide.evaluate(
        "window.clicks = 0; document.getElementById('ask').addEventListener('click', () => { window.clicks += 1; })"
    )
    guide.locator("#ask").click()
    assert guide.evaluate("window.clicks") == 0
    guide.get_by_role("dialog").get_by_role("button", name="Delete").click()
    guide.wait_for_function("window.clicks === 1")


def test_keys_reach_search_tabs_and_content(guide: Any) -> None:
    guide.keyboard.press("/")
    assert guide.evaluate("document.activeElement.type") == "search"
    guide.get_by_role("tab", name="curl").focus()
    guide.keyboard.press("ArrowRight")
    assert guide.get_by_role("tab", name="Python").get_attribute("aria-selected") == "true"
    assert guide.locator("#tab-python").is_visible()
    assert not guide.locator("#tab-curl").is_visible()
    guide.goto("/ui/styleguide")
    guide.keyboard.press("Tab")
    assert guide.evaluate("document.activeElement.textContent") == "Skip to content"
    guide.keyboard.press("Enter")
    assert guide.evaluate("document.activeElement.id") == "main"


def test_row_leads_to_its_page(guide: Any) -> None:
    guide.locator("tr[data-href]").first.locator("td").nth(2).click()
    guide.wait_for_url("**#row")


@pytest.mark.parametrize(
    "address", ["/", "/accounts/login/", "/accounts/signup/", "/accounts/profile/", "/ui/styleguide"]
)
def test_narrow_screens_do_not_scroll_sideways(guide: Any, address: str) -> None:
    guide.set_viewport_size({"width": 360, "height": 740})
    guide.goto(address)
    assert guide.evaluate("document.documentElement.scrollWidth") <= 360


def test_admin_dashboard_opens_without_complaint(guide: Any) -> None:
    guide.goto("/admin/")
    guide.get_by_role("heading", name="Recent changes").wait_for()
    guide.goto("/admin/django_celery_beat/periodictask/add/")
    guide.get_by_role("button", name="Save", exact=True).wait_for()


def test_dates_in_admin_lists_keep_a_line_or_two(guide: Any) -> None:
    guide.goto("/admin/accounts/user/")
    last_login = guide.locator("#result_list tbody .field-last_login").first
    assert last_login.bounding_box()["width"] >= 140
