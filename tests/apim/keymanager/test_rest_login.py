"""Log-in to the management REST APIs: registration (DCR), password grant, bearer tokens."""

from __future__ import annotations

import json

import pytest
import requests
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from apim.keymanager.actions.clients import create_client, delete_client
from apim.keymanager.actions.tokens import revoke_token
from apim.keymanager.issue import access_token
from apim.keymanager.models import OAuthClient
from apim.keymanager.rest import BearerAuthentication
from tests.apim.keymanager.conftest import Registered
from tests.support.people import PASSWORD

REGISTRATION = {
    "callbackUrl": "www.example.org",
    "clientName": "rest_api_publisher",
    "owner": "publisher",
    "grantType": "client_credentials password refresh_token",
    "saasApp": True,
}


def log_in(token: str):
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}"))
    return BearerAuthentication().authenticate(request)


def password_token(client_id: str, secret: str, who: str, **fields: str):
    data = {"grant_type": "password", "username": who, "password": PASSWORD, "scope": "apim:api_view apim:api_publish"}
    return Registered(OAuthClient(client_id=client_id), secret).post("/oauth2/token", **(data | fields))


def register(auth: tuple[str, str] | None = ("publisher", PASSWORD), **changes: object):
    """Register over HTTP as WSO2's command-line clients do."""
    body = json.dumps(REGISTRATION | changes)
    own = Registered(OAuthClient(), "")
    return own.send("/client-registration/v0.17/register", body, auth=auth, content_type="application/json")


def test_a_wso2_style_client_registers_and_logs_in(live_server, publisher_user):
    address = f"{live_server.url}/client-registration/v0.17/register"
    answer = requests.post(address, json=REGISTRATION, auth=("publisher", PASSWORD), timeout=10)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["clientName"], made["appOwner"]) == ("rest_api_publisher", "publisher")
    own = (made["clientId"], made["clientSecret"])
    data = {
        "grant_type": "password",
        "username": "publisher",
        "password": PASSWORD,
        "scope": "apim:api_view apim:api_publish",
    }
    found = requests.post(f"{live_server.url}/oauth2/token", data=data, auth=own, timeout=10).json()
    assert found["scope"] == "apim:api_view apim:api_publish"
    user, token = log_in(found["access_token"])
    assert user == publisher_user
    assert token.scopes == {"apim:api_view", "apim:api_publish"}
    data = {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
    again = requests.post(f"{live_server.url}/oauth2/token", data=data, auth=own, timeout=10).json()
    assert log_in(again["access_token"])[0] == publisher_user


@pytest.mark.parametrize(
    ("change", "auth", "status"),
    [
        ({}, ("publisher", "wrong"), 401),
        ({}, None, 401),
        ({"owner": "admin"}, ("publisher", PASSWORD), 403),
        ({"clientName": ""}, ("publisher", PASSWORD), 400),
        ({"grantType": "telepathy"}, ("publisher", PASSWORD), 400),
    ],
)
def test_a_registration_that_may_not_be(publisher_user, change, auth, status):
    assert register(auth, **change).status_code == status
    assert not OAuthClient.objects.exists()


def test_registering_again_keeps_the_newest(publisher_user):
    for _ in range(12):
        assert register().status_code == 200
    assert OAuthClient.objects.count() == 10


def test_scopes_follow_the_users_roles(rest_client, publisher_user, developer, admin):
    client, secret = rest_client
    asked = "apim:subscribe apim:api_publish apim:admin"
    for username, granted in [("publisher", "apim:api_publish"), ("developer", "apim:subscribe"), ("admin", asked)]:
        assert password_token(client.client_id, secret, username, scope=asked).json()["scope"] == granted


@pytest.mark.parametrize(
    "wrong", [{"password": "nope"}, {"username": "nobody"}, {"username": "a\x00b"}, {"password": ""}]
)
def test_a_wrong_password_gives_no_token(rest_client, wrong):
    client, secret = rest_client
    answer = password_token(client.client_id, secret, "publisher", **wrong)
    assert (answer.status_code, answer.json()["error"] in ("invalid_grant", "invalid_request")) == (400, True)


def test_people_of_another_organisation_do_not_log_in(rest_client, make_user, other_organisation):
    client, secret = rest_client
    stranger = make_user(other_organisation, "admin", username="boss")
    assert password_token(client.client_id, secret, stranger.username).json()["error"] == "invalid_grant"


@pytest.mark.django_db
def test_an_applications_token_does_not_open_the_management_apis(developer, organisation):
    client, _ = create_client(by=developer, organisation=organisation, name="Shop", grant_types=["client_credentials"])
    token, _ = access_token(client, scopes=["apim:subscribe"], lifetime=60)
    with pytest.raises(AuthenticationFailed, match="not for this API"):
        log_in(token)


@pytest.mark.django_db
def test_what_a_bearer_token_needs(rest_client, publisher_user, developer):
    client, _ = rest_client
    token, _ = access_token(client, scopes=["apim:api_view"], lifetime=60, user=developer)
    assert log_in(token)[0] == developer
    with pytest.raises(AuthenticationFailed, match="scope"):
        log_in(access_token(client, scopes=["default"], lifetime=60, user=developer)[0])
    developer.is_active = False
    developer.save()
    with pytest.raises(AuthenticationFailed):
        log_in(token)
    own, _ = access_token(client, scopes=["apim:api_view"], lifetime=60)
    assert log_in(own)[0] == publisher_user
    assert revoke_token(token=own)
    with pytest.raises(AuthenticationFailed):
        log_in(own)
    left, _ = access_token(client, scopes=["apim:api_view"], lifetime=60)
    delete_client(by=publisher_user, client=client)
    with pytest.raises(AuthenticationFailed):
        log_in(left)


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer"])
def test_other_headers_are_left_to_others_or_refused(db, header):
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=header))
    if header.startswith("Bearer"):
        with pytest.raises(AuthenticationFailed):
            BearerAuthentication().authenticate(request)
    else:
        assert BearerAuthentication().authenticate(request) is None
