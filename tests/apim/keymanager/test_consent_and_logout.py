"""Consent that is remembered and taken back, prompts, forms that only this site may send, and log-out for clients."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_refresh_token_model

from apim.eventhub.models import Current
from apim.keymanager.models import Consent
from tests.apim.keymanager.conftest import CALLBACK
from tests.apim.keymanager.test_people_grants import (
    authorize,
    browser,
    claims_of,
    consent,
    exchange,
    oauth_session,
    plain_http,
    refresh,
)

pytestmark = pytest.mark.django_db
__all__ = ["plain_http"]


def answers(session: Client, address: str, **fields: str):
    """Open the page and allow, with further fields of the form."""
    page = session.get(address)
    assert page.status_code == 200, page.headers

    form = page.text.partition('class="stack">\n    <input')[2].partition('type="checkbox"')[0]
    return session.post(
        address, dict(re.findall(r'name="([^"]+)"[^>]*?value="([^"]*)"', form)) | {"allow": "true"} | fields
    )


def test_a_consent_is_remembered_only_when_the_person_says_so(server, creator):
    session, oauth = browser(creator), oauth_session(server, "openid email")
    consent(session, authorize(oauth))
    assert session.get(authorize(oauth)).status_code == 200, "asked again"
    answers(session, authorize(oauth), remember="true")
    assert Consent.objects.get().scopes == ["email", "openid"]
    at_once = session.get(authorize(oauth))
    assert at_once.status_code == 302
    assert at_once.headers["Location"].startswith(f"{CALLBACK}?code=")
    assert exchange(server, oauth, at_once.headers["Location"]).status_code == 200
    assert session.get(authorize(oauth_session(server, "openid email profile"))).status_code == 200, "more than allowed"
    assert session.get(authorize(oauth, prompt="consent")).status_code == 200


def test_silent_authorization_follows_the_consent(server, creator):
    session, oauth = browser(creator), oauth_session(server, "openid")
    before = parse_qs(urlsplit(session.get(authorize(oauth, prompt="none")).headers["Location"]).query)
    assert before["error"] == ["consent_required"]
    answers(session, authorize(oauth), remember="true")
    after = parse_qs(urlsplit(session.get(authorize(oauth, prompt="none")).headers["Location"]).query)
    assert "code" in after
    nobody = parse_qs(urlsplit(browser().get(authorize(oauth, prompt="none")).headers["Location"]).query)
    assert nobody["error"] == ["login_required"]


def test_taking_back_ends_tokens_everywhere(server, creator):
    session, oauth = browser(creator), oauth_session(server)
    back = answers(session, authorize(oauth), remember="true").headers["Location"]
    found = exchange(server, oauth, back).json()
    page = session.get("/oauth2/consents/")
    assert "Shop" in page.text
    assert "not asked again" in page.text
    session.post(f"/oauth2/consents/{server.client.uuid}/take-back")
    assert refresh(server, found["refresh_token"]).json()["error"] == "invalid_grant"
    jti = claims_of(server, found["access_token"])["jti"]
    assert Current.objects.filter(kind="revocation", key=jti).exists()
    assert session.get(authorize(oauth)).status_code == 200
    assert "No application acts for you" in session.get("/oauth2/consents/").text


def test_only_my_own_consents_are_mine(server, creator, publisher_user):
    oauth = oauth_session(server)
    exchange(server, oauth, answers(browser(creator), authorize(oauth), remember="true").headers["Location"])
    stranger = browser(publisher_user)
    assert "Shop" not in stranger.get("/oauth2/consents/").text
    stranger.post(f"/oauth2/consents/{server.client.uuid}/take-back")
    assert Consent.objects.count() == 1
    assert get_refresh_token_model().objects.filter(revoked=None).count() == 1


def test_other_sites_cannot_send_the_consent_form_nor_frame_it(server, creator):
    session = Client(enforce_csrf_checks=True)
    session.force_login(creator)
    address = authorize(oauth_session(server))
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert session.post(address, query | {"allow": "true"}).status_code == 403
    page = session.get(address)
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "extra", ["&grant_type=client_credentials", "&user=admin", "&client_secret=x", "&state=1&state=2"]
)
def test_fields_of_other_endpoints_are_refused(server, creator, extra):
    assert browser(creator).get(authorize(oauth_session(server)) + extra).status_code == 400


def test_prompt_login_and_max_age_ask_for_the_password_again(server, creator):
    for extra in ({"prompt": "login"}, {"max_age": "60"}):
        session = browser(creator)
        creator.last_login = timezone.now() - timedelta(hours=1)
        creator.save()
        answer = session.get(authorize(oauth_session(server), **extra))
        assert answer.status_code == 302, extra
        assert "/accounts/login/" in answer.headers["Location"]
        assert "_auth_user_id" not in session.session, "the log-in page would wave the session through"


AFTER = "https://client.example/bye"


@pytest.fixture
def told(server, creator):
    """A browser with a session, and the id token of a client in it."""
    server.client.post_logout_redirect_uris = AFTER
    server.client.save()
    oauth, session = oauth_session(server), browser(creator)
    hint = exchange(server, oauth, consent(session, authorize(oauth)).headers["Location"]).json()["id_token"]
    return session, hint


def test_a_client_logs_its_person_out(told):
    session, hint = told
    answer = session.get("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER, "state": "s"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{AFTER}?state=s")
    assert "_auth_user_id" not in session.session


def test_without_a_hint_the_person_is_asked(told, server):
    session, _ = told
    fields = {"client_id": server.client.client_id, "post_logout_redirect_uri": AFTER}
    assert "Log out?" in session.get("/oidc/logout", fields).text
    assert "_auth_user_id" in session.session
    answer = session.post("/oidc/logout", fields | {"confirmed": "true"})
    assert answer.headers["Location"] == AFTER
    assert "_auth_user_id" not in session.session


def test_a_hint_about_somebody_else_asks_too(told, publisher_user):
    _, hint = told
    other = browser(publisher_user)
    assert "Log out?" in other.get("/oidc/logout", {"id_token_hint": hint}).text
    assert "_auth_user_id" in other.session


def test_confirming_needs_the_form_of_this_site(creator):
    session = Client(enforce_csrf_checks=True)
    session.force_login(creator)
    assert session.post("/oidc/logout", {"confirmed": "true"}).status_code == 403


@pytest.mark.parametrize(
    "uri", ["https://evil.example/", f"{AFTER}?x=1", f"{AFTER}/../x", "javascript:alert(1)", "//evil.example"]
)
def test_log_out_leads_to_registered_addresses_only(told, uri):
    session, hint = told
    answer = session.get("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": uri})
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("change", ["x", "access"])
def test_a_hint_that_is_no_id_token_is_refused(told, server, change):
    session, hint = told
    wrong = hint[:-4] + "AAAA" if change == "x" else server.token()["access_token"]
    assert session.get("/oidc/logout", {"id_token_hint": wrong}).status_code == 400
    assert "_auth_user_id" in session.session
