"""The device grant (RFC 8628): the device asks, a person decides on the page, and guessing leads nowhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_device_grant_model

from apim.keymanager import guessing
from apim.keymanager.actions.trust import save_policy
from apim.keymanager.grants import DEVICE
from apim.keymanager.models import TokenPolicy
from apim.keymanager.verify import verify
from tests.apim.keymanager.parties import client_of

pytestmark = pytest.mark.django_db
DeviceRow = get_device_grant_model()


@pytest.fixture
def tv(organisation, developer):
    """A television: it can keep no secret."""
    return client_of(organisation, developer, DEVICE, "refresh_token", public=True)


def begin(app, scope: str = "openid") -> dict:
    answer = app.post("/oauth2/device_authorize", auth=None, client_id=app.client.client_id, scope=scope)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(app, device_code: str):
    fields = {"grant_type": DEVICE, "device_code": device_code, "client_id": app.client.client_id}
    DeviceRow.objects.update(last_checked=timezone.now() - timedelta(seconds=60))
    answer = app.post("/oauth2/token", auth=None, **fields)
    return answer.json().get("error", ""), answer.json()


def person(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_person_connects_a_device(tv, creator):
    codes = begin(tv)
    assert codes["verification_uri_complete"].endswith(f"/oauth2/device?user_code={codes['user_code']}")
    assert not DeviceRow.objects.filter(device_code=codes["device_code"]).exists(), "the code is kept in the clear"
    assert ask(tv, codes["device_code"])[0] == "authorization_pending"
    browser = person(creator)
    shown = browser.get(f"/oauth2/device?user_code={codes['user_code'].lower()}")
    assert "Know who you are" in shown.text
    assert ask(tv, codes["device_code"])[0] == "authorization_pending", "a link alone must not decide"
    assert "connected" in browser.post("/oauth2/device", {"user_code": codes["user_code"], "decision": "allow"}).text
    error, found = ask(tv, codes["device_code"])
    assert not error
    assert verify(found["access_token"])["sub"] == "creator"
    assert {"refresh_token", "id_token"} <= set(found)
    assert ask(tv, codes["device_code"])[0] == "invalid_grant", "a device code is good once"


def test_a_person_refuses(tv, creator):
    codes = begin(tv)
    person(creator).post("/oauth2/device", {"user_code": codes["user_code"], "decision": "refuse"})
    assert ask(tv, codes["device_code"])[0] == "access_denied"
    assert ask(tv, codes["device_code"])[0] == "invalid_grant"


def test_a_hasty_device_has_to_slow_down(tv):
    codes = begin(tv)
    fields = {"grant_type": DEVICE, "device_code": codes["device_code"], "client_id": tv.client.client_id}
    assert tv.post("/oauth2/token", auth=None, **fields).json()["error"] == "authorization_pending"
    assert tv.post("/oauth2/token", auth=None, **fields).json()["error"] == "slow_down"
    assert DeviceRow.objects.get().interval == 10


def test_codes_expire_and_belong_to_their_client(tv, organisation, developer, creator):
    codes = begin(tv)
    other = client_of(organisation, developer, DEVICE, public=True)
    assert ask(other, codes["device_code"])[0] == "invalid_grant"
    DeviceRow.objects.update(expires=timezone.now())
    assert "unknown" in person(creator).get(f"/oauth2/device?user_code={codes['user_code']}").text
    assert ask(tv, codes["device_code"])[0] == "expired_token"


def test_people_of_another_organisation_cannot_decide(tv, other_organisation, make_user):
    codes = begin(tv)
    stranger = person(make_user(other_organisation, "Internal/subscriber"))
    stranger.post("/oauth2/device", {"user_code": codes["user_code"], "decision": "allow"})
    assert ask(tv, codes["device_code"])[0] == "authorization_pending"


def test_deciding_needs_the_form_of_this_site(tv, creator):
    codes = begin(tv)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(creator)
    assert browser.post("/oauth2/device", {"user_code": codes["user_code"], "decision": "allow"}).status_code == 403
    assert ask(tv, codes["device_code"])[0] == "authorization_pending"


def test_guessing_user_codes_ends_soon(tv, creator, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "device"}}
    cache.clear()
    codes, browser = begin(tv), person(creator)
    for _ in range(guessing.MOST):
        assert "unknown" in browser.post("/oauth2/device", {"user_code": "BBBB-BBBB"}).text
    right = browser.post("/oauth2/device", {"user_code": codes["user_code"], "decision": "allow"})
    assert "too often" in right.text
    assert ask(tv, codes["device_code"])[0] == "authorization_pending"


def test_the_grant_has_a_switch_and_is_the_clients(tv, organisation, developer, admin):
    plain = client_of(organisation, developer, "client_credentials")
    assert plain.post("/oauth2/device_authorize", scope="x").json()["error"] == "unauthorized_client"
    assert tv.post("/oauth2/device_authorize", auth=None, client_id="nobody").status_code == 401
    codes = begin(tv)
    save_policy(by=admin, policy=TokenPolicy(organisation=organisation, grants=["client_credentials"]))
    answer = tv.post("/oauth2/device_authorize", auth=None, client_id=tv.client.client_id)
    assert answer.json()["error"] == "unauthorized_client"
    assert ask(tv, codes["device_code"])[0] == "unauthorized_client"


@pytest.mark.parametrize("scope", ["a" * 5000, "open\x00id", "x\x7fy"])
def test_scopes_that_nobody_could_keep_are_refused(tv, scope):
    answer = tv.post("/oauth2/device_authorize", auth=None, client_id=tv.client.client_id, scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert not DeviceRow.objects.exists()
