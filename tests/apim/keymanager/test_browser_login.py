"""Authorization code with PKCE as people meet it: log-in and consent pages in headless Chromium, Authlib as the client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session
from django.core.cache import cache

from apim.keymanager.actions.clients import create_client
from apim.keymanager.grants import DEVICE
from apim.keymanager.verify import verify, verify_id_token
from tests.apim.keymanager.parties import client_of
from tests.support.browser import MARKS, served
from tests.support.browser import chromium as headless
from tests.support.people import PASSWORD

PICTURES = os.environ.get("PICTURES", "")

pytestmark = MARKS


class Application(BaseHTTPRequestHandler):
    """The client's own page, where the browser comes back to."""

    visited: list[str] = []  # noqa: RUF012 - emptied by the fixture

    def do_GET(self) -> None:
        """Remember where the browser was sent."""
        if self.path.startswith("/back"):
            self.visited.append(self.path)
        body = b"<!doctype html><title>Shop</title><h1>Welcome to the shop</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def shop() -> Iterator[str]:
    """The client's address."""
    Application.visited.clear()
    with served(Application) as address:
        yield f"{address}/back"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One headless Chromium for the module."""
    with headless() as started:
        yield started


@pytest.fixture
def page(chromium: Any, live_server: Any) -> Iterator[Any]:
    """A fresh page that must not complain: the consent form may lead to the client."""
    cache.clear()
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1100, "height": 800})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
    yield opened
    context.close()
    assert not complaints


def picture(page: Any, name: str) -> None:
    """Keep what is seen, when `PICTURES` names a folder."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def log_in(page: Any, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    picture(page, "login")
    page.get_by_role("button", name="Log in").click()


def test_a_person_logs_in_consents_and_is_not_asked_again(page, live_server, organisation, developer, creator, shop):
    client, secret = create_client(
        by=developer,
        organisation=organisation,
        name="Pizza shop",
        grant_types=["authorization_code", "refresh_token"],
        callback_url=shop.replace(shop.rsplit(":")[-1], "1/back"),
    )
    authlib = OAuth2Session(
        client.client_id, secret, scope="openid profile", redirect_uri=shop, code_challenge_method="S256"
    )
    verifier = "v" * 64
    address, state = authlib.create_authorization_url(
        f"{live_server.url}/oauth2/authorize", code_verifier=verifier, nonce="n1"
    )
    page.goto(address)
    log_in(page, "creator")
    page.get_by_role("heading", name="Allow Pizza shop to act for you?").wait_for()
    picture(page, "consent")
    page.get_by_label("Do not ask me again").check()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Welcome to the shop").wait_for()
    found = authlib.fetch_token(
        f"{live_server.url}/oauth2/token",
        authorization_response=Application.visited[-1],
        state=state,
        code_verifier=verifier,
    )
    assert verify(found["access_token"])["sub"] == "creator"
    assert verify_id_token(found["id_token"])["nonce"] == "n1"
    newer = authlib.refresh_token(f"{live_server.url}/oauth2/token", refresh_token=found["refresh_token"])
    assert newer["refresh_token"] != found["refresh_token"]

    page.goto(authlib.create_authorization_url(f"{live_server.url}/oauth2/authorize", code_verifier=verifier)[0])
    page.get_by_role("heading", name="Welcome to the shop").wait_for()
    assert len(Application.visited) == 2
    authlib.close()

    page.goto(f"{live_server.url}/oauth2/consents/")
    picture(page, "consents")
    page.get_by_role("button", name="Take back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    page.get_by_text("No application acts for you").wait_for()
    picture(page, "no-consents")


def test_a_person_connects_a_device(page, live_server, organisation, developer, creator):
    tv = client_of(organisation, developer, DEVICE, public=True)
    codes = tv.post("/oauth2/device_authorize", auth=None, client_id=tv.client.client_id, scope="openid").json()
    page.goto(f"{live_server.url}/oauth2/device")
    log_in(page, "creator")
    page.get_by_label("Code that the device shows").fill("BBBBBBBB")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("This code is unknown").wait_for()
    picture(page, "device-wrong")
    page.get_by_label("Code that the device shows").fill(codes["user_code"].lower().replace("-", " "))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Allow App to act for you?").wait_for()
    picture(page, "device-consent")
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="The device is connected").wait_for()
    picture(page, "device-done")
    fields = {"grant_type": DEVICE, "device_code": codes["device_code"], "client_id": tv.client.client_id}
    assert verify(tv.post("/oauth2/token", auth=None, **fields).json()["access_token"])["sub"] == "creator"


def test_a_person_is_asked_before_a_log_out(page, live_server, creator):
    page.goto(f"{live_server.url}/accounts/login/?next=/accounts/profile/")
    log_in(page, "creator")
    page.get_by_role("heading", name="Profile").wait_for()
    page.goto(f"{live_server.url}/oidc/logout")
    page.get_by_role("heading", name="Log out?").wait_for()
    picture(page, "logout")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="You are logged out").wait_for()
    picture(page, "logged-out")
